"""manifest.toml: what a provider writes by hand about a model, and the files that it names."""

import hashlib
import importlib.util
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from services.chassis import manifest as manifests
from services.chassis import safetensors
from services.chassis.manifest import ManifestError
from services.chassis.safetensors import SafetensorsError

# What a directory of weights is published with when its manifest lists no files. Anything else stays where
# it is: above all pickles and code, which could run when they are loaded.
_SERVED = (
    "*.safetensors", "*.json", "*.jinja", "vocab.txt", "merges.txt",
    "LICENSE*", "NOTICE*", "README.md", "MODEL_CARD.md",
)  # fmt: skip
_READ_SIZE = 1 << 20


class SourceError(ValueError):
    """A manifest.toml or a directory of weights cannot be published; the message says what to change."""


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """A manifest.toml, with its licence text read in."""

    path: Path
    document: dict[str, Any]
    """The keys of the signed manifest, without the artifact."""
    artifact_name: str | None
    """None for a model without weights."""
    directory: Path | None
    """Where the manifest says the files lie; None when it does not say."""
    files: tuple[str, ...]
    """Files that belong to the model, relative to the directory; empty when the manifest lists none."""
    expected_sha256: str | None


def read_source(path: Path, packages: Sequence[Path] = ()) -> ManifestSource:
    """Read a manifest.toml. `packages` are folders to look for `artifact.python_package` in, before sys.path.

    Raises SourceError.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        offer = document["offer"]
        text = (path.parent / offer.pop("eula_file")).read_text(encoding="utf-8")
        offer |= {"eula_text": text, "eula_sha256": hashlib.sha256(text.encode()).hexdigest()}
        artifact = document.pop("artifact", None)
        if artifact is None:
            return ManifestSource(path, document, None, None, (), None)
        name, directory = str(artifact.pop("name")), _directory(path, artifact, packages)
        files, expected = tuple(artifact.pop("files", ())), artifact.pop("sha256", None)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path}: {type(error).__name__}: {error}") from error
    if artifact:
        raise SourceError(f"{path}: unknown keys in [artifact]: {', '.join(sorted(artifact))}")
    return ManifestSource(path, document, name, directory, files, expected)


def list_files(directory: Path, listed: Sequence[str]) -> tuple[str, ...]:
    """The files to publish, sorted: those `listed`, or else everything that a model is served from.

    Raises SourceError when one is missing, lies outside the directory, or there are no weights.
    """
    if not directory.is_dir():
        raise SourceError(f"{directory} is not a directory")
    if listed:
        files = sorted(listed)
        for name in files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise SourceError(f"{name}: files must lie below {directory}")
            if not (directory / name).is_file():
                raise SourceError(f"{directory / name} does not exist")
    else:
        found = (each.relative_to(directory) for each in directory.rglob("*") if each.is_file())
        files = sorted(
            each.as_posix()
            for each in found
            if any(each.match(pattern) for pattern in _SERVED)
            and not any(part.startswith(".") for part in each.parts)
        )
    if not any(name.endswith(".safetensors") for name in files):
        raise SourceError(
            f"{directory} has no .safetensors file. Other formats can hold code and are not published: "
            "load the model with transformers and save it again with save_pretrained()"
        )
    return tuple(files)


def check_weights(directory: Path, files: Sequence[str]) -> None:
    """Refuse files that are not what their names say. Raises SourceError."""
    for name in files:
        path = directory / name
        if name.endswith(".safetensors"):
            try:
                with path.open("rb") as file:
                    size = safetensors.header_size(file.read(8))
                    safetensors.parse_header(file.read(size), path.stat().st_size)
            except SafetensorsError as error:
                raise SourceError(f"{path}: {error}") from error
        elif not any(PurePosixPath(name).match(pattern) for pattern in _SERVED):
            raise SourceError(
                f"{path}: only safetensors, JSON, templates, vocabularies and licences are published"
            )


def hash_files(directory: Path, files: Sequence[str], advance: Callable[[int], None]) -> dict[str, str]:
    """SHA-256 of every file; `advance` is told of bytes read."""
    result = {}
    for name in files:
        digest = hashlib.sha256()
        with (directory / name).open("rb") as file:
            while block := file.read(_READ_SIZE):
                digest.update(block)
                advance(len(block))
        result[name] = digest.hexdigest()
    return result


def check_document(source: ManifestSource, artifact: dict[str, Any] | None) -> manifests.ModelManifest:
    """Build the manifest that a source and its sealed artifact make. Raises SourceError naming the field."""
    document = dict(source.document)
    if artifact is not None:
        document["artifact"] = artifact
    try:
        return manifests.from_document(document)
    except ManifestError as error:
        raise SourceError(f"{source.path}: {error}") from error


def _directory(path: Path, artifact: dict[str, Any], packages: Sequence[Path]) -> Path | None:
    package, directory = artifact.pop("python_package", None), artifact.pop("directory", None)
    if package is None:
        return None if directory is None else (path.parent / str(directory)).resolve()
    for folder in packages:
        if (folder / package).is_dir():
            return folder / str(package) / str(directory or ".")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SourceError(f"{path}: the Python package {package} is not installed")
    return Path(found.submodule_search_locations[0]) / str(directory or ".")
