"""What the bench says of recording: which figures miss their bars, what a log is made of, what is left."""

import argparse
import itertools
import shutil
from pathlib import Path

import pytest
from craton.audit.v1 import resources_pb2 as pb

from services.audit.domain.entry import entry_of
from tests.load.audit import growth, measurement, population, recorded, spool
from tests.load.audit.estate import Run
from tests.load.audit.requests import ASKINGS
from tests.load.bench import PARTS
from tests.load.report import write

ROOT = Path(__file__).resolve().parents[3]
MIB = 2**20


def run(**changes: object) -> Run:
    figures = {
        "requests": 100,
        "events": 8_000,
        "errors": 0,
        "error": "",
        "seconds": 2.0,
        "p50_us": 9_000.0,
        "p99_us": 20_000.0,
        "load_cpu_s": 0.5,
        "cpu_s": 1.0,
    }
    return Run(**{**figures, **changes})  # type: ignore[arg-type]


def appended(writers: int, *rates: tuple[float, float]) -> spool.Appended:
    runs = [[spool.Run(rate, 1_000, 2_000, 30) for rate in each] for each in zip(*rates, strict=True)]
    return spool.Appended(writers, *runs)


def grown(events: int, memory: int, **runs: Run) -> growth.Grown:
    return growth.Grown(events, 10.0, events * 2_000, 1.5, [memory // 2, memory, memory], runs)


def test_the_spool_is_compared_with_sqlite_of_the_same_round() -> None:
    # The median of 3.5, 5 and 10, and not that of rates of different rounds.
    found = appended(64, (3_500, 1_000), (500, 100), (20_000, 2_000))
    assert (found.times, found.missed) == (5.0, False)
    assert "| 64 | 3,500 | 1,000 | 5.0 | 4 |" in found.line
    assert appended(64, (390, 100)).missed
    # The bar is for the most writers.
    assert not appended(16, (390, 100)).missed


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, False),
        ({"events": 5_999}, True),
        ({"events": 6_000}, False),
        ({"p99_us": 50_000.0}, True),
        ({"errors": 1, "error": "no answer"}, True),
    ],
)
def test_a_call_through_grpc_has_two_bars(changes: dict[str, object], missed: bool) -> None:
    found = recorded.Recorded("a read", "http2", [run(**changes)])
    assert found.missed is missed
    other = recorded.Recorded("a read", "grpc", [run(**changes)])
    assert other.missed is bool(changes.get("errors"))
    assert ("no answer" in found.line) is bool(changes.get("errors"))


def test_memory_is_compared_with_that_of_a_small_log() -> None:
    small = grown(10_000, 150 * MIB, account=run())
    assert growth.missed([small, grown(10_000_000, 200 * MIB, account=run())]) == []
    assert growth.missed([small, grown(10_000_000, 220 * MIB, account=run())]) == [
        "memory with 10,000,000 events"
    ]
    wrong = grown(10_000_000, 150 * MIB, account=run(errors=2))
    assert growth.missed([small, wrong]) == ["account with 10,000,000 events"]


def test_all_tables_are_written_and_all_figures_are_told(tmp_path: Path) -> None:
    stores = [grown(events, 150 * MIB, account=run()) for events in (10_000, 100_000)]
    rows = [recorded.Recorded("a read", "http2", [run()])]
    found = measurement.Measurement([appended(64, (5_000, 1_000))], rows, stores)
    assert found.missed == []
    assert found.figures["appended"][0]["times_sqlite"] == 5.0
    assert found.figures["grown"][1]["asked"]["account"]["p99_us"] == 20_000
    for table in found.text.split("\n\n"):
        cells = {line.count("|") for line in table.splitlines()}
        assert len(cells) == 1, table
    document = tmp_path / "performance.md"
    document.write_text((ROOT / "docs/performance.md").read_text())
    write(document, dict.fromkeys(PARTS, "a table"))
    assert document.read_text().count("\na table\n") == len(PARTS)


def test_what_would_fill_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 25_000_000_000
    usage = argparse.Namespace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    growth.require_room(tmp_path, 10_000_000)
    usage.free = free - 1
    with pytest.raises(growth.NoRoomError, match=r"10,000,000 events need 25.0 GB of free disk"):
        measurement.measure(1, 1.0, 10_000_000, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_was_written_is_removed_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def measured(folder: Path, rounds: int, seconds: float) -> None:
        (folder / "spool").mkdir()
        assert list(tmp_path.rglob("spool"))
        raise error

    monkeypatch.setattr(spool, "measure", measured)
    with pytest.raises(error):
        measurement.measure(1, 1.0, 1, tmp_path)
    assert not list(tmp_path.iterdir())


def test_events_are_what_the_service_takes_in_and_follow_from_their_numbers() -> None:
    edge, runtime = population.events_of_edge(3), population.events_of_runtime(3)
    assert len(edge) + len(runtime) == population.EVENTS_OF_A_ROUND
    assert [each.event_id for each in edge] == [each.event_id for each in population.events_of_edge(3)]
    assert len({each.event_id for each in itertools.chain(edge, runtime)}) == population.EVENTS_OF_A_ROUND
    # One record a call, as CloudTrail has it, which edge writes.
    assert all(entry_of(each, "edge").index.record for each in edge)
    assert not any(entry_of(each, "runtime").index.record for each in runtime)
    made = population.call(3 * population.CALLS_OF_A_ROUND + 5)
    assert edge[5].event_id == population.event_id(made, "edge", pb.EVENT_PHASE_OUTCOME)
    assert (edge[5].request_id, edge[5].principal.arn) == (made.request_id, made.arn)


def test_every_attribute_that_can_be_asked_for_is_measured() -> None:
    asked = {
        name
        for asking in ASKINGS.values()
        if (attributes := getattr(asking, "attributes", None)) is not None
        for name in attributes(population.call(1))
    }
    every = {field.name for field in pb.DESCRIPTOR.pool.FindMessageTypeByName(
        "craton.audit.v1.LookupEventsRequest"
    ).fields}  # fmt: skip
    assert asked == every - {"start_time", "end_time", "page_size", "page_token"}
