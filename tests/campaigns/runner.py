"""Runs a campaign: first the planted fault, then case after case, written down every two seconds."""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.evidence import EvidenceFile, Found, Measure, Run, cell

SAVE_EVERY_S = 2.0
"""A process that is killed loses the counts of at most so long, and of the case it was in."""


class PlantedFaultError(Exception):
    """The campaign did not find the planted fault: its zeros would mean nothing."""


class OvertakenError(Exception):
    """The modules changed while the run was going on: what it runs from now on counts nowhere."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, for whoever watches."""

    phase: str
    """"planted", "replay" or "cases"."""
    cases: int
    """Cases of this run and phase."""
    seconds: float
    left_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did."""

    seed: int
    planted_after: int
    cases: int
    """Cases that this run added."""
    seed_cases: int
    """Cases of the seed, over all of its runs."""
    total_cases: int
    """Cases of all seeds under the digest."""
    seconds: float
    finding: Found | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told, and what it takes from outside."""

    seed: int
    seconds: float
    digest: str
    machine: str
    date: Callable[[], str]
    """Today, ISO 8601."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    watch: Callable[[Progress], None]
    stopped: Callable[[], bool]
    """True once a signal asked for an early end."""
    unchanged: Callable[[], bool]
    """True while the modules on disk still have the digest."""


def attempt(campaign: Campaign, seed: int, index: int) -> str | None:
    """Run one case and say what was found. Whatever a case raises is a finding: nothing may crash."""
    try:
        campaign.case(seed, index)
    except Finding as finding:
        return cell(str(finding))
    except Exception as error:
        return cell(f"{type(error).__name__}: {error}")
    return None


def find_planted(campaign: Campaign, settings: Settings) -> int:
    """Plant the fault and return in how many cases it was found.

    Only a Finding counts: a plant that makes the module crash would prove nothing. Raises PlantedFaultError.
    """
    started = settings.clock()
    for index in range(campaign.planted_bound):
        settings.watch(Progress("planted", index, settings.clock() - started, 0.0))
        try:
            with campaign.planted():
                campaign.case(settings.seed, index)
        except Finding:
            return index + 1
        except Exception as error:
            text = f"the planted fault crashed case {index}: {type(error).__name__}: {error}"
            raise PlantedFaultError(text) from error
    raise PlantedFaultError(f"the planted fault was not found in {campaign.planted_bound} cases")


def run(campaign: Campaign, file: EvidenceFile, settings: Settings) -> Outcome:
    """Run a seed from where it stopped, until the time is over or something is found.

    The planted fault, and what is looked at again, are for another copy of the campaign: they are none of the
    cases that this one counts and measures.

    Raises PlantedFaultError, OvertakenError, EvidenceError, and BlockingIOError when another process has the
    seed.
    """
    with ExitStack() as stack:
        stack.enter_context(file.seed(settings.seed))
        file.read()
        trial = copy.deepcopy(campaign)
        with trial.running():
            planted_after = find_planted(trial, settings)
            life = _Life(campaign, file, settings, planted_after)
            found = life.replay(trial)
        if found is not None:
            return life.end(found)
        stack.enter_context(campaign.running())
        return life.live()


class _Life:
    """One run after its planted fault was found."""

    def __init__(self, campaign: Campaign, file: EvidenceFile, settings: Settings, planted: int) -> None:
        self._campaign = campaign
        self._file = file
        self._settings = settings
        today = settings.date()
        with file.change() as change:
            change.evidence = change.evidence.under(settings.digest)
            before = change.evidence.run_of(settings.seed)
            self._open = change.evidence.findings_of(settings.digest)
            fresh = Run(settings.seed, 0, 0, today, today, planted, settings.machine)
            self._before = replace(before or fresh, planted_after=planted, machine=settings.machine)
            self._total = change.evidence.cases
        self._planted = planted
        self._next = self._before.cases
        self._started = self._saved = settings.clock()

    def replay(self, trial: Campaign) -> Found | None:
        """Run the cases that are known without the fault, uncounted, and return the first finding."""
        # What was found once is looked at first: the modules are the same, so it should still be there. The
        # case that found the planted fault is clean without it, or the plant was not what was found.
        seed = self._settings.seed
        again = {each.case for each in self._open if each.seed == seed} | {self._planted - 1}
        for index in sorted(again):
            self._watch("replay")
            what = attempt(trial, seed, index)
            if what is not None:
                return self._found(index, what)
        return None

    def live(self) -> Outcome:
        """Run case after case, each counted and measured once."""
        settings = self._settings
        self._started = self._saved = settings.clock()
        while not self._over():
            index = self._next
            what = attempt(self._campaign, settings.seed, index)
            self._next = index + 1
            if what is not None:
                return self.end(self._found(index, what))
            if settings.clock() - self._saved >= SAVE_EVERY_S:
                self._save(None)
            self._watch("cases")
        return self.end(None)

    def _over(self) -> bool:
        return self._settings.stopped() or self._settings.clock() - self._started >= self._settings.seconds

    def _watch(self, phase: str) -> None:
        seconds = self._settings.clock() - self._started
        left = max(0.0, self._settings.seconds - seconds)
        self._settings.watch(Progress(phase, self._next - self._before.cases, seconds, left))

    def _found(self, index: int, what: str) -> Found:
        return Found(self._settings.digest, self._settings.seed, index, self._settings.date(), what)

    def end(self, found: Found | None) -> Outcome:
        """Write the counts, and what was found."""
        self._save(found)
        return Outcome(
            self._settings.seed,
            self._planted,
            self._next - self._before.cases,
            self._next,
            self._total,
            self._settings.clock() - self._started,
            found,
        )

    def _measures(self) -> tuple[Measure, ...]:
        settings, first = self._settings, self._before.cases
        if self._next == first:
            return ()
        cases = f"{first} to {self._next - 1}"
        lines = self._campaign.measured()
        return tuple(
            Measure(settings.digest, settings.seed, cases, settings.date(), cell(line)) for line in lines
        )

    def _save(self, found: Found | None) -> None:
        """Write absolute numbers: doing it twice changes nothing."""
        now, first = self._settings.clock(), self._before.cases
        seconds = self._before.seconds + round(now - self._started)
        with self._file.change() as change:
            if self._campaign.from_disk and not self._settings.unchanged():
                raise OvertakenError("the modules were changed while other processes may have loaded them")
            if change.evidence.digest != self._settings.digest:
                raise OvertakenError(
                    "other modules have begun the evidence again while this run was going on"
                )
            run = replace(self._before, cases=self._next, seconds=seconds, last=self._settings.date())
            change.evidence = change.evidence.with_run(run).with_measures(first, self._measures())
            if found is not None:
                change.evidence = change.evidence.with_finding(found)
            self._total = change.evidence.cases
        self._saved = now
