"""How a call ended other than well."""

from grpc import StatusCode

from services.chassis.http2 import frames
from services.chassis.http2.headers import metadata, percent_decoded

_BY_NUMBER = {str(code.value[0]): code for code in StatusCode}
_OF_RESET = {
    frames.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    frames.CANCEL: StatusCode.CANCELLED,
    frames.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    frames.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
}
_OF_HTTP = {
    "400": StatusCode.INTERNAL,
    "401": StatusCode.UNAUTHENTICATED,
    "403": StatusCode.PERMISSION_DENIED,
    "404": StatusCode.UNIMPLEMENTED,
    "429": StatusCode.UNAVAILABLE,
    "502": StatusCode.UNAVAILABLE,
    "503": StatusCode.UNAVAILABLE,
    "504": StatusCode.UNAVAILABLE,
}


class RpcError(Exception):
    """A call failed: its gRPC status and the server's text, which is for our decisions, not for clients."""

    def __init__(
        self,
        code: StatusCode,
        details: str,
        *,
        trailing: tuple[tuple[str, str | bytes], ...] = (),
        unprocessed: bool = False,
    ) -> None:
        """Take status, text and fields; `unprocessed` when the server said that it had not begun."""
        super().__init__(code.name)
        self.code = code
        self.details = details
        self.trailing = trailing
        self.unprocessed = unprocessed

    def copy(self) -> "RpcError":
        """Return an equal error that has not been raised."""
        return RpcError(self.code, self.details, trailing=self.trailing, unprocessed=self.unprocessed)


def of_trailers(fields: dict[str, str]) -> RpcError | None:
    """Read the fields that end a call; None when it ended well."""
    number = fields.get("grpc-status")
    if number is None:
        # Something between us and the server answered, or the server is none.
        answered = _OF_HTTP.get(fields.get(":status", ""), StatusCode.UNKNOWN)
        return RpcError(answered, "the answer has no gRPC status")
    if number == "0":
        return None
    return RpcError(
        _BY_NUMBER.get(number, StatusCode.UNKNOWN),
        percent_decoded(fields.get("grpc-message", "")),
        trailing=tuple(metadata(fields.items())),
    )


def of_reset(code: int) -> RpcError:
    """Map a RST_STREAM's code as gRPC does (PROTOCOL-HTTP2.md, "Errors")."""
    return RpcError(
        _OF_RESET.get(code, StatusCode.INTERNAL),
        f"the server reset the stream with code {code}",
        unprocessed=code == frames.REFUSED_STREAM,
    )


def unavailable(why: str, *, unprocessed: bool = False) -> RpcError:
    """The connection is gone."""
    return RpcError(StatusCode.UNAVAILABLE, why, unprocessed=unprocessed)
