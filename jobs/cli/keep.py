"""Commands that keep a lake well: upkeep, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.place import Place
from jobs.lake.examine import Finding, examine
from jobs.lake.read import data_files
from jobs.lake.seal import tables_there
from jobs.lake.upkeep import GRACE_HOURS, RETENTION_DAYS
from jobs.lake.upkeep import upkeep as look_after
from jobs.runner import Refused


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (upkeep, doctor):
        app.command()(command)


def upkeep(
    days: Annotated[int, typer.Option(min=1, help="published nights of so many days stay readable at their versions; older ones are replayed from the newest")] = RETENTION_DAYS,
    hours: Annotated[int, typer.Option(min=1, help="files of no version are left alone for so many hours")] = GRACE_HOURS,
) -> None:
    """Merge small files, write checkpoints, delete what no reader may ask for any more. Refused while a night is being staged (exit 3)."""
    place = Place.there()
    if (staged := place.lake.staging()) and any("is being staged" in f.what for f in examine(place.lake, deep=False)):
        raise Refused(f"the night of {staged} is being staged and upkeep would take its lease; let it end, or start it again afterwards")
    done = look_after(place.lake, place.lake.take_lease("upkeep"), hours=hours, days=days)
    for one in done:
        marked = ", checkpoint" if one.checkpoint else ""
        typer.echo(f"{one.name:<22} {one.merged:>6,} files merged into {one.came:,}, {one.deleted:,} deleted{marked}")
    typer.echo(f"{len(done)} table(s) looked after; the log is sealed")


def doctor(
    deep: Annotated[bool, typer.Option(help="hold every byte of every file against its digest; without, sizes and footers alone")] = True,
) -> None:
    """Is the lake whole? Batches, nights, lease, logs, checkpoints, contracts, files, small files; each finding with its remedy. Exit 3 on a fault."""
    place = Place.there()
    for name in tables_there(place.lake.root):
        typer.echo(size_of(place, name))
    found = examine(place.lake, deep)
    for finding in found:
        typer.echo(str(finding), err=finding.fault)
    if faults := [f for f in found if f.fault]:
        raise Refused(f"{len(faults)} fault(s) found")
    typer.echo("no fault: every batch is conserved, every published night can be read, every file is as it was written")


def size_of(place: Place, name: str) -> str:
    """A table in a line: rows, files, small files, megabytes."""
    try:
        files = data_files(place.lake.root, name)
    except Exception as fault:  # a broken table is a finding, not the end of the report
        return f"{name:<22} cannot be read ({type(fault).__name__})"
    loose = sum(f.loose for f in files)
    return f"{name:<22} {sum(f.rows for f in files):>13,} rows {len(files):>7,} files ({loose:,} as written) {sum(f.size for f in files) / 1e6:>9,.1f} MB"


def ailments(place: Place) -> list[Finding]:
    """The faults of a lake; none when it is whole."""
    return [f for f in examine(place.lake) if f.fault]
