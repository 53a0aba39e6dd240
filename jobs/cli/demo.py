"""`assay demo`: a small country, a year of nights with its reactions in between, lists, letters, reports, and where to look."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jobs import conf as configuration
from jobs.cli.batch import night_was_late, night_went_without
from jobs.cli.look import known_tables
from jobs.cli.loop import approve_night, deliver_night, run_night, take_feedback, timings, train_champion
from jobs.cli.place import Place
from jobs.economy.country import generate
from jobs.economy.portrait import portrait
from jobs.economy.react import step as react
from jobs.evaluate.oracle import truth_report
from jobs.evaluate.report import report
from jobs.lake.lake import Lake
from jobs.lake.session import session
from jobs.respond.posts import staff
from jobs.respond.profile import profile
from jobs.respond.profile_page import profile_html
from jobs.runner import Refused
from jobs.sources.conservation import conservation
from jobs.sources.vault import new_key

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

STAMP = ".assay-demo"
OFFICIAL = "Demo Official (head of risk analysis)"


@dataclass(frozen=True)
class Scale:
    """How large the demo's country is and when its nights are."""

    taxpayers: int = 3000
    months: int = 36
    nights: tuple[date, ...] = (date(2026, 1, 20), date(2026, 4, 20), date(2026, 7, 20), date(2026, 10, 20))
    seed: int = 20260101

    @property
    def start(self) -> date:
        """First month: the history ends with the December before the first night."""
        first = self.nights[0].year * 12 - self.months
        return date(first // 12, first % 12 + 1, 1)


class Clock:
    """Plain progress lines with the seconds since the demo began."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def say(self, text: str) -> None:
        """One line of progress."""
        typer.echo(f"[{time.perf_counter() - self.began:5.0f} s] {text}")


def run_demo(out: Path, scale: Scale) -> None:
    """Everything the demo does, into `out`. Refused when the folder holds anything but an earlier demo."""
    prepare(out)
    clock, spark = Clock(), session(memory="3g")
    try:
        clock.say(f"a country of {scale.taxpayers:,} taxpayers and {scale.months} months: its agencies' files")
        generate(spark, out / "country", scale.taxpayers, scale.months, scale.seed, scale.start, 4)
        portrait(out / "country")
        place = open_place(out)
        seat(place, scale.nights[0])
        for n, as_of in enumerate(scale.nights):
            after = scale.nights[n + 1] if n + 1 < len(scale.nights) else None
            one_night(place, spark, out, as_of, after, clock)
    finally:
        spark.stop()
    finish(place, out, clock)


def open_place(out: Path) -> Place:
    """A lake, an inbox, a case store and a vault of the demo's own. A real key would lie on another machine."""
    if not (out / "vault.key").exists():
        new_key(out / "vault.key")
    os.environ |= {"ASSAY_VAULT": str(out / "vault"), "ASSAY_VAULT_KEY": str(out / "vault.key")}
    conf = configuration.load()
    return Place(Lake.open(out / "lake", conf.house.buckets), conf, out / "country" / "inbox", f"sqlite:///{out / 'cases.sqlite'}")


def seat(place: Place, on: date) -> None:
    """Fill the posts of the case store with made-up staff numbers: a real administration appoints persons."""
    with place.store() as store:
        staff(store, place.conf, on)


def prepare(out: Path) -> None:
    """An empty folder with the demo's stamp."""
    if out.exists() and any(out.iterdir()):
        if not (out / STAMP).is_file():
            raise Refused(f"{out} is not empty and not an earlier demo; name another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / STAMP).write_text("made by `assay demo`; removed and made anew by the next one\n", encoding="utf-8")


def one_night(place: Place, spark: SparkSession, out: Path, as_of: date, after: date | None, clock: Clock, histories: int = 5) -> None:
    """A night from files to hand-over, then learning from `histories` back-fills (0: none), then what the country does until the next one."""
    runner = place.runner_on(spark)
    clock.say(f"night of {as_of}, {'champion ' + runner.champion.version if runner.champion else 'rules only: no model has been trained yet'}")
    run_night(runner, as_of)
    typer.echo(timings(runner))
    night = place.published(as_of)
    if as_of == place.lake.nights()[0].as_of:
        typer.echo(conservation(place.lake, night.run))
    approve_night(place, as_of, OFFICIAL, "demo")
    clock.say(f"approved by {OFFICIAL}: " + deliver_night(place, as_of, out / as_of.isoformat()))
    if after is None:
        return
    if histories:
        clock.say("learning from what is known so far")
        typer.echo(train_champion(place, runner, as_of, histories))
    clock.say(f"the country until {after}: offices work their lists, taxpayers answer, file and pay")
    react(spark, out / "country", place.read(night, "selection"), place.read(night, "risk_point"), place.read(night, "reminder"), as_of, after)
    actions = out / "country" / "feedback" / f"{as_of}.jsonl"
    clock.say(take_feedback(place, [actions], eve(after)))


def eve(after: date) -> datetime:
    """Noon in China on the day before the next night: when the case store's export is received."""
    return datetime.combine(after - timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=4)


def published(place: Place, name: str) -> dict[date, pa.Table]:
    """A nightly table of every published night."""
    return {night.as_of: place.read(night, name) for night in place.lake.nights()}


def finish(place: Place, out: Path, clock: Clock) -> None:
    """The reports, the profile of the first case, and where to look."""
    last = place.lake.nights()[-1]
    tables = known_tables(place, last)
    report(tables, last.as_of, out / "report.html", conf=place.conf, without=[*night_was_late(place, last), *night_went_without(place, last)])
    nightly = {name: published(place, name) for name in ("score", "selection", "feature", "outcome")}
    truth_report(out / "country" / "truth", nightly["score"], nightly["selection"], out / "truth.html", nightly["feature"], nightly["outcome"])
    first = min(tables["selection"].to_pylist(), key=lambda r: (-(r["value"] or 0), r["taxpayer_id"]))
    (out / "profile.html").write_text(profile_html(profile(tables, first["taxpayer_id"], last.as_of), place.conf), encoding="utf-8")
    clock.say("done")
    typer.echo(where_to_look(out, last.as_of))


def where_to_look(out: Path, as_of: date) -> str:
    """The demo's last words."""
    return "\n".join(
        [
            "",
            "Where to look:",
            f"  {out / as_of.isoformat() / 'lists'}    one list per office, as HTML and XLSX",
            f"  {out / as_of.isoformat() / 'letters'}  reminders as the taxpayer reads them",
            f"  {out / 'profile.html'}     everything known about the first taxpayer on the list",
            f"  {out / 'report.html'}      did the list beat a sceptic's baseline, was it worked, was it fair",
            f"  {out / 'truth.html'}       the same lists against the country's sealed truth",
            f"  {out / 'country' / 'report.html'}  what the invented country is like, and how far it is like a real one",
            "The country is invented: the numbers show that the machinery works, not that fraud would be found.",
        ]
    )
