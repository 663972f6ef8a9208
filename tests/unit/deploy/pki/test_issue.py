"""What is missing or due is issued, and nothing else."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.stack import DEFINITION, Definition, Stack
from deploy.pki.inventory import leaves
from deploy.pki.issue import issue_due, renew_for_ever
from services.chassis.config import load

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(load(DEFINITION, Definition), tmp_path, tmp_path / "var", "127.0.0.1", separate_uids=False)


def test_everything_is_issued_once(stack: Stack) -> None:
    first = issue_due(stack, NOW)
    assert set(first) == {leaf.directory.name for leaf in leaves(stack)}
    assert issue_due(stack, NOW + timedelta(hours=1)) == []


def test_what_is_due_is_renewed_and_the_rest_stays(stack: Stack) -> None:
    issue_due(stack, NOW)
    authority = (stack.pki / "ca.pem").read_bytes()
    renewed = issue_due(stack, NOW + timedelta(hours=17))
    assert "service-auth" in renewed
    assert "triton-craton" not in renewed
    assert (stack.pki / "ca.pem").read_bytes() == authority


def test_a_lost_leaf_is_issued_again(stack: Stack) -> None:
    issue_due(stack, NOW)
    (stack.pki / "service-kms/tls.key").unlink()
    assert issue_due(stack, NOW) == ["service-kms"]
    assert (stack.pki / "service-kms/tls.key").read_bytes()


def test_another_address_gets_leaves_that_stand_for_it(stack: Stack) -> None:
    issue_due(stack, NOW)
    moved = replace(stack, address="127.0.0.77")
    assert issue_due(moved, NOW) == ["redis", "edge-public", "runtime-public"]
    assert issue_due(moved, NOW) == []


def test_half_a_ca_is_an_error_and_never_replaced(stack: Stack) -> None:
    issue_due(stack, NOW)
    (stack.pki / "ca.key").unlink()
    with pytest.raises(ValueError, match="belong together"):
        issue_due(stack, NOW)
    assert not (stack.pki / "ca.key").exists()


def test_keys_are_readable_by_their_owner_alone(stack: Stack) -> None:
    issue_due(stack, NOW)
    keys = [path for path in stack.pki.rglob("*.key") if not path.is_symlink()]
    assert len(keys) == len(list(leaves(stack))) + 3
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert {path.stat().st_uid for path in keys} == {os.geteuid()}


def test_every_workload_of_the_stack_has_a_leaf_of_its_own(stack: Stack) -> None:
    uris = [leaf.request.uri for leaf in leaves(stack) if leaf.request.uri]
    assert len(set(uris)) == len(uris)
    expected = {f"service/{service.name}" for service in stack.definition.services} | {"service/edge"}
    expected |= {f"pool/{pool.name}" for pool in stack.definition.pools}
    expected |= {f"witness/{witness.name}" for witness in stack.definition.witnesses}
    expected |= {f"provider/{provider.name}" for provider in stack.definition.providers}
    expected |= {"operator/admin", "operator/approver"}
    assert {uri.removeprefix("spiffe://craton.local/") for uri in uris} == expected


def test_the_loop_renews_what_falls_due(stack: Stack) -> None:
    issue_due(stack, NOW)
    now, lines = NOW, []

    class StopError(Exception):
        pass

    tries = 0

    def tell() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("not there right now")

    def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)
        if now > NOW + timedelta(hours=18):
            raise StopError

    with pytest.raises(StopError):
        renew_for_ever(stack, lambda: now, sleep, lines.append, {"redis": tell})
    assert lines.count("renewed service-auth") == 1
    assert tries == 2
    assert len([line for line in lines if "redis was not told" in line]) == 1
