"""The difference analysis for people and for machines: text, CSV files, and one page. And the file of businesses it asks about."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jobs.conf.codes import CodeSystem, csv_rows, refuse
from jobs.sources.code_diff import BLOCKING, KINDS, Analysis, Dependency, Difference, Standing

_TABLES_SHOWN, _ROWS_SHOWN, _REASONS_SHOWN = 40, 60, 12


def read_dependencies(path: Path, old: CodeSystem) -> list[Dependency]:
    """The businesses of a CSV file (business, table; where known name, code) and the codes they use; no code: the whole table.

    CodesError by file and line, also for a table or code that the old system does not have.
    """
    faults: list[str] = []
    found = []
    if not path.is_file():
        faults.append(f"{path}: no such file; name the CSV of businesses with the columns business, table, name, code")
    else:
        for line, (business, table, name, code) in csv_rows(path, ("business", "table"), ("name", "code"), faults):
            if not business:
                faults.append(f"{path}:{line}: business must not be empty")
            elif table not in old.tables:
                faults.append(f"{path}:{line}: the old system has no table '{table}'")
            elif code and code not in old.tables[table]:
                faults.append(f"{path}:{line}: table {table} of the old system has no code '{code}'")
            else:
                found.append(Dependency(business, name, table, code))
    refuse(faults)
    return found


def as_text(found: Analysis, most: int = 20) -> str:
    """The analysis in lines: sizes, differences by kind, the tables with most that blocks, and the businesses that are blocked."""
    (tables, records), (new_tables, new_records) = found.sizes
    lines = [f"old {tables:,} tables, {records:,} records; new {new_tables:,} tables, {new_records:,} records"]
    lines += [f"tables gone: {_some(found.tables_gone)}"] if found.tables_gone else []
    lines += [f"tables added: {_some(found.tables_added)}"] if found.tables_added else []
    lines += ["", *(f"{'!' if kind in BLOCKING and n else ' '} {kind:<9}{n:>8,}  {KINDS[kind]}" for kind, n in found.counted().items())]
    worst = [(t, n) for t, n in _worst(found) if n]
    lines += ["", f"{len(worst)} table(s) with codes that block, the first {min(most, len(worst))}:", *(f"  {t:<20}{n:>6,}" for t, n in worst[:most])] if worst else []
    if found.businesses:
        blocked = [s for s in found.businesses if s.blocked_by]
        lines += ["", f"{len(found.businesses):,} businesses, {len(blocked):,} blocked"]
        lines += [f"  {s.business}  {s.name}: {reasons(s, 2)}" for s in blocked[:most]]
        lines += [f"  … and {len(blocked) - most:,} more" if len(blocked) > most else ""]
    return "\n".join(lines).rstrip()


def reasons(standing: Standing, most: int) -> str:
    """Why a business is blocked, the first few codes."""
    found = standing.reasons
    return "; ".join(" ".join(r) for r in found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def write_csv(found: Analysis, folder: Path) -> list[Path]:
    """differences.csv, tables.csv and businesses.csv in a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = found.depending
    differences = (
        (d.kind, "yes" if d.kind in BLOCKING else "", d.table, d.old, d.old_name, d.new, d.new_name, d.detail, d.hint, asked.get((d.table, d.old), 0) + asked.get((d.table, ""), 0))
        for d in found.differences
    )
    tables = ((t, *(kinds.get(k, 0) for k in KINDS)) for t, kinds in sorted(found.by_table().items()))
    businesses = ((s.business, s.name, s.codes, s.changed, "yes" if s.blocked_by else "", reasons(s, 1000)) for s in found.businesses)
    return [
        _write(folder / "differences.csv", ("kind", "blocks", "table", "old", "old_name", "new", "new_name", "detail", "hint", "businesses"), differences),
        _write(folder / "tables.csv", ("table", *KINDS), tables),
        _write(folder / "businesses.csv", ("business", "name", "codes", "changed", "blocked", "why"), businesses),
    ]


def write_page(found: Analysis, path: Path, title: str) -> Path:
    """The analysis as one page that needs nothing else."""
    house = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    by_table: dict[str, list[Difference]] = {}
    for d in found.differences:
        by_table.setdefault(d.table, []).append(d)
    order = [t for t, _ in _worst(found)]
    said: dict[str, Any] = {
        "title": title, "sizes": found.sizes, "kinds": KINDS, "blocking": BLOCKING, "counted": found.counted(), "gone": found.tables_gone, "added": found.tables_added,
        "businesses": found.businesses, "blocked": [s for s in found.businesses if s.blocked_by], "reasons_shown": _REASONS_SHOWN, "rows_shown": _ROWS_SHOWN,
        "tables": [(t, sorted(by_table[t], key=lambda d: d.kind not in BLOCKING)) for t in order[:_TABLES_SHOWN]], "more": max(0, len(order) - _TABLES_SHOWN),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(house.get_template("codes.html.j2").render(**said), encoding="utf-8")
    return path


def _worst(found: Analysis) -> list[tuple[str, int]]:
    """Tables with differences, those with most codes that block first."""
    counted = [(t, sum(n for k, n in kinds.items() if k in BLOCKING), sum(kinds.values())) for t, kinds in found.by_table().items()]
    return [(t, blocks) for t, blocks, _ in sorted(counted, key=lambda c: (-c[1], -c[2], c[0]))]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _write(path: Path, head: Iterable[str], rows: Iterator[tuple[Any, ...]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:  # with a mark, or spreadsheets take Chinese for something else
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(rows)
    return path
