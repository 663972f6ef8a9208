"""Waiting until models can be invoked: until pools have loaded them, then until each has answered."""

import json
import time
from contextlib import suppress
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from craton.pool.v1 import pool_service_pb2
from craton.pool.v1.pool_service_pb2_grpc import PoolServiceStub

from cli.bedrock import Prompt, client, request_body
from cli.invoke import aws_error
from cli.output import CommandError
from cli.progress import Update
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.authorization import MODEL_ACCESS_MESSAGE
from services.chassis.catalog import read_catalog
from services.chassis.manifest import ModelManifest

_LOADED_LIMIT_S = 180.0
_ANSWER_LIMIT_S = 30.0
_POLL_S = 0.2
_PASSING = ("ModelNotReadyException", "ServiceUnavailableException")
_PASSING_REFUSALS = (
    # The runtime reads the catalogue every other second.
    ("ValidationException", "The provided model identifier is invalid."),
    # What the runtime knows of an account may be a few seconds older than the agreement.
    ("AccessDeniedException", MODEL_ACCESS_MESSAGE),
)


def served_models(stack: Stack) -> list[ModelManifest]:
    """Return the published models that this stack serves: in its region, by a pool of its own."""
    pools = {pool.name for pool in stack.definition.pools}
    region = stack.definition.region
    manifests = read_catalog(stack.catalog).manifests
    return [each for each in manifests if each.provider in pools and each.offered_in(region)]


def loaded_models(session: Session, pool: str) -> dict[str, bool]:
    """Return the models that a pool has loaded, and whether each is ready. Raises grpc.RpcError."""
    stub = PoolServiceStub(session.channel(pool, "pool"))
    answer = session.call(stub.ListModelInstances, pool_service_pb2.ListModelInstancesRequest())
    return {each.model_id: each.ready for each in answer.instances}


def wait_until_loaded(stack: Stack, session: Session, update: Update) -> None:
    """Wait until the pools have loaded every model that the stack serves. Raises CommandError.

    A loaded model answers its pool, and nobody else yet: the runtime may not have heard of it, and no account
    has accepted its offer.
    """
    deadline = time.monotonic() + _LOADED_LIMIT_S
    wanted = {each.model_id: each.provider for each in served_models(stack)}
    while True:
        loaded: dict[str, bool] = {}
        for pool in set(wanted.values()):
            # An agent that does not answer may be starting again: it is asked once more.
            with suppress(grpc.RpcError):
                loaded |= loaded_models(session, pool)
        missing = sorted(model for model in wanted if not loaded.get(model))
        if not missing:
            return
        update("loading " + ", ".join(missing))
        if time.monotonic() > deadline:
            logs = ", ".join(f"{stack.logs}/pool-{wanted[model]}.log" for model in missing)
            raise CommandError(f"these models did not load: {', '.join(missing)}. Logs: {logs}")
        time.sleep(_POLL_S)


def wait_until_invocable(stack: Stack, update: Update) -> None:
    """Wait until every model that the stack serves has answered the administrator, as AWS clients ask.

    Raises CommandError when one does not in time, or refuses for a reason that does not pass.
    """
    runtime = client(stack, "bedrock-runtime")
    for manifest in served_models(stack):
        update(manifest.model_id)
        body = json.dumps(request_body(manifest.family, Prompt("Hello", max_tokens=1)))
        deadline = time.monotonic() + _ANSWER_LIMIT_S
        while (error := _refusal(runtime, manifest.model_id, body)) is not None:
            if not _passes(error) or time.monotonic() > deadline:
                raise aws_error(error) from error
            time.sleep(_POLL_S)


def _refusal(runtime: Any, model_id: str, body: str) -> ClientError | None:
    """Invoke a model; return how it was refused, None when it has answered."""
    try:
        runtime.invoke_model(modelId=model_id, body=body)["body"].read()
    except ClientError as error:
        return error
    except BotoCoreError as error:
        raise CommandError(str(error)) from error
    return None


def _passes(error: ClientError) -> bool:
    """Whether a refusal is one of those that pass while the stack becomes ready."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return code in _PASSING or (code, message) in _PASSING_REFUSALS
