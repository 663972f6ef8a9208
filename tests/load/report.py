"""The bench's table, as text and as docs/performance.md."""

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class Row:
    """One case through one way: medians of the rounds."""

    case: str
    mode: str
    in_flight: int
    way: str
    requests: int
    errors: int
    error: str
    p50_us: float
    p99_us: float
    per_second: float
    tokens_per_second: float
    tokens_per_request: float
    first_us: float
    cpu_us: dict[str, float]
    token_ratios: list[float]


def machine() -> str:
    """Processor, cores and memory, in words."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = model[1] if model else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"


def measured_on() -> str:
    """The machine and the date, to stand above a table."""
    return f"{machine()}; {datetime.now(UTC):%Y-%m-%d}"


def render(rows: list[Row], idle_bytes: int) -> str:
    """The table of all hops, in Markdown, with the machine and the date."""
    head = (
        "| case | in flight | way | requests/s | p50 µs | p99 µs | runtime CPU µs/request "
        "| edge CPU µs/request | tokens/s | share of direct | runtime CPU µs/token | errors |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    lines = [f"{measured_on()}; idle stack {idle_bytes / 2**20:.0f} MiB", "", head]
    for row in rows:
        ratio = sorted(row.token_ratios)[len(row.token_ratios) // 2] if row.token_ratios else 0.0
        streamed = row.mode == "stream"
        runtime = row.cpu_us.get("runtime", 0.0)
        lines.append(
            f"| {row.case}, {row.mode} | {row.in_flight} | {row.way} | {row.per_second:,.0f} "
            f"| {row.p50_us:,.0f} | {row.p99_us:,.0f} | {runtime:,.0f} | {row.cpu_us.get('edge', 0):,.0f} "
            f"| {f'{row.tokens_per_second:,.0f}' if streamed else ''} | {f'{ratio:.2f}' if streamed else ''} "
            f"| {f'{runtime / max(row.tokens_per_request, 1):,.0f}' if streamed else ''} "
            f"| {row.errors}{' ' + row.error if row.errors else ''} |"
        )
    return "\n".join(lines)


def write(path: Path, tables: Mapping[str, str]) -> None:
    """Replace the tables between the marks of a document that bear their names."""
    text = path.read_text()
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        start = text.index(begin) + len(begin)
        text = f"{text[:start]}\n{table}\n{text[text.index(end) :]}"
    path.write_text(text)
