"""`assay batch`: what became of each delivery, what was unlike the ones before it, and decisions on deliveries that were stopped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Annotated, Any

import typer

from jobs.cli.order import By, Overtake, Reason, lease, ordered
from jobs.cli.place import Place
from jobs.conf import ConfError
from jobs.lake.lake import Published
from jobs.lake.read import whole
from jobs.runner import Refused
from jobs.sources.acts import ACCEPTED, REJECTED, Row, decide, in_order, last_acts, open_stops
from jobs.sources.again import replace_batch, replaceable
from jobs.sources.arrival import tells_late
from jobs.sources.expectation import STOP, WARN, in_words
from jobs.sources.receive import FATES

commands = typer.Typer(no_args_is_help=True, help=__doc__)
BatchArgument = Annotated[str, typer.Argument(help="id from `assay batch list`; its beginning is enough")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(commands, name="batch")


@commands.command("list")
def list_(
    source: Annotated[str | None, typer.Option("--source", help="only this source")] = None,
    stopped: Annotated[bool, typer.Option("--stopped", help="only deliveries that were stopped and wait for a decision")] = False,
) -> None:
    """Every delivery with its last act, by source and receipt; deliveries that wait for a decision come first, with the reason."""
    acts = [a for a in whole(Place.there().lake.root, "batch").to_pylist() if source in (None, a["source"])]
    typer.echo(listing(acts, only_stopped=stopped))


def listing(acts: list[Row], only_stopped: bool = False) -> str:
    """Deliveries as text: those stopped with why, then all."""
    stops = open_stops(acts)
    lines = [f"STOPPED  {r['source']}, receipt {r['receipt']}, batch {r['batch_id']}: {r['note']}" for r in stops]
    if not only_stopped:
        last = sorted(last_acts(acts).values(), key=lambda r: (r["source"], r["receipt"], r["run"], r["batch_id"]))
        lines += [_line(r) for r in last]
    return "\n".join(lines) or "no delivery is stopped" if only_stopped else "\n".join(lines) or "nothing was received yet"


def _line(row: Row) -> str:
    counts = "  ".join(f"{row[f] or 0:>9,}" for f in ("received", *FATES))
    return f"{row['source']:<20} {row['receipt'] or 0:>5}  {row['batch_id']}  {row['kind'] or '':<8}  {row['act']:<8}  {counts}"


@commands.command()
def show(batch: BatchArgument) -> None:
    """One delivery: its acts with who and why, and each measure beside the deliveries before it."""
    root = Place.there().lake.root
    acts = [a for a in whole(root, "batch").to_pylist() if a["batch_id"].startswith(batch)]
    if len({a["batch_id"] for a in acts}) != 1:
        raise ConfError(f"{len({a['batch_id'] for a in acts})} batches have an id that begins with '{batch}'; `assay batch list` names them")
    found = [r for r in whole(root, "expectation").to_pylist() if r["batch_id"] == acts[0]["batch_id"]]
    typer.echo(described(acts, found))


def described(acts: list[Row], judged: Iterable[dict[str, Any]]) -> str:
    """Acts in order, then the measures: what was said last, the levels that were passed first."""
    first = acts[0]
    lines = [f"{first['source']}, receipt {first['receipt']}, batch {first['batch_id']}, received {first['received_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC, {', '.join(first['files'])}"]
    for act in in_order(acts):
        said = f" by {act['by']}" if act["by"] else ""
        lines.append(f"run {act['run']}: {act['act']}{said}{': ' + act['note'] if act['note'] else ''}")
    last = {(r["measure"], r["column"]): r for r in sorted(judged, key=lambda r: r["run"])}
    order = (STOP, WARN)
    lines += [f"{r['level']:<8} {in_words(r)}" for r in sorted(last.values(), key=lambda r: (r["level"] not in order, r["level"] != STOP, r["measure"], r["column"]))]
    return "\n".join(lines)


@commands.command()
def accept(batch: BatchArgument, by: By, reason: Reason) -> None:
    """A stopped delivery is right after all: the next ingest or night receives it, with its old receipt and day."""
    row = decide(Place.there().lake, batch, ACCEPTED, ordered(by, reason))
    typer.echo(f"{row['source']}, receipt {row['receipt']}: accepted; the next `assay ingest` or night receives it as of its own day")


@commands.command()
def reject(batch: BatchArgument, by: By, reason: Reason) -> None:
    """A stopped delivery is wrong: it stays out for good, and its agency must send another."""
    row = decide(Place.there().lake, batch, REJECTED, ordered(by, reason))
    typer.echo(f"{row['source']}, receipt {row['receipt']}: rejected; have {', '.join(row['files'])} sent again as a new delivery")


@commands.command()
def retire(batch: BatchArgument, by: By, reason: Reason, overtake: Overtake = False) -> None:
    """A delivery was received wrongly: nothing of it counts any more, for good unless `again` brings it back. Deliveries that held duplicates of its records are received again."""
    typer.echo(replaced(batch, by, reason, overtake, back=False))


@commands.command()
def again(batch: BatchArgument, by: By, reason: Reason, overtake: Overtake = False) -> None:
    """Retire a delivery and receive it again from its landed files under today's contract, with its old receipt and day."""
    typer.echo(replaced(batch, by, reason, overtake, back=True))


def replaced(batch: str, by: str, reason: str, overtake: bool, back: bool) -> str:
    """Retire, and receive again where asked; what was done, one line a batch."""
    order, place = ordered(by, reason), Place.there()
    force = place.lake.batches_in_force(place.lake.epoch())
    found = sorted(b for b in (replaceable(whole(place.lake.root, "batch").to_pylist(), force) if back else force) if b.startswith(batch))
    if len(found) != 1:
        raise Refused(f"{len(found)} batches {'that can be received again' if back else 'in force'} have an id that begins with '{batch}'; `assay batch list` names them")
    run = lease(place.lake, "again" if back else "retire", overtake)
    with place.runner() as runner:
        done = replace_batch(place.lake, runner.spark, place.conf, place.inbox, found[0], order, run, back)
    return "\n".join(_line(row) for row in [*done.retired, *done.received])


def went_without(root: str, run: int, since: int | None = None) -> list[str]:
    """What a run went without, one sentence each: deliveries that wait for a decision, and those received with a warning after run `since`."""
    acts = [a for a in whole(root, "batch").to_pylist() if a["run"] <= run]
    lines = [f"STOPPED: {r['source']}, receipt {r['receipt']} ({r['batch_id']}): {r['note']}; the state before it stays in force; `assay batch accept` or `reject`" for r in open_stops(acts)]
    warned: dict[tuple[str, int], list[str]] = {}
    for row in whole(root, "expectation").to_pylist():
        if row["level"] == WARN and (run - 1 if since is None else since) < row["run"] <= run:
            warned.setdefault((row["source"], row["receipt"]), []).append(in_words(row))
    return lines + [f"warning: {source}, receipt {receipt}: {'; '.join(dict.fromkeys(said))}" for (source, receipt), said in sorted(warned.items())]


def night_was_late(place: Place, night: Published) -> list[str]:
    """The sources that were late when a published night received, one sentence each."""
    return [line for line in place.remarks(night) if tells_late(line)]


def night_went_without(place: Place, night: Published) -> list[str]:
    """What a published night went without, with the warnings of all deliveries since the night before it."""
    before = max((n.run for n in place.lake.nights() if n.as_of < night.as_of), default=0)
    return went_without(place.lake.root, night.run, before)
