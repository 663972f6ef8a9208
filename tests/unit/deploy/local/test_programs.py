"""The supervisor's configuration: least rights, no orphans, no secrets."""

import configparser
from pathlib import Path

import pytest

from deploy.local.programs import MARKER, child_environment, programs, supervisor_configuration
from deploy.local.stack import DEFINITION, Definition, Stack
from services.chassis.config import load


def make(separate_uids: bool, root: Path = Path("/srv/a place with spaces, 100%")) -> Stack:
    return Stack(load(DEFINITION, Definition), root, root / "var", "127.0.0.1", separate_uids=separate_uids)


def sections(stack: Stack) -> dict[str, configparser.SectionProxy]:
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_configuration(stack, stack))
    return {name: parser[name] for name in parser.sections()}


@pytest.fixture(params=[True, False], ids=["root", "rootless"])
def stack(request: pytest.FixtureRequest) -> Stack:
    return make(request.param)


def test_every_program_dies_with_the_supervisor(stack: Stack) -> None:
    found = [values for name, values in sections(stack).items() if name.startswith("program:")]
    assert len(found) == len(list(programs(stack)))
    assert all("--pdeathsig KILL" in values["command"] for values in found)
    assert all(values["autorestart"] == "true" for values in found)


def test_services_get_a_uid_of_their_own_and_no_rights() -> None:
    uids = []
    for program in programs(make(separate_uids=True)):
        command = sections(make(separate_uids=True))[f"program:{program.name}"]["command"]
        if program.uid is None:
            assert "--reuid" not in command
            continue
        uids.append(program.uid)
        assert f"--reuid={program.uid} --regid={program.uid} --clear-groups" in command
        assert "--no-new-privs" in command
        assert "--bounding-set=-all" in command
    assert len(set(uids)) == len(uids)
    assert min(uids) > 1000


def test_without_root_nothing_changes_its_uid() -> None:
    stack = make(separate_uids=False)
    assert "--reuid" not in supervisor_configuration(stack, stack)


def test_the_control_socket_is_private(stack: Stack) -> None:
    assert sections(stack)["unix_http_server"]["chmod"] == "0600"
    assert "inet_http_server" not in sections(stack)


def test_programs_that_touch_prompts_overwrite_freed_memory(stack: Stack) -> None:
    found = sections(stack)
    for name in ("runtime", "edge", "pool-craton", "pool-sbert"):
        assert "glibc.malloc.perturb" in found[f"program:{name}"]["environment"]


def test_children_get_a_small_environment_and_the_marker(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "must not travel")
    environment = child_environment(stack, stack)
    assert environment[MARKER] == str(stack.home)
    assert "must not travel" not in environment.values()
    assert set(environment) <= {
        *("PATH", "LANG", "CRATON_ROOT", "CRATON_HOME", "CRATON_ADDRESS", MARKER, "OMP_NUM_THREADS"),
        *(
            "CRATON_OTLP_ENDPOINT",
            "CRATON_TRACE_RATIO",
            "CRATON_AUDIT_COMMIT_TIMEOUT_S",
            "CRATON_BUCKETS_ENDPOINT",
            "CRATON_BUCKETS_REGION",
            "CRATON_BUCKETS_CA",
            "CRATON_BUCKETS_CREDENTIALS",
            "CRATON_TRAIL_INTERVAL_S",
            "CRATON_DIGEST_INTERVAL_S",
            "PYTHONPATH",
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONUNBUFFERED",
        ),
        *("PYTHONMALLOC", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX"),
    }


def test_percent_signs_of_paths_are_escaped(stack: Stack) -> None:
    raw = supervisor_configuration(stack, stack)
    assert "100%%" in raw
    assert "100%/" not in raw
