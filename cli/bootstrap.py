"""The first administrator: created once, written into AWS files that every AWS client understands."""

import os
import secrets
from pathlib import Path

import grpc
from craton.auth.v1 import bootstrap_service_pb2 as pb
from craton.auth.v1 import model_access_service_pb2 as access_pb
from craton.auth.v1.bootstrap_service_pb2_grpc import BootstrapServiceStub
from craton.auth.v1.model_access_service_pb2_grpc import ModelAccessServiceStub

from cli.output import CommandError, raise_command_error, reason_of
from cli.progress import Update
from cli.readiness import served_models
from cli.session import Session
from deploy.local.stack import Stack
from deploy.pki.store import write_private

_PROFILE = "craton"


def token_file(stack: Stack) -> Path:
    """Return where auth reads the one-time bootstrap token: 0600 of its own uid."""
    return stack.home / "secrets/bootstrap-token"


def bootstrap(stack: Stack, session: Session, update: Update) -> None:
    """Create the account and its administrator unless that has been done. Raises CommandError."""
    config, credentials = stack.home / "aws/config", stack.home / "aws/credentials"
    if credentials.exists():
        _write_config(stack, config)
        return
    update(f"account {stack.definition.account}, administrator {stack.definition.administrator}")
    token = secrets.token_urlsafe(48)
    auth_uid = next(each.uid for each in stack.definition.services if each.name == "auth")
    write_private(token_file(stack), token.encode(), stack.uid(auth_uid))
    request = pb.BootstrapRequest(
        bootstrap_token=token,
        account_id=stack.definition.account,
        display_name="Local",
        user_name=stack.definition.administrator,
    )
    try:
        answer = session.call(BootstrapServiceStub(session.channel("auth")).Bootstrap, request)
    except grpc.RpcError as error:
        if reason_of(error) == "ALREADY_BOOTSTRAPPED":
            raise CommandError(
                f"an administrator exists, but {credentials} is gone, and secrets cannot be read again. "
                "Restore the file, or start anew with `make clean` and `make up`."
            ) from error
        raise_command_error(error)
    finally:
        token_file(stack).unlink(missing_ok=True)
    _write_aws(
        stack,
        credentials,
        f"[{_PROFILE}]\naws_access_key_id = {answer.access_key.access_key_id}\n"
        f"aws_secret_access_key = {answer.secret_access_key}\n",
    )
    _write_config(stack, config)


def _write_config(stack: Stack, path: Path) -> None:
    content = (
        f"[profile {_PROFILE}]\nregion = {stack.definition.region}\noutput = json\n"
        f"endpoint_url = {stack.endpoint}\nca_bundle = {stack.pki}/ca.pem\n"
    )
    if not path.exists() or path.read_text() != content:
        _write_aws(stack, path, content)


def _write_aws(stack: Stack, path: Path, content: str) -> None:
    """Write a file that belongs to whoever ran the command, also through sudo."""
    owner = int(os.environ.get("SUDO_UID", os.geteuid())) if stack.separate_uids else os.geteuid()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if stack.separate_uids:
        os.chown(path.parent, owner, owner)
    write_private(path, content.encode(), owner)


def accept_offers(stack: Stack, session: Session, update: Update) -> None:
    """Accept for the administrator's account the offers of every model that the stack serves."""
    stub = ModelAccessServiceStub(session.channel("auth"))
    for manifest in served_models(stack):
        model_id = manifest.model_id
        metadata = session.token("auth")
        try:
            availability = session.call(
                stub.GetFoundationModelAvailability,
                access_pb.GetFoundationModelAvailabilityRequest(model_id=model_id),
                metadata=metadata,
            )
            if availability.agreement_accepted:
                continue
            update(model_id)
            offers = session.call(
                stub.ListFoundationModelAgreementOffers,
                access_pb.ListFoundationModelAgreementOffersRequest(model_id=model_id),
                metadata=metadata,
            ).offers
            session.call(
                stub.CreateFoundationModelAgreement,
                access_pb.CreateFoundationModelAgreementRequest(
                    model_id=model_id, offer_token=offers[0].offer_token
                ),
                metadata=metadata,
            )
        except grpc.RpcError as error:
            raise_command_error(error)
