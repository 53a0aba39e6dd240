"""The command that says where a number comes from."""

from __future__ import annotations

import csv
import getpass
import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.analyse.features import FEATURES
from jobs.cli.place import Place
from jobs.lineage.cells import NotTraced
from jobs.lineage.figures import FIGURES
from jobs.lineage.known import Known, nights_until
from jobs.lineage.page import trace_html
from jobs.lineage.trace import NothingToTrace, Trace, Withheld, trace_indicator, trace_point
from jobs.lineage.words import LINE_COLUMNS, as_rows, as_text, as_values
from jobs.respond.profile import log_view
from jobs.runner import Refused


def add_to(app: typer.Typer) -> None:
    """Register this file's command."""
    app.command()(trace)


def trace(
    taxpayer: str,
    as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="date of a published night")],
    point: Annotated[str | None, typer.Option(help="risk point; default: the taxpayer's largest")] = None,
    reason: Annotated[int | None, typer.Option(min=1, help="the reason of this number on the list")] = None,
    indicator: Annotated[str | None, typer.Option(help="an indicator instead of a point, hit or not")] = None,
    period: Annotated[str | None, typer.Option(help="with --indicator: first and last day, as 2025-10-01..2025-12-31")] = None,
    column: Annotated[str | None, typer.Option(help=f"one figure only: {', '.join(FIGURES)}")] = None,
    lines: Annotated[int, typer.Option(min=0, help="how many lines of each cell to show")] = 5,
    html: Annotated[Path | None, typer.Option(help="write a page for inspectors instead")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON instead")] = False,
    everything: Annotated[Path | None, typer.Option("--all", help="write every line behind the figures to this CSV file")] = None,
) -> None:
    """Where a figure of a published list comes from: back through indicator, month tables and silver rows to lines of files, each sum counted again.

    Exit 2 when there is no such taxpayer, date, point or indicator; 3 when a figure does not come out as it stands.
    """
    if column is not None and column not in FIGURES:
        raise typer.BadParameter(f"no figure '{column}'; figures: {', '.join(FIGURES)}")
    place = Place.there()
    try:
        found = traced(place, taxpayer, as_of.date(), point, reason, indicator, period, FIGURES if column is None else (column,))
    except (NothingToTrace, NotTraced, LookupError) as fault:
        raise typer.BadParameter(str(fault)) from None
    except Withheld as fault:
        raise Refused(str(fault)) from None
    with place.store() as store:
        log_view(store, getpass.getuser(), taxpayer, f"assay trace --as-of {found.as_of}")
    if everything is not None:
        write_lines(found, everything)
        typer.echo(f"wrote {everything}", err=True)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(trace_html(found, place.conf, lines), encoding="utf-8")
        typer.echo(f"wrote {html}")
    else:
        typer.echo(json.dumps(as_values(found), ensure_ascii=False, indent=1) if as_json else as_text(found, lines))
    if found.faults:
        raise Refused("not everything comes out as it stands:\n  " + "\n  ".join(found.faults))


def traced(place: Place, taxpayer: str, as_of: date, point: str | None, reason: int | None, indicator: str | None, period: str | None, columns: tuple[str, ...] = FIGURES) -> Trace:
    """The trace that was asked for. NothingToTrace when there is no such night, reason or what it names."""
    nights = nights_until(place.lake, as_of)
    if not nights or nights[-1].night.as_of != as_of:
        there = ", ".join(str(n.as_of) for n in place.lake.nights()) or "none"
        raise NothingToTrace(f"no night of {as_of} is published; published: {there}")
    span = _span(period)
    if reason is not None:
        point, indicator, span = named_by(nights[-1], taxpayer, reason)
    if indicator is not None:
        return trace_indicator(nights[-1], place.inbox, taxpayer, indicator, span, columns)
    return trace_point(nights, place.inbox, taxpayer, point, columns)


def named_by(known: Known, taxpayer: str, ordinal: int) -> tuple[str | None, str | None, tuple[date, date] | None]:
    """The point, or indicator and period, that a reason on the list names. NothingToTrace when it names neither."""
    rows = known.rows("reason", "taxpayer_id", [taxpayer]).to_pylist()
    row = next((r for r in rows if r["ordinal"] == ordinal), None)
    if row is None:
        raise NothingToTrace(f"taxpayer {taxpayer} has no reason {ordinal} on {known.night.as_of}; it has {len(rows)}")
    numbers = json.loads(row["numbers"])
    if row["point_id"]:
        return row["point_id"], None, None
    if row["kind"] == "indicator":
        return None, numbers["indicator"], (date.fromisoformat(numbers["period_from"]), date.fromisoformat(numbers["period_to"]))
    raise NothingToTrace(f"reason {ordinal} names no point and no indicator{_counted_from(row['code']) if row['kind'] == 'feature' else ': the case is a comprehensive one'}")


def _counted_from(name: str) -> str:
    """What a feature is and which silver columns it rests on: `assay profile` shows those of a taxpayer."""
    found = next((f for f in FEATURES if f.name == name), None)
    if found is None:
        return f": it is '{name}', which the rules give the model"
    window = f" over {found.window} months" if found.window else ""
    return f": it is the feature '{name}' ({found.meaning}){window}, counted from {', '.join(found.inputs) or 'earlier nights'}; `assay profile` has these of the taxpayer, each with file and line"


def write_lines(found: Trace, path: Path) -> None:
    """Every line behind the figures as CSV, ready for a spreadsheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(LINE_COLUMNS)
        rows.writerows(as_rows(found))


def _span(text: str | None) -> tuple[date, date] | None:
    if text is None:
        return None
    first, _, last = text.partition("..")
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise typer.BadParameter(f"--period {text}: give first and last day, as 2025-10-01..2025-12-31") from None
