"""STS' temporary credentials, answered by auth."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from craton.auth.v1 import session_service_pb2 as pb
from craton.auth.v1 import session_service_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from services.chassis.channels import Channel
from services.edge.adapters.iam_values import invalid, second
from services.edge.adapters.upstream import ask
from services.edge.ports import Caller

_UNSUPPORTED = ("ProvidedContexts", "SerialNumber", "TokenCode")
"""What would narrow or condition a session and is not known here: ignoring it would widen rights."""


class TemporaryCredentials:
    """AssumeRole and GetSessionToken."""

    def __init__(self, channel: Channel) -> None:
        """Use `channel`, which leads to auth."""
        self._stub = rpc.SessionServiceStub(channel)

    async def assume_role(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Assume a role; the secrets are in this answer and nowhere else."""
        _refuse_unsupported(values)
        request = pb.AssumeRoleRequest(
            role_arn=values["RoleArn"],
            role_session_name=values["RoleSessionName"],
            duration=duration(values),
            policy=values.get("Policy", ""),
            policy_arns=[each["arn"] for each in values.get("PolicyArns", ())],
            external_id=values.get("ExternalId", ""),
            tags=[pb.SessionTag(key=tag["Key"], value=tag["Value"]) for tag in values.get("Tags", ())],
            transitive_tag_keys=values.get("TransitiveTagKeys", ()),
            source_identity=values.get("SourceIdentity", ""),
        )
        answer = await ask(self._stub.AssumeRole(request, metadata=caller.metadata))
        return {
            "Credentials": credentials(answer.credentials),
            "AssumedRoleUser": {"AssumedRoleId": answer.assumed_role_id, "Arn": answer.assumed_role_arn},
            # AWS leaves it out where no policy and no tags were given.
            "PackedPolicySize": answer.packed_policy_size_percent or None,
            "SourceIdentity": answer.source_identity or None,
        }

    async def get_session_token(self, values: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        """Give a user credentials of its own that end."""
        _refuse_unsupported(values)
        request = pb.GetSessionTokenRequest(duration=duration(values))
        answer = await ask(self._stub.GetSessionToken(request, metadata=caller.metadata))
        return {"Credentials": credentials(answer.credentials)}


def _refuse_unsupported(values: Mapping[str, Any]) -> None:
    for name in _UNSUPPORTED:
        if values.get(name):
            raise invalid(f"This installation does not support {name}.")


def duration(values: Mapping[str, Any]) -> Duration | None:
    """Return how long a session shall last, None when the request leaves it open."""
    seconds = values.get("DurationSeconds")
    return None if seconds is None else Duration(seconds=seconds)


def credentials(message: pb.TemporaryCredentials) -> Mapping[str, Any]:
    """Render temporary credentials."""
    return {
        "AccessKeyId": message.access_key_id,
        "SecretAccessKey": message.secret_access_key,
        "SessionToken": message.session_token,
        "Expiration": second(message.expire_time.ToDatetime(UTC)),
    }
