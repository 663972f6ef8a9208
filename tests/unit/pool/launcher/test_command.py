"""The command lines of the sandbox, from the configurations that are shipped."""

from pathlib import Path

import pytest

from services.chassis.config import load
from services.pool.config import PoolConfig
from services.pool.launcher import command

ROOT = Path(__file__).parents[4]
DESCRIPTORS = command.Descriptors(seccomp=11, info=12, certificate=13, private_key=14, ca=15)


@pytest.fixture(params=["craton", "sbert"])
def config(request: pytest.FixtureRequest) -> PoolConfig:
    return load(ROOT / f"deploy/config/pool-{request.param}.toml", PoolConfig)


def caged(config: PoolConfig) -> list[str]:
    return command.bubblewrap(config, DESCRIPTORS, command.tritonserver(config, command.Paths()))


def options(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")]


def test_nothing_of_the_cage_is_missing(config: PoolConfig) -> None:
    given = options(caged(config))
    for option in ("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--as-pid-1"):
        assert option in given
    for pair in (["--cap-drop", "ALL"], ["--remount-ro", "/"], ["--remount-ro", "/dev"], ["--seccomp", "11"]):
        assert any(given[i : i + 2] == pair for i in range(len(given)))
    assert "--clearenv" in given
    # What was mounted after the root became read-only would escape it.
    assert given.index("--remount-ro") > max(
        i for i, word in enumerate(given) if word in ("--tmpfs", "--ro-bind")
    )


def test_the_disk_is_only_ever_bound_read_only(config: PoolConfig) -> None:
    binds = {word for word in options(caged(config)) if "bind" in word}
    assert binds == {"--ro-bind", "--ro-bind-data"}


def test_every_tmpfs_has_a_size(config: PoolConfig) -> None:
    given = options(caged(config))
    for index, word in enumerate(given):
        if word == "--tmpfs":
            assert given[index - 2] == "--size"


def test_neither_keys_nor_state_nor_other_pools_are_bound(config: PoolConfig) -> None:
    sources = [
        Path(word)
        for before, word in zip(caged(config), caged(config)[1:], strict=False)
        if before == "--ro-bind"
    ]
    home = config.catalog.parent
    assert [path for path in sources if path.is_relative_to(home)] == [config.repository, config.handover_dir]
    for path in (
        config.tls.private_key,
        config.triton.tls.private_key,
        config.audit.spool_dir,
        config.catalog,
    ):
        assert not [source for source in sources if path.is_relative_to(source)]


def test_the_model_server_is_restricted_to_inference_and_health(config: PoolConfig) -> None:
    server = " ".join(command.tritonserver(config, command.Paths()))
    for protocol in (
        "metadata", "shared-memory", "model-config", "model-repository", "statistics", "trace", "logging",
    ):  # fmt: skip
        assert protocol in server.split("--grpc-restricted-protocol=")[1].split(":")[0].split(",")
    for flag in ("--allow-http=false", "--allow-metrics=false", "--grpc-use-ssl-mutual=true"):
        assert flag in server


def test_root_gives_everything_away_before_it_executes() -> None:
    given = command.unprivileged(["x"], 20021, root=True, die_with_parent=True)
    for option in (
        "--reuid=20021", "--regid=20021", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
        "--bounding-set=-all", "--pdeathsig=KILL", "--core=1:1",
    ):  # fmt: skip
        assert option in given
    assert given[-2:] == ["--", "x"]


def test_without_root_no_uid_is_asked_for() -> None:
    given = command.unprivileged(["x"], 20021, root=False)
    assert "--no-new-privs" in given
    assert not [word for word in given if "uid" in word or "gid" in word]


def test_the_pools_differ_in_everything_that_separates_them() -> None:
    first, second = (
        load(ROOT / f"deploy/config/pool-{name}.toml", PoolConfig) for name in ("craton", "sbert")
    )
    assert len({*vars_of(first), *vars_of(second)}) == len(vars_of(first)) + len(vars_of(second))


def vars_of(config: PoolConfig) -> set[object]:
    return {
        config.provider,
        config.run_dir,
        config.server.listen,
        config.server.metrics_listen,
        config.tls.private_key,
        config.triton.tls.private_key,
        config.triton.tls.ca,
        config.triton.server_name,
        config.users.agent,
        config.users.sandbox,
        config.audit.spool_dir,
    }
