"""The framework: its counts add up, whatever happens to the process or the modules."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.campaigns.evidence import (
    Evidence,
    Found,
    Run,
    parse,
    render,
)
from tests.campaigns.runner import (
    OvertakenError,
    PlantedFaultError,
    Progress,
    find_planted,
    run,
)
from tests.campaigns.toy_campaign import SUBJECT, A, B, Numbers, file_in, settings


def stop_after(campaign: Numbers, count: int) -> Callable[[], bool]:
    return lambda: len(campaign.ran) >= count


def test_runs_of_a_seed_go_on_and_their_counts_add_up(tmp_path: Path) -> None:
    counted = []
    for _ in range(3):
        campaign = Numbers()
        outcome = run(campaign, file_in(tmp_path), settings())
        replayed, *cases = campaign.all_ran
        assert replayed == 2, "the case that found the planted fault is clean without it"
        assert campaign.ran == cases
        counted += cases
        assert outcome.cases == len(cases) > 10
        assert outcome.seed_cases == outcome.total_cases == len(counted)
    assert counted == list(range(len(counted)))
    written = file_in(tmp_path).read()
    assert written.cases == len(counted)
    assert written.runs[0].planted_after == 3


def test_seeds_stand_beside_each_other(tmp_path: Path) -> None:
    first = run(Numbers(), file_in(tmp_path), settings())
    second = run(Numbers(), file_in(tmp_path), settings(seed=2))
    assert second.total_cases == first.cases + second.cases
    assert [each.seed for each in file_in(tmp_path).read().runs] == [1, 2]


def test_a_finding_ends_the_run_is_counted_and_looked_at_again(tmp_path: Path) -> None:
    campaign = Numbers(bad=(7,))
    outcome = run(campaign, file_in(tmp_path), settings())
    assert outcome.finding == Found(A, 1, 7, "2026-01-02", "7 / is bad")
    assert outcome.cases == 8
    again = Numbers(bad=(7,))
    second = run(again, file_in(tmp_path), settings())
    assert (second.finding, second.cases, second.seed_cases) == (outcome.finding, 0, 8)
    written = file_in(tmp_path).read()
    assert written.findings == (outcome.finding,)
    # When it does not come back, the run goes on behind it; what was found stays written.
    third = run(Numbers(), file_in(tmp_path), settings())
    assert third.finding is None
    assert third.seed_cases == 8 + third.cases > 8
    assert file_in(tmp_path).read().findings == (outcome.finding,)


def test_a_crash_is_a_finding(tmp_path: Path) -> None:
    class Crashing(Numbers):
        def case(self, seed: int, index: int) -> None:
            super().case(seed, index)
            if not self._planted and index == 4:
                raise KeyError("nope")

    outcome = run(Crashing(), file_in(tmp_path), settings())
    assert outcome.finding is not None
    assert outcome.finding.what == "KeyError: 'nope'"


def test_other_modules_begin_again_and_the_old_counts_become_history(tmp_path: Path) -> None:
    first = run(Numbers(bad=(30,)), file_in(tmp_path), settings())
    campaign = Numbers()
    second = run(campaign, file_in(tmp_path), settings(digest=B, date=lambda: "2026-01-03"))
    written = file_in(tmp_path).read()
    assert campaign.ran == list(range(second.cases))
    assert (written.digest, written.cases) == (B, second.cases)
    assert [(past.digest, past.run.seed, past.run.cases) for past in written.history] == [(A, 1, first.cases)]
    assert written.findings[0].digest == A
    assert "0 findings" in (tmp_path / "evidence/numbers.md").read_text()


def test_modules_that_come_back_go_on_where_they_were(tmp_path: Path) -> None:
    first = run(Numbers(), file_in(tmp_path), settings())
    between = run(Numbers(), file_in(tmp_path), settings(digest=B))
    campaign = Numbers()
    last = run(campaign, file_in(tmp_path), settings())
    assert campaign.ran[0] == first.cases
    assert last.total_cases == first.cases + last.cases
    written = file_in(tmp_path).read()
    assert [(past.digest, past.run.cases) for past in written.history] == [(B, between.cases)]


def test_a_run_that_other_modules_overtook_counts_nowhere(tmp_path: Path) -> None:
    def overtake(progress: Progress) -> None:
        if progress.phase == "cases" and progress.cases == 5:
            with file_in(tmp_path).change() as change:
                change.evidence = change.evidence.under(B)

    with pytest.raises(OvertakenError):
        run(Numbers(), file_in(tmp_path), settings(watch=overtake))
    assert file_in(tmp_path).read().cases == 0


def test_modules_that_change_under_other_processes_end_the_run(tmp_path: Path) -> None:
    assert run(Numbers(), file_in(tmp_path), settings(unchanged=lambda: False)).finding is None
    before = file_in(tmp_path).read()
    campaign = Numbers()
    campaign.from_disk = True
    with pytest.raises(OvertakenError):
        run(campaign, file_in(tmp_path), settings(unchanged=lambda: False))
    assert file_in(tmp_path).read().cases == before.cases


@pytest.mark.parametrize("campaign", [Numbers(planted_at=99), Numbers(crash=True)], ids=["missed", "crashed"])
def test_without_the_planted_fault_nothing_is_counted(tmp_path: Path, campaign: Numbers) -> None:
    with pytest.raises(PlantedFaultError):
        run(campaign, file_in(tmp_path), settings())
    assert campaign.all_ran == []
    assert not (tmp_path / "evidence/numbers.md").exists()


def test_a_plant_that_stays_behind_is_noticed(tmp_path: Path) -> None:
    class Sticky(Numbers):
        @contextmanager
        def planted(self) -> Iterator[None]:
            self._planted = True
            yield

    outcome = run(Sticky(), file_in(tmp_path), settings())
    assert outcome.finding is not None
    assert outcome.cases == 0


def test_the_planted_fault_is_found_after_so_many_cases() -> None:
    assert find_planted(Numbers(planted_at=4), settings()) == 5


def test_one_process_runs_a_seed(tmp_path: Path) -> None:
    with file_in(tmp_path).seed(1), pytest.raises(BlockingIOError):
        run(Numbers(), file_in(tmp_path), settings())


def test_a_signal_ends_a_run_with_its_counts_written(tmp_path: Path) -> None:
    campaign = Numbers()
    outcome = run(campaign, file_in(tmp_path), settings(1e9, stopped=stop_after(campaign, 6)))
    assert outcome.cases == file_in(tmp_path).read().cases == 6


def test_what_a_case_is_made_of_is_counted_as_well() -> None:
    evidence = Evidence(A, (Run(1, 10, 2, "2026-01-02", "2026-01-03", 1, "a machine"),))
    made = replace(SUBJECT, units=(100, "decisions"))
    assert "1000 decisions." in render(made, evidence)
    assert "decisions" not in render(SUBJECT, evidence)
    assert parse(render(made, evidence)) == evidence


class Measuring(Numbers):
    """Measures every case that it is asked to run, also while the fault is planted."""

    def __init__(self, bad: tuple[int, ...] = ()) -> None:
        super().__init__(bad)
        self.measurements = 0

    def case(self, seed: int, index: int) -> None:
        self.measurements += 1
        super().case(seed, index)

    def measured(self) -> tuple[str, ...]:
        return (f"{self.measurements} numbers", "a | second line")


def test_what_a_run_measured_stands_beside_its_counts(tmp_path: Path) -> None:
    first = run(Measuring(), file_in(tmp_path), settings())
    then = run(Measuring(), file_in(tmp_path), settings())
    written = file_in(tmp_path).read().measures
    assert [(each.cases, each.what) for each in written] == [
        (f"0 to {first.cases - 1}", f"{first.cases} numbers"),
        (f"0 to {first.cases - 1}", "a / second line"),
        (f"{first.cases} to {first.cases + then.cases - 1}", f"{then.cases} numbers"),
        (f"{first.cases} to {first.cases + then.cases - 1}", "a / second line"),
    ]
    assert {(each.digest, each.seed, each.date) for each in written} == {(A, 1, "2026-01-02")}
    run(Numbers(), file_in(tmp_path), settings(digest=B))
    assert file_in(tmp_path).read().measures == written


def test_what_is_looked_at_again_is_not_measured_again(tmp_path: Path) -> None:
    first = run(Measuring(bad=(7,)), file_in(tmp_path), settings())
    assert (first.finding is not None, first.cases) == (True, 8)
    measured = file_in(tmp_path).read().measures
    assert [(each.cases, each.what) for each in measured][:1] == [("0 to 7", "8 numbers")]
    again = run(Measuring(bad=(7,)), file_in(tmp_path), settings())
    assert (again.finding, again.cases) == (first.finding, 0)
    assert file_in(tmp_path).read().measures == measured
    mended = run(Measuring(), file_in(tmp_path), settings())
    last = file_in(tmp_path).read().measures[-2]
    assert (last.cases, last.what) == (f"8 to {mended.seed_cases - 1}", f"{mended.cases} numbers")


_KILLED = """
import sys, time
from datetime import date
from pathlib import Path
from tests.campaigns.toy_campaign import Numbers, file_in, settings
from tests.campaigns.runner import run

class Slow(Numbers):
    def case(self, seed, index):
        super().case(seed, index)
        if not self._planted:
            time.sleep(0.005)
            print(index, flush=True)

run(Slow(), file_in(Path(sys.argv[1])), settings(1e9, clock=time.monotonic))
"""


def test_kill_9_counts_nothing_twice_and_nothing_that_did_not_run(tmp_path: Path) -> None:
    ran: set[int] = set()
    counted = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            deadline = time.monotonic() + 60
            while file_in(tmp_path).read().cases == counted and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            lines = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        # The first line is the planted case, looked at again.
        assert lines[1] == counted, "a run goes on where the counts end"
        ran |= set(lines[1:])
        written = file_in(tmp_path).read().cases
        assert counted < written <= max(ran) + 2, "the last case may have run without its line"
        counted = written
    assert ran >= set(range(counted - 1))
