"""Figures for people: tables, targets, pictures, and what changed since the last run."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path

from service.answers import Json
from service.documents import fill, table
from service.machine import told

KINDS = ["read", "list", "deep", "setup"]
# What runners send. Not on the ladder, whose databases have no results.
RESULTS = ["report", "bulk"]
TITLES = {
    "read": "READ by id",
    "list": "LIST, first 20",
    "deep": "LIST, 20 from the middle",
    "setup": "SETUP",
    "report": "REPORT of 24 values",
    "bulk": "REPORT of 10,000 values",
    "day": "a day of values of a job",
    "newest": "the next value of a job",
}


def samples(runs: list[Json], cell: str, value: str = "per_second") -> list[float]:
    """All that was measured of a cell, whichever run it was in."""
    return [amount for run in runs for amount in run["cells"].get(cell, {}).get(value, [])]


def median(runs: list[Json], cell: str, value: str = "per_second") -> float:
    """The median, or nothing where nothing was measured."""
    found = samples(runs, cell, value)
    return statistics.median(found) if found else float("nan")


def ratios(runs: list[Json], cell: str, base: str, value: str = "per_second") -> list[float]:
    """Of each round, one cell as a part of another in the same round: the machine's mood cancels out."""
    return [
        amount / reference
        for run in runs
        for amount, reference in zip(
            run["cells"].get(cell, {}).get(value, []), run["cells"].get(base, {}).get(value, []), strict=False
        )
    ]


def errors(runs: list[Json]) -> int:
    """How many requests got another answer than they should, or none."""
    return int(sum(sum(cell.get("errors", [])) for run in runs for cell in run["cells"].values()))


def _number(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _spread(values: list[float], form: Callable[[float], str] = _number) -> str:
    if not values:
        return "–"
    middle = form(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({form(min(values))}–{form(max(values))})"


def compared(runs: list[Json], databases: list[str], kinds: tuple[str, str]) -> list[list[str]]:
    """Of each database, from 16 and from 64 connections: two kinds of cells, and the second as a part of the first."""
    rows = []
    for database in databases:
        for connections in (16, 64):
            names = [f"{database} {kind} {connections}" for kind in kinds]
            share = _spread(ratios(runs, names[1], names[0]), _ratio)
            spreads = [_spread(samples(runs, name)) for name in names]
            rows.append([f"{database}, {connections} connections", *spreads, share])
    return rows


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _loads(runs: list[Json]) -> str:
    rows = []
    for kind in KINDS + RESULTS:
        limits = [amount for connections in (16, 64) for amount in samples(runs, f"postgres {kind} {connections}")]
        if not limits:
            continue
        rows.append([TITLES[kind], "pgbench, 8 clients", _spread(limits), "1", "", "", "", ""])
        for caller in ("HS256", "RS256", "ES256", "unchecked"):
            for connections in (16, 64):
                name = f"{kind} {caller} {connections}"
                if samples(runs, name):
                    limit = f"postgres {kind} {connections}"
                    rows.append(_row(runs, TITLES[kind], f"{caller}, {connections} connections", name, limit))
    head = ["request", "who", "per second", "share of pgbench", "p50 ms", "p99 ms", "batch", "processor µs"]
    return table(head, rows)


def _row(runs: list[Json], title: str, who: str, name: str, limit: str | None) -> list[str]:
    share = _spread(ratios(runs, name, limit), _ratio) if limit else ""
    values = [_number(median(runs, name, value)) for value in ("p50_ms", "p99_ms", "batch", "processor_us")]
    return [title, who, _spread(samples(runs, name)), share, *values]


def _sqlite(runs: list[Json]) -> str:
    rows = []
    for kind in KINDS:
        for connections in (1, 16, 64):
            name = f"sqlite {kind} {connections}"
            if samples(runs, name):
                rows.append(_row(runs, TITLES[kind], f"{connections} connections", name, None))
    return table(["request", "who", "per second", "", "p50 ms", "p99 ms", "batch", "processor µs"], rows)


def ladder_sizes(runs: list[Json]) -> list[int]:
    """The sizes of the databases on the ladder."""
    return sorted({int(name.split()[2]) for run in runs for name in run["cells"] if name.startswith("ladder ")})


def value_sizes(runs: list[Json]) -> list[int]:
    """The numbers of values among which few are read."""
    return sorted({int(name.split()[2]) for run in runs for name in run["cells"] if name.startswith("values ")})


def _values(runs: list[Json]) -> str:
    return _steps(runs, "values", ["day", "newest"], value_sizes(runs), "values")


def _ladder(runs: list[Json]) -> str:
    return _steps(runs, "ladder", KINDS, ladder_sizes(runs), "jobs")


def _steps(runs: list[Json], prefix: str, kinds: list[str], sizes: list[int], what: str) -> str:
    rows = []
    for kind in kinds:
        names = [f"{prefix} {kind} {size}" for size in sizes]
        slower = [1 / ratio for ratio in ratios(runs, names[-1], names[0])]
        rows.append([TITLES[kind], *(_spread(samples(runs, name)) for name in names), _spread(slower, _ratio)])
    head = ["request, 16 connections", *(f"{size:,} {what}" for size in sizes), "first step against last"]
    return table(head, rows)


# What, must, aim, what was reached, and whether both are met.
Target = tuple[str, str, str, float, bool, bool]


def targets(runs: list[Json]) -> list[Target]:
    """Each target of what these runs measured."""

    def at_least(what: str, must: float, aim: float, values: list[float]) -> Target:
        reached = statistics.median(values) if values else float("nan")
        return what, f"≥ {must}", f"≥ {aim}", reached, reached >= must, reached >= aim

    def at_most(what: str, must: float, aim: float, values: list[float]) -> Target:
        reached = statistics.median(values) if values else float("nan")
        return what, f"≤ {must}", f"≤ {aim}", reached, reached <= must, reached <= aim

    def share(kind: str, connections: int) -> list[float]:
        return ratios(runs, f"{kind} HS256 {connections}", f"postgres {kind} {connections}")

    p99 = samples(runs, "read HS256 16", "p99_ms")
    p50 = samples(runs, "read HS256 16", "p50_ms")
    found = [
        at_least("READ share, 16 connections", 0.5, 0.75, share("read", 16)),
        at_least("LIST share, 16 connections", 0.5, 1.0, share("list", 16)),
        at_least("LIST share, 64 connections", 0.5, 1.0, share("list", 64)),
        at_least("SETUP share, 16 connections", 0.6, 0.9, share("setup", 16)),
        at_least("SETUP share, 64 connections", 1.2, 1.8, share("setup", 64)),
        at_least("REPORT share, 24 values, 16 connections", 0.4, 0.6, share("report", 16)),
        at_least("REPORT share, 10,000 values, 16 connections", 0.4, 0.6, share("bulk", 16)),
        at_most("READ p99 / p50, 16 connections", 8, 4, [a / b for a, b in zip(p99, p50, strict=True)]),
    ]
    for caller in ("HS256", "RS256", "ES256"):
        both = [
            ratio
            for connections in (16, 64)
            for ratio in ratios(runs, f"read {caller} {connections}", f"read unchecked {connections}")
        ]
        found.append(at_least(f"READ with {caller} against no check", 0.93, 0.97, both))
    sizes = ladder_sizes(runs)
    for kind in ("list", "deep", "setup") if sizes else ():
        slower = [1 / ratio for ratio in ratios(runs, f"ladder {kind} {sizes[-1]}", f"ladder {kind} {sizes[0]}")]
        found.append(at_most(f"{TITLES[kind]}: {sizes[0]:,} jobs against {sizes[-1]:,}", 1.2, 1.1, slower))
    found.append(
        at_least("SQLite SETUP, 64 connections against 1", 4, 8, ratios(runs, "sqlite setup 64", "sqlite setup 1"))
    )
    values = value_sizes(runs)
    for kind in ("day", "newest") if len(values) > 1 else ():
        slower = [1 / ratio for ratio in ratios(runs, f"values {kind} {values[-1]}", f"values {kind} {values[0]}")]
        found.append(at_most(f"{TITLES[kind]}: {values[0]:,} values against {values[-1]:,}", 1.2, 1.1, slower))
    for name, must, aim in (
        ("READ p99 in an open loop", 5, 5),
        ("memory after the load", 40, 30),
        ("start to the first 200", 0.3, 0.1),
        ("purge of a million values", 60, 60),
        ("impact on 10,000 jobs", 0.2, 0.1),
        ("impact on 1,000,000 jobs", 3, 1),
        ("READ p99 during a purge against without", 2, 2),
        ("apply of 1,000", 3, 3),
        ("plan of 1,000", 3, 3),
        ("export of 1,000", 3, 3),
        ("prediction status", 50, 50),
    ):
        for figure in sorted({figure for run in runs for figure in run["figures"] if figure.startswith(name)}):
            found.append(
                at_most(figure, must, aim, [run["figures"][figure] for run in runs if figure in run["figures"]])
            )
    # What was not measured is no target of these runs.
    return [target for target in found if target[3] == target[3]]


def _purge(runs: list[Json]) -> str:
    rows = []
    for name in ("PostgreSQL", "SQLite"):
        figures = [
            f"purge of a million values, {name}, s",
            f"READ p99 without a purge, {name}, ms",
            f"READ p99 during a purge, {name}, ms",
            f"READ p99 during a purge against without, {name}",
        ]
        rows.append(
            [
                name,
                *(_spread([run["figures"][figure] for run in runs if figure in run["figures"]]) for figure in figures),
            ]
        )
    return table(["database", "seconds (must 60)", "READ p99 without, ms", "during, ms", "ratio (must 2)"], rows)


def _targets(runs: list[Json]) -> str:
    rows = []
    for what, must, aim, reached, is_met, is_aim_met in targets(runs):
        verdict = "aim" if is_aim_met else "must" if is_met else "**missed**"
        rows.append([what, must, aim, f"{reached:.3g}", verdict])
    return table(["figure", "must", "aim", "median", "reached"], rows)


def _conditions(runs: list[Json]) -> str:
    lines = []
    for run in runs:
        found = run["conditions"]
        lines.append(
            f"- {told(found)}; {found['jobs']:,} jobs, {found['rounds']} rounds, {found['seconds']} s each; "
            f"{errors([run])} failed requests."
        )
    return "\n".join(lines)


def _changes(runs: list[Json], before: Json) -> str:
    """What is different from the run before, where it is more than the rounds of a run differ among themselves."""
    rows = []
    for name in runs[0]["cells"]:
        new, old = samples(runs, name), samples([before], name)
        if old and (min(new) > max(old) or max(new) < min(old)):
            change = statistics.median(new) / statistics.median(old) - 1
            rows.append([name, _spread(old), _spread(new), f"{change:+.0%}"])
    at = before["conditions"]["at"][:16].replace("T", " ")
    if not rows:
        return f"Against the run of {at}: no figure is out of the range it had then."
    return f"Against the run of {at}, out of the range of then:\n\n" + table(["what", "then", "now", "change"], rows)


def tables(runs: list[Json], before: Json | None = None) -> str:
    """Everything, as Markdown."""
    parts = [_conditions(runs), _targets(runs)]
    if samples(runs, "postgres read 16"):
        parts += [_loads(runs), "SQLite, synchronous = FULL:", _sqlite(runs)]
    if ladder_sizes(runs):
        parts.append(_ladder(runs))
    if value_sizes(runs):
        parts.append(_values(runs))
    if before:
        parts.append(_changes(runs, before))
    return "\n\n".join(parts)


def publish(runs: list[Json], docs: Path) -> None:
    """Writes the tables into docs/performance.md, and the pictures beside it."""
    parts = {
        "conditions": _conditions(runs),
        "targets": _targets(runs),
        "loads": _loads(runs),
        "sqlite": _sqlite(runs),
        "ladder": _ladder(runs),
        "values": _values(runs),
        "purge": _purge(runs),
        "statements": "\n\n".join(
            f"{TITLES[kind]}:\n\n```sql\n{sql}\n```" for kind, sql in runs[-1]["statements"].items()
        ),
    }
    fill(docs / "performance.md", "bench", parts)
    folder = docs / "performance"
    folder.mkdir(exist_ok=True)
    (folder / "shares.svg").write_text(_picture_of_shares(runs))
    (folder / "ladder.svg").write_text(_picture_of_ladder(runs))
    (folder / "runs.json").write_text(json.dumps(runs, indent=1) + "\n")


STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.s{fill:#57606a;font-size:12px}"
    ".g{stroke:#d0d7de}.l{stroke:#24292f;stroke-dasharray:4 3}@media(prefers-color-scheme:dark){text{fill:#e6edf3}"
    ".s{fill:#9da7b3}.g{stroke:#3d444d}.l{stroke:#e6edf3}}</style>"
)
COLOURS = {
    "16": "#0969da",
    "64": "#54aeff",
    "read": "#0969da",
    "list": "#1a7f37",
    "deep": "#bf8700",
    "setup": "#cf222e",
}


def _svg(width: int, height: int, title: str, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{STYLE}" + "".join(parts) + "</svg>\n"
    )


def _picture_of_shares(runs: list[Json]) -> str:
    """Bars: what the service answers as a part of what PostgreSQL can do with the same statements."""
    left, scale_width, row = 180, 520, 26
    bars = [
        (TITLES[kind], connections, ratios(runs, f"{kind} HS256 {connections}", f"postgres {kind} {connections}"))
        for kind in KINDS
        for connections in ("16", "64")
    ]
    most = max(1.0, *(max(values) for _, _, values in bars if values)) * 1.05

    def place(share: float) -> float:
        return left + share / most * scale_width

    parts, y = [], 34
    for title, connections, values in bars:
        middle = statistics.median(values)
        if connections == "16":
            parts.append(f'<text x="{left - 8}" y="{y + row - 4}" text-anchor="end">{title}</text>')
        parts.append(
            f'<rect x="{left}" y="{y}" width="{place(middle) - left:.1f}" height="{row - 6}" rx="2" '
            f'fill="{COLOURS[connections]}"/>'
            f'<line class="l" style="stroke-dasharray:none" x1="{place(min(values)):.1f}" '
            f'x2="{place(max(values)):.1f}" y1="{y + row / 2 - 3}" y2="{y + row / 2 - 3}"/>'
            f'<text class="s" x="{place(max(values)) + 6:.1f}" y="{y + row - 11}">'
            f"{middle:.2f}, {connections} connections</text>"
        )
        y += row + (8 if connections == "64" else 0)
    limit = place(1)
    parts.append(f'<line class="l" x1="{limit:.1f}" x2="{limit:.1f}" y1="26" y2="{y}"/>')
    parts.append(
        f'<text class="s" x="{limit:.1f}" y="18" text-anchor="middle">pgbench, the same statement, 8 clients = 1</text>'
    )
    return _svg(
        left + scale_width + 170, y + 10, "Requests per second as a share of what PostgreSQL alone can do", parts
    )


def _picture_of_ladder(runs: list[Json]) -> str:
    """Lines: requests per second by the number of jobs, each kind relative to the smallest database."""
    sizes = ladder_sizes(runs)
    left, top, width, height, most = 60, 30, 520, 220, 1.4

    def x(index: int) -> float:
        return left + index / max(1, len(sizes) - 1) * width

    def y(value: float) -> float:
        return top + height - min(value, most) / most * height

    parts = [f'<text class="s" x="{left}" y="18">requests per second, relative to {sizes[0]:,} jobs</text>']
    for mark in (0, 0.25, 0.5, 0.75, 1, 1.25):
        parts.append(f'<line class="g" x1="{left}" x2="{left + width}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>')
        parts.append(f'<text class="s" x="{left - 8}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark}</text>')
    for index, size in enumerate(sizes):
        parts.append(
            f'<text class="s" x="{x(index):.1f}" y="{top + height + 20}" text-anchor="middle">{size:,} jobs</text>'
        )
    for number, kind in enumerate(KINDS):
        values = [
            statistics.median(ratios(runs, f"ladder {kind} {size}", f"ladder {kind} {sizes[0]}")) for size in sizes
        ]
        points = " ".join(f"{x(index):.1f},{y(value):.1f}" for index, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[kind]}" stroke-width="2"/>')
        parts.append(f'<circle cx="{left + width + 20}" cy="{top + 20 + number * 22}" r="5" fill="{COLOURS[kind]}"/>')
        parts.append(
            f'<text x="{left + width + 32}" y="{top + 24 + number * 22}">{TITLES[kind]} ({values[-1]:.2f})</text>'
        )
    return _svg(left + width + 250, top + height + 34, "Requests per second from small to large databases", parts)
