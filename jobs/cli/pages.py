"""Pages of docs/ that are printed from contracts and registries, never written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jobs import conf as configuration
from jobs.analyse.features import catalogue as features
from jobs.analyse.indicators import catalogue as indicators
from jobs.conf import Field_, Source
from jobs.lake.tables import TABLES, Table
from jobs.pipeline import STEPS


def write_pages(folder: Path) -> list[Path]:
    """Write every generated page into the folder; their paths."""
    pages = {"tables.md": tables_page(), "indicators.md": indicators(configuration.load()), "features.md": features(), "sources-catalogue.md": sources_page()}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages.items():
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")
        written.append(folder / name)
    return written


def tables_page() -> str:
    """The table catalogue, printed from jobs/lake/tables.py."""
    writers = {name: step.name for step in STEPS for name in step.outputs}
    parts = ["# Tables", "", "Printed from `jobs/lake/tables.py` by `assay docs`. Money is decimal(18,2); in additive tables int64 cents.", ""]
    for layer in dict.fromkeys(t.layer for t in TABLES.values()):
        parts += [f"## {layer}", ""]
        for contract in (t for t in TABLES.values() if t.layer == layer):
            parts += _table(contract, writers.get(contract.name, "ingest" if layer in ("version", "event", "quarantine") else "the runner"))
    return "\n".join(parts)


def _table(contract: Table, writer: str) -> list[str]:
    key = ", ".join(contract.key)
    bucket = f"; bucket of {contract.bucket_by}" if contract.bucket_by else ""
    rows = [f"| {c.name} | {c.type} | {c.unit or ''} | {c.meaning} |" for c in contract.columns]
    return [f"### {contract.name}", "", f"{contract.meaning} Written by `{writer}`. Key: {key}{bucket}.", "", "| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""]


def sources_page() -> str:
    """The contracts of conf/sources as a page."""
    conf = configuration.load()
    parts = ["# Sources", "", "Printed from `conf/sources/` by `assay docs`. Amounts without a unit are in the administration's currency; dates are local days.", ""]
    for name, source in sorted(conf.sources.items()):
        parts += [f"## {name}", "", f"{source.agency.en} ({source.agency.zh}) → `{source.table}`; {source.files.format}, {source.files.encoding}; {source.delivery}; revision {source.revision}."]
        parts += [f"Owner: {source.owner}. Legal basis: {source.legal_basis}. Kept: {source.retention or 'not stated'}. Expected: `{source.expect.schedule}`, late after {source.expect.late_after}."]
        parts += [f"Happened: `{source.event_at}`. Known, where it is history: `{source.known.from_}` and {source.known.delay_days} day(s). Versions: {_order(source)}.", ""]
        parts += ["| column | from | type | unit | codes and bounds | purposes |", "|---|---|---|---|---|---|", *(_field(n, f) for n, f in _fields(source)), ""]
    return "\n".join(parts)


def _order(source: Source) -> str:
    return f"`{source.version.from_}` ({source.version.type})" if source.version.from_ else "in the order of receipt" if source.delivery == "snapshot" else "none, or in the order of receipt"


def _fields(source: Source) -> Iterator[tuple[str, Field_]]:
    """Every field by the name the page gives it: column, line, stage.column or details.column."""
    yield from source.columns.items()
    yield from ((f"line {n}", f) for n, f in (source.lines or {}).items())
    for label, columns in [*((s, stage.columns) for s, stage in (source.stages or {}).items()), *(source.details or {}).items()]:
        yield from ((f"{label}.{n}", f) for n, f in columns.items())


def _field(name: str, f: Field_) -> str:
    unit = f"{f.unit}{f' (x {f.scale})' if f.scale != 1 else ''}" if f.unit else ""
    return f"| {name} | {f.from_ or '= ' + str(f.constant)} | {f.type} | {unit} | {_allowed(f)} | {', '.join(f.purposes)}{f' ({f.legal_basis})' if f.legal_basis else ''} |"


def _allowed(f: Field_) -> str:
    said = ["required"] if f.required else []
    said += ["check digit"] if f.check_digit else []
    said += [", ".join(k if k == v else f"{k} = {v}" for k, v in f.codes.items())] if f.codes else []
    said += [f"code table {f.code_table}"] if f.code_table else []
    said += [f"at least {f.min}"] if f.min is not None else []
    said += [f"at most {f.max}"] if f.max is not None else []
    return "; ".join(said)
