"""What deciding costs: an evaluation, a token, an authorisation under a live lease. CPU µs, best of five.

    python -m tests.load.authorization

Runs the real modules of the chassis in this process; nothing waits for auth, as in a service whose
leases are live.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis import sigv4
from services.chassis.authorization import Authorizer
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.leases import LeaseAnswer, Leases
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.principal import ClientContext, PrincipalClaims
from services.chassis.secret import SecretBytes
from services.chassis.tokens import SigningKey, TokenVerifier, mint

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/craton.tiny-text-v1"
KEY = SigningKey("k", Ed25519PrivateKey.generate())
STATEMENTS_A_DOCUMENT = 10


def documents(count: int) -> list[str]:
    """Statements for many models, some with conditions and some denying; the last one allows MODEL."""
    random_ = random.Random(count)
    statements: list[dict[str, object]] = []
    for number in range(count - 1):
        region = random_.choice(("*", "us-*", "eu-west-1"))
        statement: dict[str, object] = {
            "Effect": random_.choice(("Allow", "Allow", "Deny")),
            "Action": random_.choice(("bedrock:*", "bedrock:InvokeModel*", "bedrock:Get*", "kms:Decrypt")),
            "Resource": f"arn:aws:bedrock:{region}::foundation-model/provider{number}.*",
        }
        if number % 3 == 0:
            statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
        statements.append(statement)
    statements.append({"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": MODEL})
    return [
        json.dumps({"Version": "2012-10-17", "Statement": statements[at : at + STATEMENTS_A_DOCUMENT]})
        for at in range(0, count, STATEMENTS_A_DOCUMENT)
    ]


class FixedAnswers:
    """A LeaseSource that always answers the same."""

    def __init__(self, policies: list[str]) -> None:
        self._policies = policies

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        return LeaseAnswer(PolicyBundle(tuple(self._policies)), frozenset(), 1, "digest", 5.0)


class OneKey:
    """A TokenKeySource with KEY alone."""

    async def find(self, key_id: str) -> Ed25519PublicKey | None:
        return KEY.private_key.public_key()


def claims(number: int = 0) -> PrincipalClaims:
    now = int(time.time())
    client = ClientContext("192.0.2.1", "Boto3/1.44", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "localhost")
    return PrincipalClaims(
        account_id="123456789012",
        account_incarnation="0" * 32,
        arn="arn:aws:iam::123456789012:user/alice",
        principal_id="AIDAAAAAAAAAAAAAAAAAA",
        access_key_id="AKIAAAAAAAAAAAAAAAAA",
        root=False,
        policy_epoch=1,
        region="us-east-1",
        audience="runtime",
        token_id=str(number),
        issued_at=now,
        expires_at=now + 60,
        client=client,
    )


def best(rounds: int, work: Callable[[], object]) -> float:
    """Return the CPU µs of one call."""
    found = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            work()
        found = min(found, (time.process_time() - started) / rounds * 1e6)
    return found


async def best_async(rounds: int, work: Callable[[], Awaitable[object]]) -> float:
    """Return the CPU µs of one awaited call."""
    found = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            await work()
        found = min(found, (time.process_time() - started) / rounds * 1e6)
    return found


def show(what: str, cost: float) -> None:
    """Print one line."""
    print(f"{what:34} {cost:8.2f} µs")


async def main() -> None:
    """Print one line a figure."""
    context = {"aws:requestedregion": "us-east-1"}
    for count in (10, 100, 1000):
        compiled = PolicySet([parse(document) for document in documents(count)])
        if not compiled.evaluate("bedrock:InvokeModel", MODEL, context).allowed:
            raise AssertionError("the benchmark's request must be allowed")
        cost = best(5_000, lambda: compiled.evaluate("bedrock:InvokeModel", MODEL, context))  # noqa: B023
        show(f"evaluate, {count} statements", cost)
    clock = SystemClock()
    verifier = TokenVerifier("runtime", OneKey(), clock)
    token = mint(claims(), KEY)
    show("token, mint", best(500, lambda: mint(claims(), KEY)))
    fresh = iter([mint(claims(number), KEY) for number in range(1_000)])
    show("token, first sight", await best_async(200, lambda: verifier.verify(next(fresh))))
    show("token, seen before", await best_async(20_000, lambda: verifier.verify(token)))
    authorizer = Authorizer(Leases(FixedAnswers(documents(100)), clock), clock)
    call = CallContext(
        method="/m", request_id="r", call_id="c", caller=None, principal=claims(), principal_token=token
    )
    cost = await best_async(20_000, lambda: authorizer.authorize(call, "bedrock:InvokeModel", MODEL))
    show("authorise, live lease, 100", cost)
    day = datetime.now(UTC).strftime("%Y%m%d")
    scope = (SecretBytes(b"s" * 40), day, "us-east-1", "bedrock")
    show("SigV4, derive a key", best(5_000, lambda: sigv4.derive_signing_key(*scope)))
    key = sigv4.derive_signing_key(*scope)
    text = b"AWS4-HMAC-SHA256\n20260102T030405Z\nscope\n" + b"0" * 64
    signature = sigv4.sign(key, text)
    show("SigV4, verify with a derived key", best(20_000, lambda: sigv4.verify(key, text, signature)))


if __name__ == "__main__":
    asyncio.run(main())
