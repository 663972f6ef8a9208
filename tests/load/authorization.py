"""What deciding costs: evaluations, tokens, authorisations, signatures, API keys. CPU µs, best of five.

    python -m tests.load.authorization [--principals 100000] [--json]

Runs the real modules in this process, for about 40 s of processor time; nothing waits for auth, as in a
service whose leases are live. `make bench` prints the same table.
"""

import argparse
import asyncio
import gc
import hashlib
import itertools
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.chassis import api_keys, sigv4
from services.chassis.authorization import Authorizer
from services.chassis.clock import SystemClock
from services.chassis.context import CallContext
from services.chassis.leases import LeaseAnswer, Leases
from services.chassis.policy.bundle import PolicyBundle
from services.chassis.policy.cache import PolicyCache
from services.chassis.policy.document import parse
from services.chassis.policy.evaluator import PolicySet
from services.chassis.principal import ClientContext, PrincipalClaims, PrivatePath
from services.chassis.secret import SecretBytes
from services.chassis.sigv4_signer import SigningCredentials, sign_headers
from services.chassis.tokens import SigningKey, TokenVerifier, mint
from services.edge.domain.admission import admit, string_to_sign
from services.edge.operations.bearers import Bearers
from services.edge.operations.leased import Horizon
from services.edge.operations.sessions import Sessions
from services.edge.ports import BearerGrant, Entrance, Grant, Presented
from tests.fakes.clock import ManualClock

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


PATH = PrivatePath("vpce-0000000000000000a", "vpc-0000000000000001f", "123456789012", "bedrock-runtime")
ENDPOINT_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "bedrock:InvokeModel*",
            "Resource": "arn:aws:bedrock:*::foundation-model/craton.*",
        },
    }
)


class FixedAnswers:
    """A LeaseSource that always answers the same."""

    def __init__(self, policies: list[str], endpoint: tuple[str, ...] | None = None) -> None:
        self._bundle = PolicyBundle(tuple(policies), endpoint=endpoint)

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        return LeaseAnswer(self._bundle, frozenset(), 1, "digest", 5.0)


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


@dataclass(frozen=True)
class Cost:
    """One figure."""

    what: str
    cost_us: float
    bar_us: float | None = None
    """What it may be at most on the machine of docs/performance.md."""
    note: str = ""

    @property
    def line(self) -> str:
        """The figure as a row of a Markdown table."""
        bar = "" if self.bar_us is None else f"{self.bar_us:g}"
        return f"| {self.what} | {self.cost_us:.2f} | {bar} | {self.note} |"


HEAD = "| deciding | CPU µs | bar | |\n|---|---|---|---|"


def _evaluations() -> Iterator[Cost]:
    context = {"aws:requestedregion": "us-east-1"}
    for count, bar in ((10, None), (100, 10.0), (1000, 60.0)):
        compiled = PolicySet([parse(document) for document in documents(count)])
        if not compiled.evaluate("bedrock:InvokeModel", MODEL, context).allowed:
            raise AssertionError("the benchmark's request must be allowed")
        cost = best(5_000, partial(compiled.evaluate, "bedrock:InvokeModel", MODEL, context))
        yield Cost(f"evaluate, {count} statements", cost, bar)


async def _tokens() -> AsyncIterator[Cost]:
    clock = SystemClock()
    verifier = TokenVerifier("runtime", OneKey(), clock)
    token = mint(claims(), KEY)
    yield Cost("token, mint", best(500, lambda: mint(claims(), KEY)))
    fresh = iter([mint(claims(number), KEY) for number in range(1_000)])
    yield Cost("token, first sight", await best_async(200, lambda: verifier.verify(next(fresh))))
    yield Cost("token, seen before", await best_async(20_000, lambda: verifier.verify(token)))
    authorizer = Authorizer(Leases(FixedAnswers(documents(100)), clock), clock)
    work = partial(authorizer.authorize, _call(claims()), "bedrock:InvokeModel", MODEL)
    yield Cost("authorise, live lease, 100 statements", await best_async(20_000, work))
    # The endpoint's policy is one more layer, and no longer is identity the only one.
    leases = Leases(FixedAnswers(documents(100), (ENDPOINT_POLICY,)), clock)
    through = _call(replace(claims(), path=PATH))
    work = partial(Authorizer(leases, clock).authorize, through, "bedrock:InvokeModel", MODEL)
    yield Cost("authorise, through a VPC endpoint, 100", await best_async(20_000, work))


def _call(principal: PrincipalClaims) -> CallContext:
    return CallContext(
        method="/m", request_id="r", call_id="c", caller=None, principal=principal, principal_token="t"
    )


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class OwnPolicies:
    """A LeaseSource in which each principal has a policy that nobody else has."""

    def __init__(self) -> None:
        self.number = 0

    async def fetch(self, token: str, known_digest: str, continuing: bool = False) -> LeaseAnswer:
        statements = [
            {"Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": MODEL},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": f"arn:aws:kms:*:*:key/{self.number}"},
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        return LeaseAnswer(PolicyBundle((document,)), frozenset(), 1, f"{self.number}", 5.0)


_IN_CACHE = 100


def _next_decides(around: Iterator[PolicySet]) -> object:
    return next(around).evaluate("bedrock:InvokeModel", MODEL, {})


async def _next_authorises(authorizer: Authorizer, around: Iterator[CallContext]) -> None:
    await authorizer.authorize(next(around), "bedrock:InvokeModel", MODEL)


async def _principals(counts: tuple[int, ...]) -> AsyncIterator[Cost]:
    """What one of many principals costs: neither decision nor authorisation may grow with their number.

    A hundred ask in turn, whose policies stay in the processor's caches; a thousand do not fit there, which
    costs the same whatever else is in memory, as long as the pages of that are not looked up anew.
    """
    for count in counts:
        gc.collect()
        # The clock stands still: filling takes longer than a lease lives.
        clock, source = ManualClock(), OwnPolicies()
        leases = Leases(source, clock, PolicyCache(max_chars=1_000 * count))
        authorizer = Authorizer(leases, clock)
        sample = random.Random(count).sample(range(count), min(count, 1_000))
        wanted, calls, before = set(sample), [], _resident_bytes()
        for number in range(count):
            source.number = number
            principal = replace(claims(), access_key_id=f"AKIA{number:016d}", policy_epoch=1)
            call = _call(principal)
            await leases.get(call)
            if number in wanted:
                calls.append(call)
        memory = (_resident_bytes() - before) / count
        sets = [(await leases.get(call)).policies.bound.identity for call in calls[:_IN_CACHE]]
        cost = best(10_000, partial(_next_decides, itertools.cycle(sets)))
        yield Cost(f"evaluate, one of {count:,} principals, {len(sets)} in turn", cost)
        for turn in dict.fromkeys((min(count, _IN_CACHE), len(calls))):
            cost = await best_async(
                10_000, partial(_next_authorises, authorizer, itertools.cycle(calls[:turn]))
            )
            note = f"{memory / 1024:.1f} KiB a principal, two statements each" if count >= 1_000 else ""
            yield Cost(f"authorise, one of {count:,} principals, {turn:,} in turn", cost, None, note)


class _Grants:
    """auth, as the edge sees it once: everything after that is leased."""

    def __init__(self, key: bytes, clock: ManualClock) -> None:
        self._key = key
        self._clock = clock

    async def authenticate(
        self, presented: Presented, client: ClientContext, audience: str, entrance: Entrance | None = None
    ) -> Grant:
        until = self._clock.boottime() + 60
        return Grant(claims(), "token", until, self._key, until)

    async def authenticate_bearer(
        self,
        bearer: str,
        region: str,
        client: ClientContext,
        audience: str,
        entrance: Entrance | None = None,
    ) -> BearerGrant:
        until = self._clock.boottime() + 60
        return BearerGrant(claims(), "token", until, until)


async def _credentials() -> AsyncIterator[Cost]:
    """What the edge does with a request's credentials when auth has been asked already."""
    now = datetime.now(UTC).replace(microsecond=0)
    secret = SecretBytes(b"s" * 40)
    scope = (secret, now.strftime("%Y%m%d"), "us-east-1", "bedrock")
    yield Cost("SigV4, derive a key", best(5_000, lambda: sigv4.derive_signing_key(*scope)))
    clock, client, horizon = ManualClock(), claims().client, Horizon()
    grants = _Grants(sigv4.derive_signing_key(*scope), clock)
    sessions = Sessions(grants, clock, horizon)
    path, body = b"/model/craton.tiny-text-v1/invoke", b"x" * 1024
    headers = {
        "host": "localhost:8443",
        "content-type": "application/json",
        "user-agent": "Boto3/1.44.5 md/Botocore#1.44.5",
        "accept-encoding": "identity",
        "amz-sdk-invocation-id": "0" * 36,
        "content-length": "1024",
    }
    signer = SigningCredentials("AKIAAAAAAAAAAAAAAAAA", secret, "us-east-1")
    signed = sign_headers(signer, "POST", path, b"", headers, body, now)
    wire = [(name.encode(), value.encode()) for name, value in signed.items()]
    regions = frozenset({"us-east-1"})

    async def verify() -> None:
        fields = sigv4.header_fields(wire)
        sigv4.refuse_other_forms(b"", fields)
        admitted = admit(fields, regions, now)
        digest = hashlib.sha256(body).hexdigest().encode()
        to_sign = string_to_sign(admitted, "POST", path, b"", fields, digest)
        credential = admitted.authorization.credential
        presented = Presented(credential, to_sign, admitted.signature, "")
        await sessions.open(presented, client, "runtime")

    yield Cost("SigV4, a request of 1 KiB with a cached key", await best_async(10_000, verify), 15.0)
    bearers = Bearers(grants, clock, horizon, regions, "us-east-1")
    key = api_keys.long_term("alice-at-123456789012", SecretBytes(b"s" * 44)).reveal()
    cost = await best_async(20_000, lambda: bearers.open(key, client, "runtime"))
    yield Cost("API key, verified a moment ago", cost)


async def measure(principals: int = 100_000) -> list[Cost]:
    """Return all figures; the table of principals ends with so many."""
    counts = tuple(count for count in (1, 1_000, 10_000, 100_000) if count <= principals)
    found = list(_evaluations())
    for part in (_tokens(), _principals(counts), _credentials()):
        found += [each async for each in part]
    return found


def main() -> int:
    """Print one line a figure; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.authorization", description=__doc__)
    parser.add_argument("--principals", type=int, default=100_000, help="the most that are held at a time")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.principals))
    if arguments.json:
        print(json.dumps([vars(each) for each in found]))
    else:
        print("\n".join((HEAD, *(each.line for each in found))))
    missed = [each.what for each in found if each.bar_us is not None and each.cost_us > each.bar_us]
    if missed:
        print(f"above the bar: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
