"""What `craton audit fsck` says of the database, and `craton status` of the log."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from craton.audit.v1 import index_service_pb2 as pb

import cli.audit_index
from cli.audit_health import audit_health, lines
from cli.audit_index import check_index, require_clean
from cli.output import CommandError, Exit
from deploy.local.stack import Stack

FINDING = pb.IndexFinding(table="entries", row="entry 7", problem="differs", columns=["record"], index=7)


class Asked:
    """A session whose service answers with these messages."""

    def __init__(self, *answers: pb.CheckIndexResponse) -> None:
        self.answers = answers

    def channel(self, _service: str) -> "Asked":
        return self

    def unary_stream(self, *_: Any, **__: Any) -> Any:
        return lambda _request: iter(self.answers)


def test_differences_end_with_3_and_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    session: Any = Asked(
        pb.CheckIndexResponse(checked=256, size=300, found=1, findings=[FINDING]),
        pb.CheckIndexResponse(checked=300, size=300, purged=2, found=5, done=True),
    )
    result = check_index(session, as_json=True)
    assert result.shown() == {"index_entries": 300, "index_purged": 2, "index_differences": 5}
    with pytest.raises(CommandError, match="not what the log says: 5 differences") as refused:
        require_clean(result, as_json=False)
    assert vars(refused.value)["exit_code"] == Exit.REFUSED
    assert "entry 7" in capsys.readouterr().out


def test_nothing_found_is_said_by_the_last_message_alone() -> None:
    whole: Any = Asked(pb.CheckIndexResponse(checked=300, size=300, done=True))
    require_clean(check_index(whole, as_json=False), as_json=False)
    cut: Any = Asked(pb.CheckIndexResponse(checked=256, size=300))
    with pytest.raises(CommandError, match="before its end"):
        check_index(cut, as_json=True)
    assert cli.audit_index.IndexResult().found == 0


@pytest.fixture
def metrics() -> Iterator[int]:
    """A service whose log has differences, and which cannot ship."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            for name, value in (
                ("log_entries", 7),
                ("log_damage", 2),
                ("log_stopped", 1),
                ("log_waits", 1),
                ("shipping_delayed", 1),
            ):
                self.wfile.write(f"# TYPE craton_audit_{name} gauge\ncraton_audit_{name} {value}\n".encode())

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_status_says_what_the_log_lacks(metrics: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack.here()
    services = tuple(
        replace(each, port=metrics - 100) for each in stack.definition.services if each.name == "audit"
    )
    edge = replace(stack.definition.edge, metrics_port=1)
    definition = replace(stack.definition, services=services, pools=(), witnesses=(), edge=edge)
    found = audit_health(replace(stack, definition=definition, address="127.0.0.1"))
    assert found == {
        "known": True, "entries": 7, "differences": 2, "stopped": True,
        "waits": True, "shipping_delayed": ["audit"],
    }  # fmt: skip
    told = " ".join(text for text, _ in lines(found))
    assert "2 differences" in told
    assert "does not grow" in told
    assert "craton audit fsck" in told
    assert "from: audit" in told
    assert lines({"known": False})[0][0].startswith("audit log: not known")
