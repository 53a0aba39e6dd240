"""Commands of the loop: ingest, nightly, approve, train, evaluate, lists, feedback."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.batch import went_without
from jobs.cli.place import Place
from jobs.lake.lake import now
from jobs.lake.read import data_files, read_files
from jobs.lake.step import Kind, Night
from jobs.lake.tables import table
from jobs.lineage.observe import observed, versions
from jobs.pipeline import STEPS
from jobs.rank.train import Trained
from jobs.rank.train import train as learn
from jobs.rehearsal import backfill, rehearsal
from jobs.respond.deliver import deliver
from jobs.respond.export import export_events
from jobs.respond.feedback import apply_feedback
from jobs.respond.returned_list import import_list
from jobs.runner import Refused, Runner
from jobs.sources.conservation import conservation

MOST_REFUSED = 10
LEARNED_FROM = ("risk_point", "feature", "score")
AsOf = Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="the date the run pretends to be")]
Out = Annotated[Path, typer.Option("--out", help="folder for what is written")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (ingest, nightly, approve, train, lists, feedback):
        app.command()(command)


def ingest(inbox: Path, as_of: AsOf) -> None:
    """Files in INBOX/<source>/ into bronze, then silver or quarantine; prints the conservation table."""
    if not inbox.is_dir():
        raise FileNotFoundError(f"{inbox}: no such folder; name one with a folder per source in it")
    place = Place.here(inbox=inbox)
    with place.runner() as runner:
        run = place.lake.take_lease("ingest")
        night = Night(as_of.date(), run, place.conf, f"ingest-{run}", seed=place.conf.house.seed)
        step = next(s for s in STEPS if s.kind is Kind.INGEST)
        with observed(place.lake.root, night, step, versions(place.lake.root)):
            step.run(place.lake, runner.spark, night, inbox)
    typer.echo("\n".join([conservation(place.lake, run), *went_without(place.lake.root, run)]))


def nightly(
    as_of: AsOf,
    room: Annotated[str | None, typer.Option(help="run one room of the night that is being staged")] = None,
    revise: Annotated[bool, typer.Option(help="publish a published date again, as its next revision")] = False,
    dry_run: Annotated[bool, typer.Option(help="run the steps after ingest on what is there, and write nothing")] = False,
    explain: Annotated[bool, typer.Option(help="print the steps, what each reads and writes")] = False,
) -> None:
    """The whole loop for one date: ingest, link, analyse, rank, respond, evaluate; then publish."""
    if explain:
        typer.echo(explained())
        return
    place = Place.here() if room in (None, STEPS[0].room) and not dry_run else Place.there()
    with place.runner() as runner:
        if room and room not in runner.rooms:
            raise typer.BadParameter(f"no room '{room}'; rooms: {', '.join(runner.rooms)}")
        if dry_run:
            typer.echo(rehearsed(runner, as_of.date()))
            return
        run_night(runner, as_of.date(), room, revise)
    typer.echo("\n".join([timings(runner), *went_without(place.lake.root, place.lake.epoch())]))


def run_night(runner: Runner, as_of: date, room: str | None = None, revise: bool = False) -> None:
    """One night, or one room of it; published when the last room has run."""
    if room is None or room == runner.rooms[0]:
        night = runner.begin(as_of, revise)
    else:
        night = runner.resume(as_of)
    runner.run(night, None if room is None else [room])
    if room is None or room == runner.rooms[-1]:
        runner.publish(night)


def rehearsed(runner: Runner, as_of: date) -> str:
    """Rows each step after ingest would write for the date."""
    run = runner.lake.epoch()
    previous = runner.lake.night_before(as_of)
    night = Night(as_of, run, runner.conf, f"dry-run-{as_of}", seed=runner.conf.house.seed, previous=previous, model=runner.champion)
    with rehearsal(runner) as stage:
        found = stage.rehearse(night, runner.nightly_steps)
    return "\n".join(f"{name:<18} {rows.num_rows:>9,} rows" for name, rows in found.items())


def explained() -> str:
    """The pipeline as text: room, step, kind, what it reads and writes."""
    lines = []
    for step in STEPS:
        takes = [f"{slot}: {', '.join(names)}" for slot in ("reads", "versions", "changes", "previous", "history") if (names := getattr(step, slot))]
        lines.append(f"{step.room:<9} {step.name:<18} {step.kind.value:<8} {'; '.join(takes) or 'files'} -> {', '.join(step.outputs) or 'the lake'}")
    return "\n".join(lines)


def timings(runner: Runner) -> str:
    """Seconds and rows of each step just run."""
    total = sum(t[2] for t in runner.timings)
    rows = [f"{room:<9} {step:<18} {seconds:>7.1f} s {count:>11,} rows" for room, step, seconds, count in runner.timings]
    return "\n".join([*rows, f"{'':<9} {'all steps':<18} {total:>7.1f} s"])


def approve(
    as_of: AsOf,
    official: Annotated[str, typer.Option(help="name of the official who approves")],
    out: Out = Path("out"),
    note: Annotated[str | None, typer.Option(help="remark kept with the approval")] = None,
    revision: Annotated[int | None, typer.Option(min=1, help="refuse unless this is the published revision, the one the official has seen")] = None,
) -> None:
    """A named official lets a published night go out: cases to the store, letters and lists to OUT."""
    place = Place.there()
    if revision is not None and (there := place.published(as_of.date()).revision) != revision:
        raise Refused(f"revision {revision} of {as_of.date()} was to be approved, but revision {there} is published; look at it and approve that one")
    approve_night(place, as_of.date(), official, note)
    typer.echo(deliver_night(place, as_of.date(), out))


def approve_night(place: Place, as_of: date, official: str, note: str | None = None) -> None:
    """Record the approval. Refused when the night is not published or a later one is: an unapproved list lapses."""
    night = place.published(as_of)
    if not official.strip():
        raise Refused("an approval needs the name of the official who gives it")
    if (last := place.lake.nights()[-1].as_of) > as_of and not night.approved_by:
        raise Refused(f"the unapproved list of {as_of} lapsed when the night of {last} was published")
    place.lake.night_act(as_of, night.revision, "approved", place.lake.epoch(), official=official.strip(), note=note)


def deliver_night(place: Place, as_of: date, out: Path) -> str:
    """Hand an approved night over exactly once, copy its evidence, write letters and lists; what was done, in words."""
    night = place.published(as_of)
    if not night.approved_by:
        raise Refused(f"the night of {as_of} is not approved; `assay approve --as-of {as_of} --official NAME`")
    names = ("taxpayer", "selection", "inclusion", "risk_level", "score", "reason", "risk_point", "indicator_hit", "feature", "reminder")
    tables = {name: place.known(night, name) for name in names}
    with place.store() as store:
        said = deliver(place.lake, place.conf, store, tables, as_of, night.revision, night.approved_by, out)
    place.lake.night_act(as_of, night.revision, "handed_over", place.lake.epoch(), note=said)
    return said


def lists(as_of: AsOf, out: Out = Path("out")) -> None:
    """Write an approved night's letters and lists again; cases already handed over stay as they are."""
    typer.echo(deliver_night(Place.there(), as_of.date(), out))


def feedback(
    files: Annotated[list[Path] | None, typer.Argument(help="filled lists and action files; none: only export")] = None,
    person: Annotated[str, typer.Option(help="who sends a filled list back; action files name their posts")] = "",
    export: Annotated[bool, typer.Option(help="write the store's new events into the inbox as source case_event")] = True,
) -> None:
    """Take filled lists (XLSX, or the CSV that a list's page saved) or action files (JSON lines) into the case store, and export what is new for the next night."""
    typer.echo(take_feedback(Place.there(), files or [], now() if export else None, person))


def take_feedback(place: Place, files: list[Path], received_at: datetime | None, person: str = "") -> str:
    """Apply files of actions, each checked and audited; then export new events as received at that moment."""
    said = []
    with place.store() as store:
        for path in files:
            filled = path.suffix.lower() in (".xlsx", ".csv")
            applied = import_list(store, place.conf, path, person) if filled else apply_feedback(store, place.conf, path)
            said.append(f"{path.name}: {applied.done} actions done, {applied.repeated} repeated, {len(applied.refused)} refused")
            said += [f"  {r.place}: {r.code}: {r.message}" for r in applied.refused[:MOST_REFUSED]]
            if (more := len(applied.refused) - MOST_REFUSED) > 0:
                said.append(f"  and {more} more; all are on the audit trail")
        if received_at is not None:
            said.append(f"{export_events(store, place.inbox, received_at)} events exported to the inbox")
    return "\n".join(said)


def train(as_of: AsOf, histories: Annotated[int, typer.Option(min=2, max=40, help="half-yearly back-fills to learn from")] = 8) -> None:
    """Compare the candidates out of time on what was known by the date, and register the best as champion."""
    place = Place.there()
    place.published(as_of.date())  # refused before Spark starts and before anything is written
    with place.runner() as runner:
        typer.echo(train_champion(place, runner, as_of.date(), histories))


def train_champion(place: Place, runner: Runner, as_of: date, histories: int) -> str:
    """Back-fill features, rules scores and points for past half-years, learn, register; the comparison in words."""
    night = place.published(as_of)  # first: nothing is back-filled for a date that cannot be learned from
    backfill(runner, half_years_before(as_of, histories), LEARNED_FROM)
    past = {name: read_files(place.lake.root, table(name), data_files(place.lake.root, name)) for name in LEARNED_FROM}
    return learned(learn(past["feature"], place.read(night, "outcome"), past["score"], past["risk_point"], as_of, place.conf, place.registry))


def learned(found: Trained) -> str:
    """What training came to, as lines."""
    if found.model is None:
        return f"no champion: {found.note}"
    rows = [f"  {name:<20} " + "  ".join(f"{k} {v:.3f}" for k, v in measures.items() if v is not None) for name, measures in found.comparison.items()]
    return "\n".join([f"champion {found.chosen} (version {found.model.version}) from {found.rows} examined cases, {found.positives} adjusted; out of time:", *rows])


def half_years_before(as_of: date, count: int) -> list[date]:
    """The last `count` 20th of January or July before the date, oldest first: a quarter's returns have just come in on each."""
    days = [date(as_of.year - n, month, 20) for n in range(count // 2 + 2) for month in (7, 1)]
    return sorted(day for day in days if day < as_of)[-count:]
