"""`make campaign`: lists the campaigns, or runs one.

    python -m tests.campaigns [NAME] [--seed N] [--minutes M] [--case N] [--json]

Exit codes: 0 clean, 1 something was found, 2 wrong usage, 3 the planted fault was not found.
"""

import argparse
import dataclasses
import importlib
import json
import os
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import services  # noqa: F401 - before anything imports gRPC: see services/__init__.py
from tests.campaigns.campaign import Campaign
from tests.campaigns.evidence import Evidence, EvidenceError, EvidenceFile, Subject
from tests.campaigns.progress import Display
from tests.campaigns.runner import (
    Outcome,
    OvertakenError,
    PlantedFaultError,
    Settings,
    attempt,
    find_planted,
    run,
)
from tests.campaigns.source import ROOT, digest, files, machine

CLEAN, FOUND, USAGE, PLANTED_NOT_FOUND = range(4)
NAMES = {
    "policy": "PolicyCampaign",
    "documents": "DocumentsCampaign",
    "spool": "SpoolCampaign",
    "sigv4": "SigV4Campaign",
    "sealing": "SealingCampaign",
    "sessions": "SessionsCampaign",
    "rest-json": "RestJsonCampaign",
    "query": "QueryCampaign",
    "http2": "Http2Campaign",
    "canary": "CanaryCampaign",
    "kills": "KillsCampaign",
    "revocation": "RevocationCampaign",
    "kms-envelope": "KmsEnvelopeCampaign",
    "kms-vectors": "KmsVectorsCampaign",
    "kms-rotations": "KmsRotationsCampaign",
    "kms-kills": "KmsKillsCampaign",
    "log-proofs": "LogProofsCampaign",
    "audit-kills": "AuditKillsCampaign",
    "audit-disks": "AuditDisksCampaign",
    "records": "RecordsCampaign",
    "mutants": "MutantsCampaign",
}
"""Module of each campaign below this package, and its class."""


def load(name: str) -> Campaign:
    """Return a campaign. Only its own modules are imported."""
    campaign: Campaign = getattr(importlib.import_module(f"tests.campaigns.{module_of(name)}"), NAMES[name])()
    return campaign


def module_of(name: str) -> str:
    """Return the Python name of a campaign's module."""
    return name.replace("-", "_")


def evidence_file(campaign: Campaign) -> EvidenceFile:
    """Return a campaign's evidence file, and where its locks lie."""
    home = Path(os.environ.get("CRATON_HOME", ROOT / "var"))
    subject = Subject(campaign.name, campaign.summary, campaign.fault, campaign.sources, campaign.units)
    return EvidenceFile(ROOT / f"docs/evidence/{campaign.name}.md", home / "campaigns", subject)


def main() -> int:
    """Parse the command line and do what it asks."""
    arguments = _arguments()
    if not arguments.name:
        return _list(as_json=arguments.json)
    # A second earlier, because file systems tell the time more coarsely.
    started = time.time() - 1
    campaign = load(arguments.name)
    os.nice(campaign.niceness)
    tested = digest(campaign.sources)
    if any(path.stat().st_mtime > started for path in files(campaign.sources)):
        print("a module was changed while it was loaded: start again", file=sys.stderr)
        return USAGE
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    stop = _Stop()
    display = Display(sys.stderr, campaign.name, seed)
    settings = Settings(
        seed,
        arguments.minutes * 60,
        tested,
        machine(),
        lambda: datetime.now(UTC).date().isoformat(),
        time.monotonic,
        display.show,
        stop.asked,
        lambda: digest(campaign.sources) == tested,
    )
    try:
        if arguments.case is not None:
            return _one(campaign, settings, arguments.case, as_json=arguments.json)
        outcome = run(campaign, evidence_file(campaign), settings)
    except PlantedFaultError as error:
        display.end(f"{campaign.name}: {error} (seed {seed}). Nothing was counted.")
        return PLANTED_NOT_FOUND
    except BlockingIOError:
        display.end(f"{campaign.name}: another process runs seed {seed}")
        return USAGE
    except (EvidenceError, OvertakenError) as error:
        display.end(f"{campaign.name}: {error}")
        return USAGE
    display.end(_told(campaign, outcome))
    if arguments.json:
        print(json.dumps({"campaign": campaign.name, "digest": tested, **dataclasses.asdict(outcome)}))
    return CLEAN if outcome.finding is None else FOUND


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make campaign",
        description="Run a randomised campaign; without a name, list them.",
        epilog="Exit codes: 0 clean, 1 a finding, 2 wrong usage, 3 the planted fault was not found.",
    )
    parser.add_argument("name", nargs="?", default="", help="one of: " + ", ".join(NAMES))
    parser.add_argument("--seed", type=int, help="0 or more; a known seed goes on where it stopped (random)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long cases are run (5)")
    parser.add_argument("--case", type=int, help="run this case of the seed alone, and count nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    arguments = parser.parse_args()
    if arguments.name and arguments.name not in NAMES:
        parser.error(f"there is no campaign {arguments.name!r}; there are {', '.join(NAMES)}")
    if arguments.seed is not None and arguments.seed < 0:
        parser.error("SEED must be 0 or more")
    if not 0 < arguments.minutes < 1e6:
        parser.error("MINUTES must be more than 0")
    if arguments.case is not None and (arguments.seed is None or arguments.case < 0):
        parser.error("CASE needs a SEED, and is 0 or more")
    return arguments


def _list(*, as_json: bool) -> int:
    listed = []
    for name in NAMES:
        campaign = load(name)
        written = evidence_file(campaign).read()
        current = written.under(digest(campaign.sources))
        listed.append(
            {
                "name": name,
                "summary": campaign.summary,
                "fault": campaign.fault,
                "cases": current.cases,
                "seeds": len(current.runs),
                "findings": len(current.findings_of(current.digest)),
                "outdated_cases": _outdated(written, current),
            }
        )
    if as_json:
        print(json.dumps(listed))
        return CLEAN
    for each in listed:
        counts = f"{each['cases']} cases, {each['findings']} findings"
        if each["outdated_cases"]:
            counts += f" ({each['outdated_cases']} cases before the modules changed)"
        print(f"{each['name']:<10} {counts}\n           {each['summary']}")
    print("\nmake campaign NAME=… [SEED=…] [MINUTES=…] [CASE=…]")
    return CLEAN


def _outdated(written: Evidence, current: Evidence) -> int:
    return 0 if written is current else written.cases


def _one(campaign: Campaign, settings: Settings, index: int, *, as_json: bool) -> int:
    with campaign.running():
        find_planted(campaign, settings)
        what = attempt(campaign, settings.seed, index)
    text = f"{campaign.name}, seed {settings.seed}, case {index}: {what or 'clean'}"
    if as_json:
        text = json.dumps({"campaign": campaign.name, "seed": settings.seed, "case": index, "finding": what})
    print(text)
    return CLEAN if what is None else FOUND


def _told(campaign: Campaign, outcome: Outcome) -> str:
    rate = outcome.cases / outcome.seconds if outcome.seconds else 0.0
    lines = [
        f"{campaign.name}, seed {outcome.seed}: planted fault found after {outcome.planted_after} cases; "
        f"{outcome.cases} cases in {outcome.seconds:.0f} s ({rate:.0f}/s), {outcome.seed_cases} of the "
        f"seed, {outcome.total_cases} in all: {'clean' if outcome.finding is None else 'a finding'}"
    ]
    if outcome.finding is not None:
        case = outcome.finding.case
        lines += [
            f"FINDING in case {case}: {outcome.finding.what}",
            f"Again: make campaign NAME={campaign.name} SEED={outcome.seed} CASE={case}",
        ]
    return "\n".join(lines)


class _Stop:
    """SIGINT and SIGTERM end a run early, its counts written; a second one ends it at once."""

    def __init__(self) -> None:
        self._asked = False
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._ask)

    def asked(self) -> bool:
        return self._asked

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True


if __name__ == "__main__":
    sys.exit(main())
