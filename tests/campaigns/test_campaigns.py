"""Every pure campaign finds its planted fault and is clean for a moment; every evidence file adds up."""

from pathlib import Path

import pytest

from tests.campaigns.__main__ import NAMES, load
from tests.campaigns.campaign import Finding
from tests.campaigns.evidence import Subject, parse, render
from tests.campaigns.source import ROOT, files

STACK = {"canary", "kills", "revocation"}
"""These need a running stack; the tests they are made of stand in tests/security and tests/fault."""
CASES = 5
FEWER = {"kms-rotations": 1}
"""A case of this one is a hundred renewals."""
EVIDENCE = [path for path in sorted((ROOT / "docs/evidence").glob("*.md")) if path.stem != "README"]


LONG = {"audit-disks", "audit-kills", "kms-kills", "mutants"}
"""A case is dozens of processes, or hundreds of tests; their own tests are in tests/fault and here."""


@pytest.mark.parametrize("name", sorted(set(NAMES) - STACK - LONG))
def test_the_planted_fault_is_found_and_then_gone(name: str) -> None:
    campaign = load(name)
    for index in range(campaign.planted_bound):
        try:
            with campaign.planted():
                campaign.case(20261121, index)
        except Finding:
            break
    else:
        pytest.fail(f"not found in {campaign.planted_bound} cases")
    campaign.case(20261121, index)
    for more in range(FEWER.get(name, CASES)):
        campaign.case(20261121, more)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_digest_covers_the_campaign_itself(name: str) -> None:
    campaign = load(name)
    assert campaign.name == name
    assert ROOT / f"tests/campaigns/{name.replace('-', '_')}.py" in files(campaign.sources)
    assert any(source.startswith(("services", "tlog")) for source in campaign.sources)


@pytest.mark.parametrize("path", EVIDENCE, ids=lambda path: path.stem)
def test_evidence_is_what_a_campaign_writes(path: Path) -> None:
    """Written by hand, a sum or a line would differ from what the tables say."""
    campaign = load(path.stem)
    text = path.read_text()
    evidence = parse(text)
    subject = Subject(campaign.name, campaign.summary, campaign.fault, campaign.sources, campaign.units)
    # Campaigns move on after their evidence was written: the tables and their sum are what must hold.
    assert text.partition("## Counts")[2].partition("SHA-256 over")[0] in render(subject, evidence)
    tables = f"{evidence.cases} cases over" + text.partition(f"{evidence.cases} cases over")[2]
    assert tables == render(subject, evidence)[-len(tables) :]
    assert evidence.runs
    assert all(run.planted_after >= 1 for run in evidence.runs)
