"""Write docs/api from protos/, the callers files and the audit descriptions (run by `make generate`).

Everything on these pages stands somewhere else already, where it is enforced: comments and validation
rules in the protos, callers in callers.toml, the place in the audit log in each service's events.py.
"""

import argparse
import importlib
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buf.validate import validate_pb2
from craton.common.v1 import options_pb2
from craton.common.v1.error_reason_pb2 import ErrorReason
from google.protobuf import descriptor_pb2 as pb

from deploy.generate import ROOT, protoc, sources
from services.chassis.audit.ports import AuditedMethod, Recording
from services.chassis.audit.summarised import load_summarised
from services.chassis.errors import STATUS_OF_REASON
from services.edge.domain.faults import EXCEPTIONS_OF, STATUS_OF

FOLDER = ROOT / "docs/api"
_GENERATED = "<!-- Written by deploy/api_reference.py: change the protos and run `make generate`. -->"
_RECORDED = {
    Recording.EFFECT: "intent and outcome",
    Recording.GATED: "intent and outcome",
    Recording.ADMITTED: "intent and outcome of whom it let in; of others the outcome, or a count",
    Recording.READ: "outcome",
    Recording.SUMMARY: "counted once a minute",
}
_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in pb.FieldDescriptorProto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}
# Numbers of fields of descriptor.proto: a comment is found by the path to what it describes.
_MESSAGE, _ENUM, _SERVICE, _FIELD, _METHOD, _VALUE = 4, 5, 6, 2, 2, 2


@dataclass(frozen=True, slots=True)
class Served:
    """One method at one service."""

    service: str
    callers: Sequence[str]
    audited: AuditedMethod


@dataclass(frozen=True, slots=True)
class File:
    """One proto file and its comments by path."""

    descriptor: pb.FileDescriptorProto
    comments: Mapping[tuple[int, ...], str]

    def comment(self, *path: int) -> str:
        """Return the comment of what is at `path`, as paragraphs of one line each."""
        paragraphs = re.split(r"\n\s*\n", self.comments.get(path, ""))
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def read_protos() -> list[File]:
    """Return our proto files with their comments."""
    with tempfile.NamedTemporaryFile() as written:
        protoc(f"--descriptor_set_out={written.name}", "--include_source_info", *map(str, sources()))
        found = pb.FileDescriptorSet.FromString(Path(written.name).read_bytes())
    return [
        File(each, {tuple(at.path): at.leading_comments for at in each.source_code_info.location})
        for each in found.file
    ]


def read_served() -> Mapping[str, list[Served]]:
    """Return who serves each method, to whom, and how it is recorded."""
    served: dict[str, list[Served]] = {}
    for path in sorted(ROOT.glob("services/*/callers.toml")):
        service = path.parent.name
        events = importlib.import_module(f"services.{service}.events").EVENTS
        callers = tomllib.loads(path.read_text())
        for method, audited in events.items():
            served.setdefault(method, []).append(Served(service, sorted(callers[method]), audited))
    return served


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    files, served, counted = read_protos(), read_served(), load_summarised()
    packages: dict[str, list[File]] = {}
    for file in files:
        packages.setdefault(file.descriptor.package, []).append(file)
    made = {"README.md": _contents(packages), "errors.md": _errors(files)}
    for package, members in packages.items():
        lines = [_GENERATED, "", f"# {package}", "", "[All packages](README.md) · [errors](errors.md)"]
        for file in members:
            lines += _services(file, served, counted)
        lines += ["", "## Messages"]
        for file in members:
            lines += _messages(file)
        made[f"{package}.md"] = "\n".join(lines) + "\n"
    return made


def _contents(packages: Mapping[str, list[File]]) -> str:
    lines = [
        _GENERATED,
        "",
        "# The gRPC API",
        "",
        "What every method does, who may call it, how it stands in the audit log, what its messages hold.",
        "Rules of fields are [protovalidate](https://protovalidate.com)'s; a message that breaks one is",
        "refused with `INVALID_FIELD`. *Sensitive* fields never reach a log, a trace or an audit event.",
        "All refusals are in [errors](errors.md).",
    ]
    for package, files in sorted(packages.items()):
        lines += ["", f"## [{package}]({package}.md)", ""]
        services = [(file, *each) for file in files for each in enumerate(file.descriptor.service)]
        for file, at, service in services:
            # A service's comment begins with its name.
            lines += [f"- {file.comment(_SERVICE, at).replace(service.name, f'**{service.name}**', 1)}"]
            lines += [
                f"  - [{method.name}]({package}.md#{_anchor(f'{service.name}.{method.name}')})"
                for method in service.method
            ]
        if not services:
            lines += ["Messages only."]
    return "\n".join(lines) + "\n"


def _services(file: File, served: Mapping[str, list[Served]], counted: Mapping[str, str]) -> Iterator[str]:
    package = file.descriptor.package
    for number, service in enumerate(file.descriptor.service):
        yield from ("", f"## {service.name}", "", file.comment(_SERVICE, number))
        for index, method in enumerate(service.method):
            name = f"/{package}.{service.name}/{method.name}"
            answer = _link(method.output_type, package)
            yield from ("", f"### {service.name}.{method.name}", "")
            yield file.comment(_SERVICE, number, _METHOD, index)
            yield ""
            yield (
                f"Takes {_link(method.input_type, package)}, "
                f"{'streams' if method.server_streaming else 'returns'} {answer}."
            )
            if name in served:
                yield from ("", "| served by | to | in the audit log |", "|---|---|---|")
            else:
                yield from ("", "No service serves it.")
            for each in served.get(name, ()):
                yield _row(
                    each.service, ", ".join(f"`{caller}`" for caller in each.callers), _recorded(each.audited)
                )
            if name in counted:
                yield from ("", f"Counted, because: {counted[name]}")


def _recorded(audited: AuditedMethod) -> str:
    return f"{_RECORDED[audited.recording]}, as `{audited.event_name}` of `{audited.event_source}`"


def _messages(file: File) -> Iterator[str]:
    package = file.descriptor.package
    for number, message in enumerate(file.descriptor.message_type):
        _refuse_what_is_not_described(message)
        yield from ("", f"### {message.name}", "", file.comment(_MESSAGE, number))
        if message.field:
            yield from ("", "| field | type | rules | |", "|---|---|---|---|")
        for index, field in enumerate(message.field):
            yield _row(
                f"`{field.name}`",
                _type(field, message, package),
                ", ".join(_rules(field, message)),
                file.comment(_MESSAGE, number, _FIELD, index),
            )
    for number, enum in enumerate(file.descriptor.enum_type):
        yield from ("", f"### {enum.name}", "", file.comment(_ENUM, number))
        yield from ("", "| value | number | |", "|---|---|---|")
        for index, value in enumerate(enum.value):
            yield _row(f"`{value.name}`", str(value.number), file.comment(_ENUM, number, _VALUE, index))


def _refuse_what_is_not_described(message: pb.DescriptorProto) -> None:
    """Raise ValueError for what no message of ours has, and these pages would leave out."""
    options: Any = message.options.Extensions
    nested = [each.name for each in message.nested_type if not each.options.map_entry]
    if nested or message.enum_type:
        raise ValueError(f"{message.name}: types inside a message are not described")
    if options[validate_pb2.message].ListFields():
        raise ValueError(f"{message.name}: rules of a whole message are not described")


def _type(field: pb.FieldDescriptorProto, message: pb.DescriptorProto, package: str) -> str:
    entry = next((each for each in message.nested_type if field.type_name.endswith(f".{each.name}")), None)
    if entry is not None and entry.options.map_entry:
        key, value = (_type(each, entry, package) for each in entry.field)
        return f"map of {key} to {value}"
    name = _SCALARS.get(field.type) or _link(field.type_name, package)
    return f"repeated {name}" if field.label == field.LABEL_REPEATED else name


def _rules(field: pb.FieldDescriptorProto, message: pb.DescriptorProto) -> Iterator[str]:
    extensions: Any = field.options.Extensions
    if extensions[options_pb2.sensitive]:
        yield "*sensitive*"
    if field.proto3_optional:
        yield "optional"
    elif field.HasField("oneof_index"):
        yield f"one of `{message.oneof_decl[field.oneof_index].name}`"
    yield from _constraints(extensions[validate_pb2.field])


def _constraints(rules: Any, of: str = "") -> Iterator[str]:
    for descriptor, value in rules.ListFields():
        if descriptor.message_type is not None:
            # "items", "keys" and "values" say of what inside the field the rules speak.
            inner = f"{descriptor.name}: " if descriptor.name in ("items", "keys", "values") else of
            yield from _constraints(value, inner)
        elif value is True:
            yield f"{of}{descriptor.name}"
        else:
            yield f"{of}{descriptor.name} `{value}`"


def _errors(files: Sequence[File]) -> str:
    lines = [
        _GENERATED,
        "",
        "# Errors",
        "",
        "A refused call carries `google.rpc.Status` with one `ErrorInfo` of domain `craton` and a reason.",
        "Edge answers AWS clients with the exception beside it, the first that the operation declares.",
        "",
        "| reason | gRPC status | AWS exception | |",
        "|---|---|---|---|",
    ]
    file = next(each for each in files if each.descriptor.name.endswith("/error_reason.proto"))
    for index, value in enumerate(file.descriptor.enum_type[0].value):
        exceptions = [f"{name} ({STATUS_OF[name]})" for name in EXCEPTIONS_OF[value.number]]
        status = STATUS_OF_REASON[value.number].name
        meaning = file.comment(_ENUM, 0, _VALUE, index).removeprefix(f"{status}: ")
        reason = ErrorReason.Name(value.number).removeprefix("ERROR_REASON_")
        sentence = meaning[:1].upper() + meaning[1:]
        lines.append(_row(f"`{reason}`", status, " or ".join(exceptions), sentence))
    return "\n".join(lines) + "\n"


def _link(type_name: str, package: str) -> str:
    """Return a type's name, with a link to where it is described when it is ours."""
    home, _, name = type_name.removeprefix(".").rpartition(".")
    if not home.startswith("craton."):
        return f"`{home}.{name}`"
    return f"[{name}]({'' if home == package else f'{home}.md'}#{_anchor(name)})"


def _anchor(heading: str) -> str:
    """The fragment that Markdown renderers give a heading."""
    return re.sub(r"[^a-z0-9_-]", "", heading.lower())


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n\n", "<br>") for cell in cells) + " |"


def drift(folder: Path = FOLDER) -> list[str]:
    """Return how the pages in `folder` differ from what they should be; empty when they do not."""
    wanted = pages()
    if not folder.is_dir():
        return [f"{folder} is missing"]
    found = {path.name: path.read_text() for path in folder.glob("*")}
    problems = [f"missing: {name}" for name in sorted(wanted.keys() - found.keys())]
    problems += [f"describes no package: {name}" for name in sorted(found.keys() - wanted.keys())]
    problems += [
        f"differs: {name}" for name in sorted(wanted.keys() & found.keys()) if wanted[name] != found[name]
    ]
    return problems


def main(arguments: Sequence[str] | None = None) -> None:
    """Replace the committed pages, or write them to another folder."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.api_reference",
        description="Writes docs/api from protos/, callers.toml and events.py: `make generate` runs it.",
        epilog="Example: python -m deploy.api_reference --output /tmp/api",
        allow_abbrev=False,
    )
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER", help="instead of docs/api")
    folder: Path = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
