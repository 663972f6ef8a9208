"""The reference of the API: complete, current, and able to notice that it is not."""

import re
import tomllib
from pathlib import Path

import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2

from deploy import api_reference
from deploy.api_reference import drift, pages
from deploy.generate import ROOT


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_the_committed_pages_are_current() -> None:
    assert drift() == []


def test_every_method_names_its_service_and_callers(made: dict[str, str]) -> None:
    listed = 0
    for path in ROOT.glob("services/*/callers.toml"):
        for method, callers in tomllib.loads(path.read_text()).items():
            package, service, name = re.fullmatch(r"/(.+)\.(\w+)/(\w+)", method).groups()  # type: ignore[union-attr]
            if not package.startswith("craton."):
                continue
            page = made[f"{package}.md"]
            section = page.partition(f"\n### {service}.{name}\n")[2].partition("\n### ")[0]
            assert f"| {path.parent.name} | {', '.join(f'`{each}`' for each in sorted(callers))} |" in section
            listed += 1
    assert listed > 40


def test_every_link_leads_to_a_heading(made: dict[str, str]) -> None:
    anchors = {
        name: {api_reference._anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        for name, text in made.items()
    }
    followed = 0
    for name, text in made.items():
        for page, anchor in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", text):
            assert anchor in anchors[page or name], (name, page, anchor)
            followed += 1
    assert followed > 200


def test_rules_marks_and_reasons_are_shown(made: dict[str, str]) -> None:
    assert "| `audience` | string | min_len `1`, max_len `32` | Required." in made["craton.auth.v1.md"]
    assert "| `body` | bytes | *sensitive*, max_len `25000000` |" in made["craton.runtime.v1.md"]
    assert "map of string to string" in made["craton.kms.v1.md"]
    assert "| `temperature` | float | optional |" in made["craton.pool.v1.md"]
    assert "Counted, because: Strangers cause these calls" in made["craton.auth.v1.md"]
    assert "| `ACCESS_DENIED` | PERMISSION_DENIED | AccessDeniedException (403) |" in made["errors.md"]


def test_bars_do_not_break_a_table(made: dict[str, str]) -> None:
    for text in made.values():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_rules_of_items_say_so() -> None:
    items = validate_pb2.FieldRules(required=True)
    items.repeated.max_items = 3
    items.repeated.items.string.max_len = 8
    assert set(api_reference._constraints(items)) == {"required", "max_items `3`", "items: max_len `8`"}
    keys = validate_pb2.FieldRules()
    keys.map.keys.string.min_len = 1
    keys.map.max_pairs = 2
    assert set(api_reference._constraints(keys)) == {"keys: min_len `1`", "max_pairs `2`"}


def test_what_the_pages_would_leave_out_is_refused() -> None:
    inside = descriptor_pb2.DescriptorProto(name="Outer")
    inside.nested_type.add(name="Inner")
    ruled = descriptor_pb2.DescriptorProto(name="Ruled")
    ruled.options.Extensions[validate_pb2.message].cel.add(id="rule")
    for message in (inside, ruled):
        with pytest.raises(ValueError, match=message.name):
            api_reference._refuse_what_is_not_described(message)


def test_drift_is_found(made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_reference, "pages", lambda: made)
    assert drift(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'} is missing"]
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    assert drift(tmp_path) == []
    (tmp_path / "errors.md").write_text(made["errors.md"] + "x")
    (tmp_path / "craton.kms.v1.md").unlink()
    (tmp_path / "craton.gone.v1.md").write_text("")
    assert drift(tmp_path) == [
        "missing: craton.kms.v1.md",
        "describes no package: craton.gone.v1.md",
        "differs: errors.md",
    ]


@pytest.mark.parametrize("arguments", [["--nothing"], ["folder"], ["--out", "folder"], ["--output"]])
def test_what_the_command_does_not_know_it_refuses(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        api_reference.main(arguments)
    assert ended.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_to_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.md").write_text("of a package that went away")
    monkeypatch.setattr(api_reference, "pages", lambda: {"README.md": "pages"})
    api_reference.main(["--output", str(tmp_path)])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"README.md": "pages"}
