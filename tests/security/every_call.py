"""Calls of every RPC of every server and of every operation of edge, and the records that they must leave.

Nothing is changed by them: they come from workloads that are not listed, with tokens that are none, or from
a user who may do nothing. Refusals are recorded too; what only reads is also asked with every right.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from services.chassis.audit.ports import Recording
from services.chassis.rich_status import from_rpc_error
from services.edge.events import SERVED, Key
from tests.audit_trail import INTENDED, OK, REFUSED, Record
from tests.fakes.service_inputs import example_input
from tests.served_operations import name_behind
from tests.stack_callers import SERVERS, Metadata, Server, Workloads, principal_token

_LIMIT_S = 60.0
_PUBLIC = "public"
_OPERATOR = "operator/admin"
_NO_TOKEN: Metadata = (("authorization", "Bearer none"),)
_COUNTED = (Recording.SUMMARY, Recording.ADMITTED)
"""What is counted: the second kind as long as nobody proves to the handler who is there."""
EDGE = "spiffe://craton.local/service/edge"
HTTPS, PRIVATE = "edge tcp 8443", "edge tcp 8444"


def every_rpc(stack: Any, workloads: Workloads) -> Iterator[Record]:
    """Call every method as nobody who is listed, as one who is, and what only reads as the operator."""
    stranger = f"operator/s{uuid.uuid4().hex[:16]}"
    for server in SERVERS.values():
        callers = server.callers()
        yield from _rpcs(workloads, server, stranger, list(callers), ())
        yield _unknown(workloads, server, stranger)
        for workload, methods in _by_caller(callers).items():
            yield from _rpcs(workloads, server, workload, methods, _NO_TOKEN)
        reads = [
            method
            for method, names in callers.items()
            if _OPERATOR in names and server.events()[method].recording is Recording.READ
        ]
        if reads:
            with workloads.channel(SERVERS["auth"], _OPERATOR) as auth:
                host = SERVERS["auth"].identity.dns_name
                token = principal_token(auth, host, server.name, stack.credentials())
            yield from _rpcs(workloads, server, _OPERATOR, reads, token)


def every_native_call(stack: Any, workloads: Workloads) -> Iterator[Record]:
    """Call what native clients may call, with a token and without, and without what they may not."""
    runtime, port = SERVERS["runtime"], stack.local.definition.ports.public_grpc
    callers = runtime.callers()
    arn = stack.client("sts").get_caller_identity()["Arn"]
    with workloads.public_channel() as channel:
        token = principal_token(channel, f"{stack.address}:{port}", "runtime", stack.credentials())
        public = [method for method, names in callers.items() if _PUBLIC in names]
        yield from _called(channel, runtime, port, arn, public, token)
        yield from _called(channel, runtime, port, "", list(callers), ())


def _by_caller(callers: Mapping[str, frozenset[str]]) -> Mapping[str, list[str]]:
    """Return for some workloads the methods that each may call, so that every method is called once."""
    chosen: dict[str, list[str]] = {}
    for method, names in callers.items():
        # Services come first: most methods have one among their callers.
        for name in sorted(names - {_PUBLIC}, reverse=True)[:1]:
            chosen.setdefault(name, []).append(method)
    return chosen


def _rpcs(
    workloads: Workloads, server: Server, workload: str, methods: Collection[str], metadata: Metadata
) -> Iterator[Record]:
    caller = f"spiffe://{server.identity.trust_domain}/{workload}"
    with workloads.channel(server, workload) as channel:
        yield from _called(channel, server, server.port, caller, methods, metadata)


def _unknown(workloads: Workloads, server: Server, workload: str) -> Record:
    """Call what no server has."""
    caller = f"spiffe://{server.identity.trust_domain}/{workload}"
    with workloads.channel(server, workload) as channel:
        error = channel.unary_unary("/craton.none.v1.None/None").future(b"", timeout=_LIMIT_S).exception()
    return Record(server.label, "grpc.craton", "UnknownMethod", caller, error.code().name)


def _called(
    channel: grpc.Channel,
    server: Server,
    port: int,
    caller: str,
    methods: Collection[str],
    metadata: Metadata,
) -> Iterator[Record]:
    """Call methods with empty messages, all at once."""
    events, calls = server.events(), []
    for method in methods:
        request_id = str(uuid.uuid4())
        fields = (*metadata, ("x-request-id", request_id))
        # One answer is a stream of one: methods that stream are called like the others.
        call = channel.unary_stream(method)(b"", timeout=_LIMIT_S, metadata=fields)
        calls.append((events[method], request_id, call))
    for audited, request_id, call in calls:
        error, ended = _exception(call), OK
        if error is not None:
            ended = f"{error.code().name} {from_rpc_error(error, server.label).reason_name}"
        # Whoever shows neither a certificate nor a token is counted, whatever the method.
        counted = not caller or audited.recording in _COUNTED
        yield Record(
            server.label,
            audited.event_source,
            audited.event_name,
            # Counts name workloads alone.
            "" if counted and not caller.startswith("spiffe:") else caller,
            ended,
            "" if counted else request_id,
            f"{server.label} tcp {port}",
        )


def _exception(call: Any) -> grpc.RpcError | None:
    """Read a call to its end."""
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        return error
    return None


def every_operation(stack: Any) -> Iterator[Record]:
    """Call every operation that is served as a user who may do nothing, and some that are not."""
    with _user(stack) as (arn, keys):
        clients = {service: stack.client(service, **keys) for service in sorted({key[0] for key in SERVED})}
        unserved = [(service, _unserved(client)) for service, client in clients.items()]
        with ThreadPoolExecutor(8) as pool:
            for records in pool.map(
                lambda key: list(_operation(clients[key[0]], key, arn, HTTPS)),
                [*SERVED, *((service, name) for service, name in unserved if name)],
            ):
                yield from records
        with _private_way(stack) as url:
            client = stack.client("kms", endpoint_url=url, **keys)
            yield from _operation(client, ("kms", "ListKeys"), arn, PRIVATE)
    unsigned = stack.client("bedrock", config=Config(signature_version=UNSIGNED))
    yield from _operation(unsigned, ("bedrock", "ListFoundationModels"), "", HTTPS)


def _operation(client: Any, key: Key, arn: str, socket: str) -> Iterator[Record]:
    service, name = key
    model = client.meta.service_model.operation_model(name)
    arguments = {} if model.input_shape is None else example_input(model.input_shape)
    arguments.pop("Limit", None)
    try:
        answer, ended = getattr(client, xform_name(name))(**arguments), OK
    except ClientError as error:
        answer, ended = error.response, REFUSED
    request_id = answer["ResponseMetadata"]["RequestId"]
    served = SERVED.get(key)
    # What is not served is recorded under the source of its service.
    source = (
        next(each.audited.event_source for known, each in SERVED.items() if known[0] == service)
        if served is None
        else served.audited.event_source
    )
    if not arn:
        yield Record("edge", source, name, "", ended, socket=socket)
        return
    if served is not None and served.audited.recording in _COUNTED:
        yield Record("edge", source, name, "", ended, socket=socket)
        yield Record(served.audience, source, name, EDGE, ended)
        return
    yield Record("edge", source, name, arn, ended, request_id, socket)
    if served is None:
        return
    # Edge wrote before it asked the service that answers, which has written for itself.
    behind = name_behind(key)
    if served.audited.has_effect:
        yield Record("edge", source, name, arn, INTENDED, request_id, socket)
        yield Record(served.audience, source, behind, EDGE, INTENDED, request_id)
    yield Record(served.audience, source, behind, EDGE, ended, request_id)


def _unserved(client: Any) -> str:
    """Return the name of an operation that edge knows and does not serve; "" when all have required input."""
    model = client.meta.service_model
    for name in sorted(model.operation_names):
        shape = model.operation_model(name).input_shape
        if (model.service_name, name) not in SERVED and (shape is None or not shape.required_members):
            return str(name)
    return ""


@contextmanager
def _user(stack: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the ARN and the access key of a user without policies."""
    iam, name = stack.client("iam"), f"nobody-{uuid.uuid4().hex[:8]}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield arn, {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


@contextmanager
def _private_way(stack: Any) -> Iterator[str]:
    """Yield the URL of the private listener, where the account has an endpoint meanwhile."""
    definition = stack.local.definition
    stack.craton("endpoints", "assign", "private", "--account", definition.account)
    try:
        stack.craton("endpoints", "create", "private")
        yield f"https://{stack.address}:{definition.ports.private}"
    finally:
        stack.craton("endpoints", "release", "private")
