"""An enforcement point whose auth tests steer."""

import asyncio
import dataclasses
import json
from typing import Any

from craton.common.v1.error_reason_pb2 import ErrorReason

from services.chassis.authorization import Authorizer
from services.chassis.context import CallContext
from services.chassis.errors import DomainError
from services.chassis.identity import WorkloadId
from services.chassis.leases import LeaseAnswer
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.keys import PrincipalFacts
from services.chassis.principal import PrincipalClaims
from tests.fakes.clock import ManualClock

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"

ACCOUNT = "123456789012"

ALLOW = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}

DENY = {**ALLOW, "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Auth:
    """A LeaseSource that tests steer."""

    def __init__(self, clock: ManualClock) -> None:
        self.bundle = PolicyBundle((document(ALLOW),))
        self.entitlements = frozenset({("us-east-1", "craton.tiny-text-v1", "ab")})
        self.facts = PrincipalFacts()
        self.epoch = 1
        self.endpoint_epoch = 0
        self.error: DomainError | None = None
        self.life_s = 5.0
        self.takes_s = 0.0
        self.known: list[str] = []
        self.gate: asyncio.Event | None = None
        self._clock = clock

    @property
    def policies(self) -> tuple[str, ...]:
        """The identity policies."""
        return self.bundle.identity

    @policies.setter
    def policies(self, documents: tuple[str, ...]) -> None:
        self.bundle = dataclasses.replace(self.bundle, identity=documents)

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        self.known.append(known_digest)
        answer = self._answer(known_digest)
        if self.gate is not None:
            await self.gate.wait()
        self._clock.advance(self.takes_s)
        if self.error is not None:
            raise self.error
        return answer

    def _answer(self, known_digest: str) -> LeaseAnswer:
        digest = str(hash((self.bundle, self.entitlements, self.facts)))
        unchanged = digest == known_digest
        return LeaseAnswer(
            None if unchanged else self.bundle,
            None if unchanged else self.entitlements,
            self.epoch,
            digest,
            self.life_s,
            PrincipalFacts() if unchanged else self.facts,
            self.endpoint_epoch,
        )


def down() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_DEPENDENCY_UNAVAILABLE, "down")


def revoked() -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_INVALID_TOKEN, "gone")


CLAIMS = PrincipalClaims(
    account_id=ACCOUNT,
    account_incarnation="i",
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    principal_id="AIDA",
    access_key_id="AKIA",
    root=False,
    policy_epoch=1,
    region="us-east-1",
    audience="runtime",
    token_id="t",
    issued_at=0,
    expires_at=60,
)


def a_call(**changes: Any) -> CallContext:
    return CallContext(
        method="/m",
        request_id="r",
        call_id="c",
        caller=WorkloadId("craton.local", "service", "edge"),
        principal=dataclasses.replace(CLAIMS, **changes),
        principal_token="token",
    )


async def permitted(authorizer: Authorizer, **changes: Any) -> bool:
    return await authorizer.allowed(a_call(**changes), "bedrock:InvokeModel", MODEL)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
