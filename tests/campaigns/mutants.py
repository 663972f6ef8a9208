"""The tests of the policy evaluator find what is changed in it: mutants that cosmic-ray makes, one a case."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.mutant_drawing import Drawing, Mutant
from tests.campaigns.source import ROOT, files

MODULES = ("services/chassis/policy", "services/chassis/authorization.py")
EQUIVALENT = ROOT / "tests/campaigns/equivalent_mutants.toml"
_COPIED = ("services", "tests", "docs", "deploy", "cli", "protos/gen", "protos/craton", "pyproject.toml")
_POLICY = "tests/unit/chassis/policy"
_FIRST = ("test_evaluator.py", "test_conditions.py", "test_layers.py", "test_document.py", "test_refusals.py")
"""Quick ones, which kill most; the comparison with the reference comes after all others."""
_LAST = ("test_layers_properties.py", "test_layers_differential.py", "test_differential.py")
_BESIDES = ("tests/unit/chassis/test_authorization.py", "tests/unit/chassis/test_arn.py")
_SETS = "100"
"""Random policy sets that are compared besides those that the tests compare anyway."""
_LONGER = 4.0
_LEAST_S = 60.0
"""Tests that take four times as long as without the mutant, and a minute, have found it."""
_PASSED = 0
"""pytest's exit code. Every other one is the mutant's doing, since the same command passes without it: a
failed test, or a module that cannot be imported."""


class MutantsCampaign(Campaign):
    """One case is one mutant, which the tests kill, or which is listed as equivalent with its reason."""

    name = "mutants"
    summary = (
        "cosmic-ray changes one place of the policy language or of the authorizer, in a copy; the unit tests "
        "of policies, with the comparison against the reference evaluators, notice it. What they do not "
        "notice is listed in tests/campaigns/equivalent_mutants.toml with the reason why nobody could."
    )
    fault = "a change that is not made, which no test can notice."
    sources = (
        *MODULES,
        _POLICY,
        *_BESIDES,
        "tests/campaigns/mutants.py",
        "tests/campaigns/mutant_drawing.py",
        "tests/campaigns/quick_hypothesis.py",
        "tests/campaigns/equivalent_mutants.toml",
    )
    planted_bound = 1

    def __init__(self) -> None:
        """Start without a copy."""
        self._copy: Path | None = None
        self._limit_s = 0.0
        self._planted = False
        self._drawings: dict[int, Drawing] = {}
        self._equivalent: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Copy the tree, and see that its tests pass."""
        with tempfile.TemporaryDirectory(prefix="craton-mutants-") as folder:
            self._copy = Path(folder)
            for name in _COPIED:
                source, target = ROOT / name, self._copy / name
                if source.is_dir():
                    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(source, target)
            self._limit_s = 10 * _LEAST_S
            began = time.monotonic()
            if not self._survives():
                raise RuntimeError("the tests fail without a mutant: what they notice would mean nothing")
            self._limit_s = _LEAST_S + _LONGER * (time.monotonic() - began)
            try:
                yield
            finally:
                self._copy = None

    def case(self, seed: int, index: int) -> None:
        """Change, test, and change back."""
        if self._copy is None:
            with self.running():
                self.case(seed, index)
            return
        mutant = self.mutant(seed, index)
        path = self._copy / mutant.module
        sound = path.read_text()
        if not self._planted:
            path.write_text(mutant.code)
        try:
            survives = self._survives()
        finally:
            path.write_text(sound)
        why = "" if self._planted else known().get(mutant.key, "")
        if survives and not why:
            raise Finding(f"survives: {mutant}")
        if why and not survives:
            raise Finding(f"is listed as equivalent, and is killed: {mutant}")
        if survives:
            self._equivalent.append(f"equivalent: {mutant}: {why}")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Leave the modules as they are."""
        self._planted = True
        try:
            yield
        finally:
            self._planted = False

    def measured(self) -> tuple[str, ...]:
        """Return the mutants that nobody could notice, each with its reason."""
        return tuple(self._equivalent)

    def mutant(self, seed: int, index: int) -> Mutant:
        """Return the mutant of a case."""
        if seed not in self._drawings:
            modules = [str(path.relative_to(ROOT)) for path in files(MODULES)]
            self._drawings[seed] = Drawing(ROOT, modules, seed)
        return self._drawings[seed].mutant(index)

    def _survives(self) -> bool:
        """Say whether all tests pass in the copy."""
        assert self._copy is not None
        command = [
            *(sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "--hypothesis-seed=0"),
            *("-p", "tests.campaigns.quick_hypothesis", "-k", "not planted and not fuzz"),
            *_tests(self._copy),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{self._copy}:{self._copy}/protos/gen/python",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CRATON_POLICY_SETS": _SETS,
        }
        with subprocess.Popen(
            command,
            cwd=self._copy,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(self._limit_s)
            except subprocess.TimeoutExpired:
                # A mutant that loops for ever is one that was noticed.
                return False
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        return code == _PASSED


def known() -> dict[tuple[str, str, str, int], str]:
    """Return the reasons why mutants are equivalent, by their keys."""
    listed = tomllib.loads(EQUIVALENT.read_text())["mutants"]
    return {(each["module"], each["operator"], each["line"], each["number"]): each["why"] for each in listed}


def _tests(root: Path) -> list[str]:
    inside = sorted(path.name for path in (root / _POLICY).glob("test_*.py"))
    between = [name for name in inside if name not in (*_FIRST, *_LAST)]
    first, last = ([f"{_POLICY}/{name}" for name in names] for names in ((*_FIRST, *between), _LAST))
    return [*first, *_BESIDES, *last]
