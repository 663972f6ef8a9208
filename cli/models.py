"""`craton models`."""

import click
from craton.auth.v1 import model_access_service_pb2 as pb
from craton.auth.v1 import resources_pb2
from craton.auth.v1.model_access_service_pb2_grpc import ModelAccessServiceStub

from cli.output import CommandError, Exit, as_dict, emit, grpc_errors, json_option
from cli.publish_command import publish_command
from cli.session import Session
from deploy.local.stack import Stack
from services.chassis.catalog import read_catalog

_COLUMNS = ("model_id", "model_name", "provider", "family", "streaming", "license")


@click.group()
def models() -> None:
    """List, publish and accept models.

    \b
    Example:
      craton models list
    """


@models.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the published models, as their signed manifests describe them.

    \b
    Example:
      craton models list --json
    """
    catalog = read_catalog(Stack.here().catalog)
    rows = [
        {
            "model_id": each.model_id,
            "model_name": each.model_name,
            "provider": each.provider,
            "family": each.family,
            "streaming": each.response_streaming,
            "license": each.license,
            "regions": list(each.regions),
        }
        for each in catalog.manifests
    ]
    emit(rows, as_json=as_json, columns=_COLUMNS)
    if catalog.refused:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in catalog.refused)
        raise CommandError(f"manifests that were not taken: {reasons}")


@models.group()
def access() -> None:
    """See and accept the offers (licences) of models for your account.

    \b
    Example:
      craton models access accept craton.tiny-chat-v1
    """


def _stub(session: Session) -> ModelAccessServiceStub:
    return ModelAccessServiceStub(session.channel("auth"))


@access.command()
@click.argument("model_id")
@json_option
@grpc_errors
def show(model_id: str, as_json: bool) -> None:
    """Show whether your account may use a model, and its offers.

    \b
    Example:
      craton models access show craton.tiny-chat-v1
    """
    session = Session(Stack.here())
    metadata = session.token("auth")
    availability = session.call(
        _stub(session).GetFoundationModelAvailability,
        pb.GetFoundationModelAvailabilityRequest(model_id=model_id),
        metadata=metadata,
    )
    offers = [as_dict(each) for each in _offers(session, model_id)]
    for offer in offers:
        del offer["eula_text"]
    emit({**as_dict(availability), "offers": offers}, as_json=as_json)


@access.command()
@click.argument("model_id")
@click.option("--offer-id", default="", help="Default: the only offer.")
@json_option
@grpc_errors
def accept(model_id: str, offer_id: str, as_json: bool) -> None:
    """Accept an offer of a model for your account, in your region.

    \b
    Example:
      craton models access accept craton.tiny-chat-v1
    """
    session = Session(Stack.here())
    offers = [each for each in _offers(session, model_id) if offer_id in ("", each.offer_id)]
    if len(offers) != 1:
        raise CommandError(f"{len(offers)} offers fit; choose one with --offer-id", Exit.NOT_FOUND)
    request = pb.CreateFoundationModelAgreementRequest(model_id=model_id, offer_token=offers[0].offer_token)
    session.call(_stub(session).CreateFoundationModelAgreement, request, metadata=session.token("auth"))
    emit({"accepted": model_id, "offer_id": offers[0].offer_id}, as_json=as_json)


@access.command()
@click.argument("model_id")
@json_option
@grpc_errors
def eula(model_id: str, as_json: bool) -> None:
    """Print the text that accepting an offer accepts, as its provider has signed it.

    Its SHA-256 is the eula_sha256 that `show` names and that an agreement is about.

    \b
    Example:
      craton models access eula craton.tiny-chat-v1 | sha256sum
    """
    offers = _offers(Session(Stack.here()), model_id)
    if as_json:
        emit([as_dict(each) for each in offers], as_json=True)
        return
    for each in offers:
        click.echo(each.eula_text, nl=False)


@access.command()
@click.argument("model_id")
@json_option
@grpc_errors
def withdraw(model_id: str, as_json: bool) -> None:
    """End your account's agreement; calls of the model are refused from then on.

    \b
    Example:
      craton models access withdraw craton.tiny-chat-v1
    """
    session = Session(Stack.here())
    request = pb.DeleteFoundationModelAgreementRequest(model_id=model_id)
    session.call(_stub(session).DeleteFoundationModelAgreement, request, metadata=session.token("auth"))
    emit({"withdrawn": model_id}, as_json=as_json)


def _offers(session: Session, model_id: str) -> list[resources_pb2.Offer]:
    request = pb.ListFoundationModelAgreementOffersRequest(model_id=model_id)
    answer = session.call(
        _stub(session).ListFoundationModelAgreementOffers, request, metadata=session.token("auth")
    )
    return list(answer.offers)


models.add_command(publish_command, "publish")
