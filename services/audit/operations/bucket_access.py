"""Whether a trail may deliver to a bucket: its policy decides, as at AWS.

The object store knows the audit service by one key of its own, which opens every bucket. Without a policy of
its own a customer could have its files delivered to somebody else's bucket, so the policy is evaluated here,
before every delivery, as S3 would evaluate it for the service cloudtrail.amazonaws.com.
AWS: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

from collections.abc import Sequence

from services.audit.domain.trail import SERVICE, TrailName
from services.audit.errors import BucketError
from services.audit.ports import Buckets
from services.chassis.clock import Clock
from services.chassis.errors import DomainError
from services.chassis.policy.document import parse
from services.chassis.policy.kinds import PolicyKind, PrincipalRule
from services.chassis.policy.model import Verdict
from services.chassis.policy.principals import Requester, RequesterKind
from services.chassis.policy.resource_evaluator import ResourcePolicySet
from services.chassis.policy.service_requests import service_context

BUCKET = PolicyKind("bucket policies", 20_480, PrincipalRule.REQUIRED, service="s3", free_sid=True)
_ACL = "bucket-owner-full-control"
"""What CloudTrail asks for its files, and AWS's policy for it demands: they are the bucket's owner's."""


class BucketAccess:
    """Asks the policies of buckets."""

    def __init__(self, buckets: Buckets, clock: Clock, partition: str) -> None:
        """Read policies from `buckets`."""
        self._buckets = buckets
        self._clock = clock
        self._partition = partition

    async def require(self, name: TrailName, bucket: str, keys: Sequence[str]) -> None:
        """Return when a trail may write the objects `keys`.

        Raises BucketError: AccessDenied, MalformedPolicy, S3's own.
        """
        text = await self._buckets.policy(bucket)
        if not text:
            raise BucketError("AccessDenied")
        try:
            policies = ResourcePolicySet([parse(text, BUCKET)])
        except DomainError as error:
            raise BucketError("MalformedPolicy") from error
        context = service_context(SERVICE, name.arn(self._partition), self._clock.now())
        # Whose the bucket is, the store does not tell.
        del context["aws:resourceaccount"]
        context["s3:x-amz-acl"] = _ACL
        requester = Requester(RequesterKind.SERVICE, SERVICE, "")
        for key in keys:
            wanted = f"arn:{self._partition}:s3:::{bucket}/{key}"
            decision, _ = policies.evaluate(requester, "s3:PutObject", wanted, context)
            if decision.verdict is not Verdict.ALLOW:
                raise BucketError("AccessDenied")
