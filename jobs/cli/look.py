"""Commands that look at what is there: profile, replay, docs."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from jobs.cli.pages import write_pages
from jobs.cli.place import Place
from jobs.conf import Conf
from jobs.lake.lake import Published
from jobs.lake.read import whole
from jobs.lake.step import ModelRef, Night
from jobs.lake.tables import TABLES, table
from jobs.rehearsal import rehearsal
from jobs.respond.profile import UnknownTaxpayer, log_view
from jobs.respond.profile import profile as profile_of
from jobs.respond.profile_page import profile_html
from jobs.runner import Refused, Runner

AsOf = Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="date of a published night")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (profile, replay, docs):
        app.command()(command)


def known_tables(place: Place, night: Published) -> dict[str, pa.Table]:
    """Every table as the published night saw it."""
    return {name: place.known(night, name) for name, contract in TABLES.items() if contract.layer not in ("control", "quarantine")}


def profile(
    taxpayer: str,
    as_of: AsOf,
    out: Annotated[Path | None, typer.Option(help="file to write; .html or .json; default: JSON on standard output")] = None,
) -> None:
    """Everything known about one taxpayer (一户式), each fact with its source and date; the view goes on the audit trail."""
    place = Place.there()
    night = place.published(as_of.date())
    try:
        found = profile_of(known_tables(place, night), taxpayer, night.as_of)
    except UnknownTaxpayer as fault:
        raise Refused(str(fault)) from None
    with place.store() as store:
        log_view(store, getpass.getuser(), taxpayer, f"assay profile --as-of {night.as_of}")
    text = profile_html(found, place.conf) if out and out.suffix == ".html" else json.dumps(found, ensure_ascii=False, indent=1, default=str)
    if out is None:
        typer.echo(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}")


def replay(as_of: AsOf) -> None:
    """Compute a published night again from the tables and compare it row by row. Exit 3 when anything differs."""
    place = Place.there()
    night = place.published(as_of.date())
    with place.runner() as runner:
        differences = replayed(place, runner, night)
    if differences:
        raise Refused(f"the night of {night.as_of} replays differently in: {', '.join(differences)}")
    typer.echo(f"the night of {night.as_of} replays to the last digit")


def replayed(place: Place, runner: Runner, night: Published) -> list[str]:
    """Tables in which a replay of the night differs from what was published."""
    begin = next(r for r in whole(place.lake.root, "run").to_pylist() if r["run"] == night.run and r["step"] == "begin")
    archived = Path(place.lake.root) / "conf" / f"{begin['conf_digest']}.json"
    conf = Conf.model_validate_json(archived.read_text(encoding="utf-8"))
    model = json.loads(begin["note"])["model"]
    previous = place.lake.night_before(night.as_of)
    again = Night(night.as_of, night.run, conf, begin["run_id"], night.revision, begin["seed"], previous, ModelRef(**model) if model else None)
    with rehearsal(runner) as stage:
        found = stage.rehearse(again, runner.nightly_steps)
        return [name for name, rows in found.items() if not same_rows(rows, place.read(night, name), table(name).key)]


def same_rows(left: pa.Table, right: pa.Table, key: tuple[str, ...]) -> bool:
    """Equal as sets of rows, whatever their order."""
    if left.num_rows != right.num_rows or set(left.column_names) != set(right.column_names):
        return False
    order = [(k, "ascending") for k in key]
    return bool(left.select(sorted(left.column_names)).sort_by(order).equals(right.select(sorted(left.column_names)).sort_by(order)))


def docs(out: Annotated[Path, typer.Option(help="folder of the pages")] = Path("docs")) -> None:
    """Print the generated pages anew: tables, indicators, features, sources."""
    for path in write_pages(out):
        typer.echo(f"wrote {path}")
