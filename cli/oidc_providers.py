"""`craton oidc-providers`: issuers whose tokens roles may trust."""

import click
from craton.auth.v1 import oidc_provider_service_pb2 as pb
from craton.auth.v1 import resources_pb2
from craton.auth.v1.oidc_provider_service_pb2_grpc import OidcProviderServiceStub

from cli.output import as_dict, emit, grpc_errors, json_option
from cli.pages import pages
from cli.session import Session
from deploy.local.stack import Stack

_COLUMNS = ("url", "arn", "client_ids", "create_time")


@click.group()
def oidc_providers() -> None:
    """Manage the OpenID Connect providers of your account.

    A role whose trust policy names a provider can be assumed with its tokens, by
    sts:AssumeRoleWithWebIdentity, by whoever has no credentials of this installation. Issuers are asked
    for their keys on the public internet; to ask one in a network of your own, set CRATON_ISSUER_NETWORK
    (10.20.0.0/16) and CRATON_ISSUER_CA (a PEM file) before `craton up`.

    \b
    Example:
      craton oidc-providers create https://token.example.com --client-id sts.amazonaws.com
    """


def _stub(session: Session) -> OidcProviderServiceStub:
    return OidcProviderServiceStub(session.channel("auth"))


@oidc_providers.command()
@click.argument("url")
@click.option("--client-id", "client_ids", multiple=True, help="Audience that is accepted; may be repeated.")
@click.option("--thumbprint", "thumbprints", multiple=True, help="SHA-1 of a certificate; kept, not used.")
@json_option
@grpc_errors
def create(url: str, client_ids: tuple[str, ...], thumbprints: tuple[str, ...], as_json: bool) -> None:
    """Register an issuer. Its keys are fetched over HTTPS when a token of it comes.

    \b
    Example:
      craton oidc-providers create https://token.example.com --client-id sts.amazonaws.com
    """
    session = Session(Stack.here())
    request = pb.CreateOpenIDConnectProviderRequest(url=url, client_ids=client_ids, thumbprints=thumbprints)
    stub, token = _stub(session), session.token("auth")
    answer = session.call(stub.CreateOpenIDConnectProvider, request, metadata=token)
    emit(as_dict(answer.provider), as_json=as_json)


@oidc_providers.command("list")
@json_option
@grpc_errors
def list_(as_json: bool) -> None:
    """List providers.

    \b
    Example:
      craton oidc-providers list --json
    """
    session = Session(Stack.here())
    stub, token = _stub(session), session.token("auth")
    request = pb.ListOpenIDConnectProvidersRequest()
    found = pages(session, stub.ListOpenIDConnectProviders, request, "providers", token)
    emit([as_dict(each) for each in found], as_json=as_json, columns=_COLUMNS)


@oidc_providers.command()
@click.argument("provider_arn")
@json_option
@grpc_errors
def get(provider_arn: str, as_json: bool) -> None:
    """Show a provider.

    \b
    Example:
      craton oidc-providers get arn:aws:iam::123456789012:oidc-provider/token.example.com
    """
    session = Session(Stack.here())
    request = pb.GetOpenIDConnectProviderRequest(provider_arn=provider_arn)
    stub, token = _stub(session), session.token("auth")
    answer = session.call(stub.GetOpenIDConnectProvider, request, metadata=token)
    emit(as_dict(answer.provider), as_json=as_json)


@oidc_providers.command()
@click.argument("provider_arn")
@json_option
@grpc_errors
def delete(provider_arn: str, as_json: bool) -> None:
    """Delete a provider, and end the sessions of those it vouched for.

    \b
    Example:
      craton oidc-providers delete arn:aws:iam::123456789012:oidc-provider/token.example.com
    """
    session = Session(Stack.here())
    request = pb.DeleteOpenIDConnectProviderRequest(provider_arn=provider_arn)
    session.call(_stub(session).DeleteOpenIDConnectProvider, request, metadata=session.token("auth"))
    emit({"deleted": provider_arn}, as_json=as_json)


@oidc_providers.command("add-client-id")
@click.argument("provider_arn")
@click.argument("client_id")
@json_option
@grpc_errors
def add_client_id(provider_arn: str, client_id: str, as_json: bool) -> None:
    """Accept a provider's tokens for one more audience.

    \b
    Example:
      craton oidc-providers add-client-id arn:aws:iam::123456789012:oidc-provider/token.example.com my-app
    """
    session = Session(Stack.here())
    request = pb.AddClientIDToOpenIDConnectProviderRequest(provider_arn=provider_arn, client_id=client_id)
    session.call(_stub(session).AddClientIDToOpenIDConnectProvider, request, metadata=session.token("auth"))
    emit({"provider_arn": provider_arn, "client_id": client_id}, as_json=as_json)


@oidc_providers.command("remove-client-id")
@click.argument("provider_arn")
@click.argument("client_id")
@json_option
@grpc_errors
def remove_client_id(provider_arn: str, client_id: str, as_json: bool) -> None:
    """Accept no more tokens for an audience, and end the sessions of those that came with one.

    \b
    Example:
      craton oidc-providers remove-client-id arn:aws:iam::123456789012:oidc-provider/token.example.com my-app
    """
    session = Session(Stack.here())
    request = pb.RemoveClientIDFromOpenIDConnectProviderRequest(
        provider_arn=provider_arn, client_id=client_id
    )
    stub, token = _stub(session), session.token("auth")
    session.call(stub.RemoveClientIDFromOpenIDConnectProvider, request, metadata=token)
    emit({"provider_arn": provider_arn, "client_id": client_id}, as_json=as_json)


@oidc_providers.command()
@click.argument("provider_arn")
@click.argument("thumbprints", nargs=-1)
@json_option
@grpc_errors
def thumbprints(provider_arn: str, thumbprints: tuple[str, ...], as_json: bool) -> None:
    """Replace a provider's thumbprints, which are kept for clients that expect them and decide nothing.

    \b
    Example:
      craton oidc-providers thumbprints arn:aws:iam::123456789012:oidc-provider/token.example.com
    """
    session = Session(Stack.here())
    request = pb.UpdateOpenIDConnectProviderThumbprintRequest(
        provider_arn=provider_arn, thumbprints=thumbprints
    )
    stub, token = _stub(session), session.token("auth")
    session.call(stub.UpdateOpenIDConnectProviderThumbprint, request, metadata=token)
    emit({"provider_arn": provider_arn, "thumbprints": list(thumbprints)}, as_json=as_json)


@oidc_providers.command()
@click.argument("provider_arn")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
@grpc_errors
def tag(provider_arn: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Add tags to a provider.

    \b
    Example:
      craton oidc-providers tag arn:aws:iam::123456789012:oidc-provider/token.example.com team=red
    """
    pairs = [entry.partition("=") for entry in tags]
    if not all(equals and key for key, equals, _ in pairs):
        raise click.BadParameter("a tag is KEY=VALUE", param_hint="TAGS")
    session = Session(Stack.here())
    request = pb.TagOpenIDConnectProviderRequest(
        provider_arn=provider_arn,
        tags=[resources_pb2.Tag(key=key, value=value) for key, _, value in pairs],
    )
    session.call(_stub(session).TagOpenIDConnectProvider, request, metadata=session.token("auth"))
    emit({"provider_arn": provider_arn, "tags": list(tags)}, as_json=as_json)


@oidc_providers.command()
@click.argument("provider_arn")
@click.argument("keys", nargs=-1, required=True)
@json_option
@grpc_errors
def untag(provider_arn: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Remove tags from a provider.

    \b
    Example:
      craton oidc-providers untag arn:aws:iam::123456789012:oidc-provider/token.example.com team
    """
    session = Session(Stack.here())
    request = pb.UntagOpenIDConnectProviderRequest(provider_arn=provider_arn, tag_keys=keys)
    session.call(_stub(session).UntagOpenIDConnectProvider, request, metadata=session.token("auth"))
    emit({"provider_arn": provider_arn, "untagged": list(keys)}, as_json=as_json)
