"""Commands that keep a lake well: upkeep, doctor, backup, restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.place import Place
from jobs.lake.backup import backup as copy_lake
from jobs.lake.backup import restore as restore_lake
from jobs.lake.examine import Finding, examine
from jobs.lake.read import data_files
from jobs.lake.seal import tables_there
from jobs.lake.upkeep import GRACE_HOURS, RETENTION_DAYS
from jobs.lake.upkeep import upkeep as look_after
from jobs.lake.write import LakeError
from jobs.runner import Refused


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (upkeep, doctor, backup, restore):
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


def backup(folder: Annotated[Path, typer.Argument(help="folder of the back-up; an earlier one there is brought up to date")]) -> None:
    """Lake, case store and model registry into a folder, as one consistent whole, while others go on. A case store or registry on a server is backed up there."""
    place = Place.there()
    left_out = keep_databases(place, folder)
    done = copy_lake(place.lake, folder / "lake")
    typer.echo(f"{done.tables} tables, {done.files:,} files ({done.new:,} new), {done.size / 1e6:,.1f} MB of rows")
    for what in left_out:
        typer.echo(f"not in the back-up: {what}")


def keep_databases(place: Place, folder: Path) -> list[str]:
    """Copy the case store and the registry, which come before the lake: a hand-over that only the store knows is repeated, one that only the lake knows is lost."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = []
    for name, url in databases(place).items():
        if not url.startswith("sqlite:///"):
            left_out.append(f"{name}, which is on a server; use its own tools")
        elif (file := Path(url.removeprefix("sqlite:///"))).is_file():
            online_copy(file, folder / f"{name}.sqlite")
    models = models_of(place)
    if models.is_dir():
        shutil.copytree(models, folder / "models", dirs_exist_ok=True)
    return left_out


def databases(place: Place) -> dict[str, str]:
    """The case store and the registry, by name."""
    return {"cases": place.cases, "registry": place.registry}


def models_of(place: Place) -> Path:
    """Where the registry keeps its files when it is SQLite: beside it."""
    return Path(place.registry.removeprefix("sqlite:///")).parent / "models"


def online_copy(source: Path, target: Path) -> None:
    """A consistent copy of an SQLite file that others may be writing to."""
    draft = target.with_name(f".{target.name}")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(draft)) as there:
        here.backup(there)
        if (said := there.execute("pragma integrity_check").fetchone()[0]) != "ok":
            raise LakeError(f"{source}: the copy is not whole ({said}); repair the database and back up again")
    draft.replace(target)


def restore(folder: Annotated[Path, typer.Argument(help="folder of a back-up")]) -> None:
    """Put a back-up into ASSAY_LAKE, with case store and registry beside it; nothing that is there is written over (exit 3). Then `assay doctor`."""
    root = Path(os.environ.get("ASSAY_LAKE", "lake")).resolve()
    if not (folder / "lake").is_dir():
        raise FileNotFoundError(f"{folder}: holds no back-up; name the folder that `assay backup` was given")
    restore_lake(folder / "lake", root)
    place = Place.there(root)
    for name, url in databases(place).items():
        kept, target = folder / f"{name}.sqlite", Path(url.removeprefix("sqlite:///"))
        if kept.is_file() and url.startswith("sqlite:///"):
            if target.exists():
                raise Refused(f"{target}: is there already and was not written over; move it away and copy {kept} to its place")
            shutil.copy2(kept, target)
    if (folder / "models").is_dir():
        shutil.copytree(folder / "models", models_of(place), dirs_exist_ok=True)
    if faults := ailments(place):
        raise Refused(f"restored, but {len(faults)} fault(s) found, such as: {faults[0]}")
    typer.echo(f"restored into {root}: {len(place.lake.nights())} published night(s), no fault")


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
