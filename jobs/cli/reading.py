"""`assay read`: any files of a standard that Assay knows, without contract, lake or Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.place import must_have_parent
from jobs.sources.reading import read_files


def add_to(app: typer.Typer) -> None:
    """Register this file's command."""
    app.command()(read)


def read(
    files: Annotated[list[Path], typer.Argument(help="files, folders, ZIP archives", metavar="FILE…")],
    out: Annotated[Path, typer.Option("--out", help="folder for invoice.parquet, the other tables, files.csv and refused.csv")],
) -> None:
    """Read e-invoices and audit files of any known standard (UBL, CII, FatturaPA, CFDI, OFD, SAF-T, JPK) into canonical tables.

    Exit 3 when every file was refused.
    """
    if gone := [p for p in files if not p.exists()]:
        raise typer.BadParameter(f"{gone[0]}: no such file or folder")
    if out.is_file():
        raise typer.BadParameter(f"--out {out}: is a file; name a folder")
    must_have_parent(out.resolve(), "--out")
    found = read_files(files, out)
    if not found.files:
        raise typer.BadParameter(f"{files[0]}: the folder holds no file")
    typer.echo("\n".join(found.lines()))
    for table, rows in sorted(found.tables.items()):
        typer.echo(f"wrote {out / table}.parquet: {rows:,} rows")
    refused = sum(c.refused for c in found.files)
    if refused:
        typer.echo(f"why {refused} were refused, where and what to do: {out / 'refused.csv'}")
    if not any(c.fate == "read" for c in found.files):
        raise typer.Exit(3)
