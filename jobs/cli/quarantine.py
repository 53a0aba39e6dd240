"""`assay quarantine`: what was refused, what one row is about, and its release after a fix."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from jobs.cli.order import By, Overtake, Reason, lease, ordered
from jobs.cli.place import Place
from jobs.conf import ConfError
from jobs.lake.lake import now
from jobs.lake.read import whole
from jobs.lake.step import Kind, Night, Step
from jobs.lineage.observe import observed, versions
from jobs.runner import Refused
from jobs.sources.check import Receipt
from jobs.sources.quarantine import Row, Which, counts, row_id, shown, today, waiting, why
from jobs.sources.release import Released, delivery_of, received_act
from jobs.sources.release import release as released

SourceName = Annotated[str | None, typer.Option("--source", help="only this source")]
BatchId = Annotated[str | None, typer.Option("--batch", help="only this batch; the beginning of its id is enough")]
Rule = Annotated[str | None, typer.Option("--rule", help="only rows that break this rule, such as money:amount or money")]
Since = Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="only deliveries received on or after this date (UTC)")]

commands = typer.Typer(no_args_is_help=False, help=__doc__)


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(commands, name="quarantine")


@commands.callback(invoke_without_command=True)
def quarantine(context: typer.Context) -> None:
    """What was refused: list it, show one row, release rows after a contract was mended."""
    if context.invoked_subcommand is None:
        list_()


@commands.command("list")
def list_(
    source: SourceName = None,
    batch: BatchId = None,
    rule: Rule = None,
    since: Since = None,
    most: Annotated[int, typer.Option(min=0, help="how many rows to name after the counts")] = 20,
) -> None:
    """How many rows wait in quarantine by source, batch and rule, then the first of them by id."""
    place = Place.there()
    rows = waiting(place.lake, Which(source, batch, rule, since.date() if since else None))
    typer.echo(listing(rows, place, most))


def listing(rows: list[Row], place: Place, most: int) -> str:
    """Counts, then rows: id, source, file and line, rules, reason with its remedy."""
    lines = [f"{source:<20} {batch}  {n:>8,}  {rule}" for source, batch, rule, n in counts(rows)]
    for row in rows[:most]:
        reason = why(row, place.conf.sources.get(row["source"]))
        lines.append(f"{row['id']}  {row['source']} {row['file']}:{row['line']}  {', '.join(row['rules'])}\n            {reason}")
    more = f", the first {most} named" if 0 < most < len(rows) else ""
    return "\n".join([*lines, f"{len(rows)} row(s) in quarantine{more}"])


@commands.command()
def show(row: Annotated[str, typer.Argument(help="id from `assay quarantine list`; its beginning is enough")]) -> None:
    """One row: where it stands, what it says, the rules it broke and the remedy, and what today's contract says of it."""
    place = Place.there()
    found = [r for r in waiting(place.lake) if r["id"].startswith(row)]
    if len(found) != 1:
        raise ConfError(f"{len(found)} rows in quarantine have an id that begins with '{row}'; `assay quarantine list` names them")
    typer.echo(described(found[0], place))


def described(row: Row, place: Place) -> str:
    """A quarantine row in words. Cells whose purposes do not include `risk` are hidden."""
    source = place.conf.sources.get(row["source"])
    acts = whole(place.lake.root, "batch").to_pylist()
    delivery = delivery_of(acts, received_act(acts, row["batch_id"]), place.conf, place.inbox, [])
    now = today(row, place.conf, place.inbox, Receipt(delivery.day, delivery.kind == "history"))
    if now is None:
        verdict = f"contract or file is not there any more ({place.inbox / row['source'] / row['file']})"
    elif not now.there:
        verdict = "the line is no record any more; a release takes it out"
    elif now.rules:
        verdict = f"still breaks {', '.join(now.rules)}: {why({'rules': now.rules, 'reason': now.reason}, source)}"
    else:
        verdict = f"would pass: `assay quarantine release --batch {row['batch_id']} --by NAME --reason TEXT`"
    return "\n".join([
        f"{row_id(row)}  {row['source']}, batch {row['batch_id']}, received {row['received_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        f"place    {row['file']}:{row['line']}", f"rules    {', '.join(row['rules'])}", f"reason   {why(row, source)}",
        *(f"record   {line}" for line in shown(row, source, now.cells if now else {})), f"today    {verdict}",
    ])  # fmt: skip


@commands.command()
def release(
    by: By,
    reason: Reason,
    source: SourceName = None,
    batch: BatchId = None,
    rule: Rule = None,
    since: Since = None,
    overtake: Overtake = False,
) -> None:
    """After a fix: check rows again under today's contract and receive those that pass, known from the day they were first received. Exit 3 when none does."""
    order = ordered(by, reason)
    place = Place.there()
    which = Which(source, batch, rule, since.date() if since else None)
    if not waiting(place.lake, which):
        raise Refused("no row in quarantine is meant; `assay quarantine list` counts those there are")
    run = lease(place.lake, "release", overtake)
    told = Night(now().date(), run, place.conf, f"release-{run}", seed=place.conf.house.seed)
    with place.runner() as runner, observed(place.lake.root, told, Step("release", "sources", Kind.INGEST, released), versions(place.lake.root)):
        found = released(place.lake, runner.spark, place.conf, place.inbox, which, order, run)
    typer.echo(outcome(found))
    if not found.rows:
        raise Refused("nothing may be released: no row passes today's contract; `assay quarantine show ID` says why")


def outcome(found: Released) -> str:
    """What a release came to, one line a batch."""
    lines = [
        f"{r['source']}, receipt {r['receipt']}: batch {r['batch_id']} out of {r['out_of']}: {r['received']} received = {r['accepted']} accepted + "
        f"{r['superseded']} superseded + {r['duplicate']} duplicate + {r['quarantined']} quarantined"
        for r in found.rows
    ]
    lines += [f"{batch}: left alone: {said}" for batch, said in found.left.items()]
    return "\n".join([*lines, f"{found.taken} row(s) released, {found.stay} stay in quarantine"])
