"""Pages of docs/ that are printed from contracts and registries, never written by hand."""

from __future__ import annotations

from pathlib import Path

from jobs import conf as configuration
from jobs.analyse.features import catalogue as features
from jobs.analyse.indicators import catalogue as indicators
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
    parts = ["# Sources", "", "Printed from `conf/sources/` by `assay docs`.", ""]
    for name, source in sorted(configuration.load().sources.items()):
        parts += [f"## {name}", "", f"{source.agency.en} ({source.agency.zh}) → `{source.table}`; {source.files.format}, {source.files.encoding}; {source.delivery}."]
        parts += [f"Owner: {source.owner}. Legal basis: {source.legal_basis}. Expected: `{source.expect.schedule}`, late after {source.expect.late_after}.", ""]
        parts += ["| column | from | type | purposes |", "|---|---|---|---|"]
        cells = {**source.columns, **{f"line {k}": v for k, v in (source.lines or {}).items()}}
        parts += [f"| {column} | {f.from_ or '= ' + str(f.constant)} | {f.type} | {', '.join(f.purposes)} |" for column, f in cells.items()]
        parts.append("")
    return "\n".join(parts)
