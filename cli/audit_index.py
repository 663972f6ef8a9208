"""What `craton audit fsck` asks the audit service: whether its database says what the log says."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from craton.audit.v1 import index_service_pb2 as pb
from craton.audit.v1.index_service_pb2_grpc import IndexServiceStub

from cli.output import CommandError, Exit, as_dict, emit
from cli.progress import step
from cli.session import Session

_COLUMNS = ("table", "row", "event_id", "problem", "columns")


@dataclass(slots=True)
class IndexResult:
    """What a check of the database found."""

    checked: int = 0
    purged: int = 0
    found: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return what is printed of it beside the log's files."""
        return {"index_entries": self.checked, "index_purged": self.purged, "index_differences": self.found}


def check_index(session: Session, *, as_json: bool) -> IndexResult:
    """Have the service compare its database with its log. Raises grpc.RpcError, CommandError."""
    result, done = IndexResult(), False
    with nullcontext() if as_json else step("checking the database") as update:
        # As long as it takes: the service says how far it is.
        for answer in IndexServiceStub(session.channel("audit")).CheckIndex(pb.CheckIndexRequest()):
            result.checked, result.purged, result.found = answer.checked, answer.purged, answer.found
            result.findings += [as_dict(each) for each in answer.findings]
            done = answer.done
            if update is not None:
                update(f"{answer.checked:,} of {answer.size:,} entries, {answer.found:,} differences")
    if not done:
        raise CommandError("The service ended the check before its end.", Exit.UNAVAILABLE)
    return result


def require_clean(result: IndexResult, *, as_json: bool) -> None:
    """Print what differs. Raises CommandError when something does."""
    if not result.found:
        return
    if not as_json:
        rows = [{**each, "columns": ", ".join(each["columns"])} for each in result.findings]
        emit(rows, as_json=False, columns=_COLUMNS)
    files = (
        ""
        if any(each["table"] == "log" for each in result.findings)
        else "The log's files are whole: they count. "
    )
    raise CommandError(
        f"The database is not what the log says: {result.found:,} differences. {files}Lookups may leave out "
        "what was altered.",
        Exit.REFUSED,
    )
