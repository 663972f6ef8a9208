"""Listing customisation jobs."""

from dataclasses import dataclass

from services.chassis.context import CallContext
from services.chassis.pages import decode_page_token, encode_page_token
from services.chassis.pipeline import require_principal
from services.training.domain.jobs import Job, JobFilter, Owner, Position
from services.training.ports import JobStore, PolicyEnforcer

_DEFAULT_PAGE = 100
_ANY_RESOURCE = "*"
"""The action acts on no single resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html"""


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs, newest first."""

    jobs: tuple[Job, ...]
    next_page_token: str
    """Empty on the last page."""


class JobListing:
    """Lists the jobs of the caller's account in the region of its request."""

    def __init__(self, store: JobStore, policies: PolicyEnforcer) -> None:
        """List the jobs of `store` as `policies` permit."""
        self._store = store
        self._policies = policies

    async def list(self, call: CallContext, wanted: JobFilter, page_size: int, page_token: str) -> JobPage:
        """Return one page (bedrock:ListModelCustomizationJobs)."""
        principal = require_principal(call)
        await self._policies.authorize(call, "bedrock:ListModelCustomizationJobs", _ANY_RESOURCE)
        owner = Owner(principal.account_id, principal.account_incarnation, principal.region)
        key = decode_page_token(page_token)
        after = Position.parse(key) if key else None
        size = page_size or _DEFAULT_PAGE
        found = await self._store.list(owner, wanted, after, size + 1)
        more = len(found) > size
        token = encode_page_token(str(found[size - 1].position)) if more else ""
        return JobPage(tuple(each.job for each in found[:size]), token)
