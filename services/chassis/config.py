"""Configuration: frozen dataclasses filled from TOML, strict about what it does not know.

Strings may name the variables that `environment` lists, for example ${CRATON_HOME}; no other code reads
the environment. What several services must agree on stands in one file, which each of them names in
`include`.
"""

import dataclasses
import os
import re
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
_ROOT = Path(__file__).resolve().parent.parent.parent


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the file and the key."""


def environment() -> dict[str, str]:
    """The variables a configuration may name, with their defaults."""
    root = os.environ.get("CRATON_ROOT", str(_ROOT))
    triton = os.environ.get("TRITON_BIN", f"{root}/.venv/triton/pytriton/tritonserver/bin/tritonserver")
    return {
        "CRATON_ROOT": root,
        "CRATON_HOME": os.environ.get("CRATON_HOME", f"{root}/var"),
        "CRATON_ADDRESS": os.environ.get("CRATON_ADDRESS", "127.0.0.1"),
        # The model server, and the folder with its bin/ and backends/.
        "TRITON_BIN": triton,
        "TRITON_HOME": str(Path(triton).parent.parent),
        # host:port of an OTLP collector, none when empty, and the share of traces that is recorded.
        "CRATON_OTLP_ENDPOINT": os.environ.get("CRATON_OTLP_ENDPOINT", ""),
        "CRATON_TRACE_RATIO": os.environ.get("CRATON_TRACE_RATIO", "0.01"),
        # Seconds that a disk may take to make an audit record durable, more for a shared one.
        "CRATON_AUDIT_COMMIT_TIMEOUT_S": os.environ.get("CRATON_AUDIT_COMMIT_TIMEOUT_S", "0.25"),
        # Where trails deliver: an S3 server's URL, none when empty, its region and authorities, the file with
        # the key, and the seconds between deliveries of log files and of digests.
        "CRATON_BUCKETS_ENDPOINT": os.environ.get("CRATON_BUCKETS_ENDPOINT", ""),
        "CRATON_BUCKETS_REGION": os.environ.get("CRATON_BUCKETS_REGION", "us-east-1"),
        "CRATON_BUCKETS_CA": os.environ.get("CRATON_BUCKETS_CA", ""),
        "CRATON_BUCKETS_CREDENTIALS": os.environ.get("CRATON_BUCKETS_CREDENTIALS", "/etc/craton/buckets"),
        "CRATON_TRAIL_INTERVAL_S": os.environ.get("CRATON_TRAIL_INTERVAL_S", "300"),
        "CRATON_DIGEST_INTERVAL_S": os.environ.get("CRATON_DIGEST_INTERVAL_S", "3600"),
        # A private network in which OpenID Connect issuers may be, and a PEM file of the authorities of their
        # certificates; none when empty.
        "CRATON_ISSUER_NETWORK": os.environ.get("CRATON_ISSUER_NETWORK", ""),
        "CRATON_ISSUER_CA": os.environ.get("CRATON_ISSUER_CA", ""),
    }


def set_by_operator() -> dict[str, str]:
    """The variables about the outside world that were set, for a supervisor to hand on."""
    names = (
        "TRITON_BIN",
        "CRATON_OTLP_ENDPOINT",
        "CRATON_TRACE_RATIO",
        "CRATON_AUDIT_COMMIT_TIMEOUT_S",
        "CRATON_BUCKETS_ENDPOINT",
        "CRATON_BUCKETS_REGION",
        "CRATON_BUCKETS_CA",
        "CRATON_BUCKETS_CREDENTIALS",
        "CRATON_TRAIL_INTERVAL_S",
        "CRATON_DIGEST_INTERVAL_S",
        "CRATON_ISSUER_NETWORK",
        "CRATON_ISSUER_CA",
    )
    return {name: os.environ[name] for name in names if name in os.environ}


def load(path: Path, into: type[T]) -> T:
    """Read a TOML file into the frozen dataclass `into`.

    The key `include` lists further files, beside this one, whose keys are read as if they stood here.
    Raises ConfigError for unknown or missing keys and wrong types, and for a key that two files set.
    """
    data = _read(path)
    included = data.pop("include", [])
    if not isinstance(included, list) or not all(isinstance(name, str) for name in included):
        raise ConfigError(f"{path}: include: a list of file names is expected")
    for name in included:
        shared = _read(path.parent / name)
        twice = sorted(data.keys() & shared.keys())
        if twice:
            raise ConfigError(
                f"{path}: {', '.join(map(repr, twice))} also stands in {name}: it must not differ"
            )
        data |= shared
    return _build(data, into, " with ".join([str(path), *included]), environment())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _build(data: Any, into: type[T], where: str, variables: dict[str, str]) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: a table is expected")
    hints = typing.get_type_hints(into)
    fields = {field.name: field for field in dataclasses.fields(into)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(fields))}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(data[name], hints[name], f"{where}: {name}", variables)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}: missing key {name!r}")
    try:
        return into(**values)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _convert(value: Any, hint: Any, where: str, variables: dict[str, str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return _convert(value, options[0], where, variables)
    if origin is tuple:
        item = typing.get_args(hint)[0]
        if not isinstance(value, list):
            raise ConfigError(f"{where}: a list is expected")
        return tuple(_convert(each, item, f"{where}[{i}]", variables) for i, each in enumerate(value))
    if origin is dict:
        item = typing.get_args(hint)[1]
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: a table is expected")
        return {key: _convert(each, item, f"{where}.{key}", variables) for key, each in value.items()}
    if dataclasses.is_dataclass(hint):
        return _build(value, typing.cast(type, hint), where, variables)
    if hint in (str, Path):
        if not isinstance(value, str):
            raise ConfigError(f"{where}: a string is expected")
        return hint(_expand(value, where, variables))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str) and _VARIABLE.fullmatch(value):
        try:
            return float(_expand(value, where, variables))
        except ValueError as error:
            raise ConfigError(f"{where}: float is expected in {value}") from error
    if type(value) is not hint:
        raise ConfigError(f"{where}: {getattr(hint, '__name__', hint)} is expected")
    return value


def _expand(text: str, where: str, variables: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ConfigError(f"{where}: unknown variable ${{{match[1]}}}")
        return variables[match[1]]

    return _VARIABLE.sub(replace, text)
