"""Code tables: what differs between two systems."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.place import must_have_parent
from jobs.conf.codes import read_system
from jobs.sources.code_diff import compare
from jobs.sources.code_report import as_text, read_dependencies, write_csv, write_page

commands = typer.Typer(no_args_is_help=True, help=__doc__)


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(commands, name="codes")


@commands.callback()
def codes() -> None:
    """Code tables: what differs between two systems."""


@commands.command()
def diff(
    old: Annotated[Path, typer.Argument(help="folder of the old system: CSV files with table, code, name, valid_from, valid_to, parent")],
    new: Annotated[Path, typer.Argument(help="folder of the new system")],
    mapping: Annotated[Path | None, typer.Option(help="CSV with table, old, new; default: mapping.csv of the new system")] = None,
    businesses: Annotated[Path | None, typer.Option(help="CSV with business, name, table, code: who depends on which codes; no code: the whole table")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="look only at old codes valid on this day; default: at all")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for differences.csv, tables.csv and businesses.csv")] = None,
    html: Annotated[bool, typer.Option("--html", help="also write report.html there")] = False,
) -> None:
    """What differs between the code tables of two systems, and which businesses cannot move before somebody decides."""
    if html and out is None:
        raise typer.BadParameter("--html needs --out, the folder to write report.html to")
    if out is not None:
        if out.is_file():
            raise typer.BadParameter(f"--out {out}: is a file; name a folder")
        must_have_parent(out.resolve(), "--out")
    before, after = read_system(old), read_system(new, mapping)
    asked = read_dependencies(businesses, before) if businesses else []
    found = compare(before, after, asked, on.date() if on else None)
    typer.echo(as_text(found))
    if out is not None:
        written = write_csv(found, out)
        written += [write_page(found, out / "report.html", f"{old.name} and {new.name}")] if html else []
        typer.echo("\n" + "\n".join(f"wrote {path}" for path in written))
