"""The configuration loader: strict, typed, and the only reader of the environment."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.chassis.config import ConfigError, load
from services.chassis.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class _Inner:
    name: str
    size: int = 3


@dataclass(frozen=True, slots=True)
class _Outer:
    where: Path
    ratio: float
    inner: _Inner
    many: tuple[_Inner, ...] = ()
    maybe: str | None = None
    flag: bool = False


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "service.toml"
    path.write_text(text)
    return path


def test_everything_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATON_HOME", "/srv/craton")
    text = """
    where = "${CRATON_HOME}/state"
    ratio = 1
    flag = true
    [inner]
    name = "a"
    [[many]]
    name = "b"
    size = 4
    """
    config = load(_write(tmp_path, text), _Outer)
    assert config == _Outer(Path("/srv/craton/state"), 1.0, _Inner("a"), (_Inner("b", 4),), None, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('where = "x"\nratio = 1.0', "missing key 'inner'"),
        ('where = "x"\nratio = 1.0\nsurprise = 1\n[inner]\nname = "a"', "unknown key 'surprise'"),
        ('where = 1\nratio = 1.0\n[inner]\nname = "a"', "where: a string is expected"),
        ('where = "x"\nratio = "1"\n[inner]\nname = "a"', "ratio: float is expected"),
        ('where = "x"\nratio = 1.0\n[inner]\nname = "a"\nsize = true', "size: int is expected"),
        ('where = "${HOME}"\nratio = 1.0\n[inner]\nname = "a"', "unknown variable ${HOME}"),
        ("where = ", "service.toml"),
    ],
)
def test_refusals_name_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(_write(tmp_path, text), _Outer)
    assert complaint in str(caught.value)
    assert "service.toml" in str(caught.value)


_SHARED = """
where = "${CRATON_HOME}/shared"
[inner]
name = "shared"
"""


def test_shared_keys_are_read_from_the_file_that_is_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRATON_HOME", "/srv/craton")
    (tmp_path / "shared.toml").write_text(_SHARED)
    config = load(_write(tmp_path, 'include = ["shared.toml"]\nratio = 2'), _Outer)
    assert config == _Outer(Path("/srv/craton/shared"), 2.0, _Inner("shared"))


@pytest.mark.parametrize(
    ("text", "shared", "complaint"),
    [
        (
            'include = ["shared.toml"]\nratio = 1\nwhere = "own"',
            _SHARED,
            "'where' also stands in shared.toml",
        ),
        (
            'include = ["shared.toml"]\nratio = 1',
            _SHARED + "colour = 1",
            "shared.toml: inner: unknown key 'colour'",
        ),
        ('include = ["shared.toml"]\nratio = 1', "where =", "shared.toml: "),
        ('include = ["elsewhere.toml"]\nratio = 1', _SHARED, "elsewhere.toml"),
        ('include = "shared.toml"\nratio = 1', _SHARED, "include: a list of file names"),
        ("include = [1]\nratio = 1", _SHARED, "include: a list of file names"),
    ],
)
def test_what_an_included_file_may_not_do(tmp_path: Path, text: str, shared: str, complaint: str) -> None:
    (tmp_path / "shared.toml").write_text(shared)
    with pytest.raises(ConfigError) as caught:
        load(_write(tmp_path, text), _Outer)
    assert complaint in str(caught.value)


def test_two_included_files_must_not_set_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('where = "a"')
    (tmp_path / "two.toml").write_text('where = "a"')
    with pytest.raises(ConfigError, match="'where' also stands in two"):
        load(_write(tmp_path, 'include = ["one.toml", "two.toml"]'), _Outer)


@pytest.mark.parametrize("seconds", ["0", "-1", "30.5", "nan"])
def test_a_wait_for_the_disk_that_would_refuse_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(
        'spool_dir = "/spool"\ncommit_timeout_s = "${CRATON_AUDIT_COMMIT_TIMEOUT_S}"\n'
        '[service]\ntarget = "127.0.0.1:7105"\nname = "audit"\n'
    )
    assert load(path, AuditSettings).commit_timeout_s == 0.25
    monkeypatch.setenv("CRATON_AUDIT_COMMIT_TIMEOUT_S", "5")
    assert load(path, AuditSettings).commit_timeout_s == 5
    monkeypatch.setenv("CRATON_AUDIT_COMMIT_TIMEOUT_S", seconds)
    with pytest.raises(ConfigError, match=r"audit\.toml: commit_timeout_s .* 0\.01 to 30 seconds"):
        load(path, AuditSettings)
