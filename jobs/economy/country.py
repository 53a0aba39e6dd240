"""Writes a country: raw files as its agencies would send them, and, apart and sealed, what is true.

Two stages of Spark tasks, one shuffle: buyers draw their orders, orders go to the supplier's bucket, each bucket counts its books
and writes its files. The driver only enters file names in the manifests.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.conf.base import ConfError
from jobs.economy.bucket import Job, Written, receive, send
from jobs.economy.delivery import FEEDS, Slice, enter, history_slices, resend
from jobs.economy.setting import load_country
from jobs.economy.shocks import Shocks
from jobs.economy.typologies import chances
from jobs.economy.world import World, add_months

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RECEIVED_AFTER = 3  # days of the next month that the history still covers
SENT_TWICE = "cit_return"
EINVOICES = 2000


def planned(taxpayers: int, months: int, seed: int, start: date, country: str = "china") -> World:
    """The country that these words describe, checked as far as it can be without counting it.

    ValueError for a size or a date that makes no country, ConfError for a YAML that makes no sense, alone or at this size.
    """
    if taxpayers < 200 or months < 12:
        raise ValueError(f"taxpayers {taxpayers}, months {months}: at least 200 and 12")
    if start.day != 1:
        raise ValueError(f"start {start}: must be the first day of a month")
    through = add_months(start, months) + timedelta(days=RECEIVED_AFTER)
    world = World(taxpayers, months + start.month - 1, seed, date(start.year, 1, 1), start, through, country=load_country(country))
    _shocks_meet_sources(world.country.shocks)
    chances(world)  # more evaders than firms that could
    return world


def _shocks_meet_sources(shocks: Shocks) -> None:
    named = [(f"silences.{n}", one.source) for n, one in enumerate(shocks.silences)] + [(f"codes.{n}", one.source) for n, one in enumerate(shocks.codes)]
    for place, source in named:
        if source not in FEEDS:
            raise ConfError(f"shocks.{place}.source: no source {source}; known: {', '.join(FEEDS)}")
    for n, change in enumerate(shocks.codes):
        known = FEEDS[change.source].codes
        if change.column not in known:
            raise ConfError(f"shocks.codes.{n}.column: {change.source} has no codes in '{change.column}'; it has them in: {', '.join(known) or 'no column'}")


def generate(spark: SparkSession, out: Path, taxpayers: int, months: int, seed: int, start: date, partitions: int, country: str = "china", einvoices: int = EINVOICES) -> None:
    """Write out/inbox/<source>/ (files and manifest, declared `history`), out/einvoice/ (`einvoices` of the invoices as UBL, at most) and out/truth/.

    taxpayers: firms ever registered in the `months` from the month of `start`. `country`: a name in countries/ or a YAML file. The files depend on
    taxpayers, months, seed, start and country, never on partitions. ConfError for a country that makes no sense, ValueError for a size or a date that makes no country, FileExistsError when `out` holds one.
    """
    if partitions < 1:
        raise ValueError(f"partitions {partitions}: at least 1")
    world = planned(taxpayers, months, seed, start, country)
    if (out / "truth" / "world.json").exists():
        raise FileExistsError(f"{out}: holds a country already; name another folder, or remove it")
    pieces = history_slices(world)
    written = run(spark, Job(world, str(out.resolve()), {source: pieces for source in FEEDS}, einvoices), partitions)
    enter_all(out / "inbox", {source: pieces for source in FEEDS}, written, SENT_TWICE)
    world.save(out / "truth")


def run(spark: SparkSession, job: Job, partitions: int) -> list[Written]:
    """Count and write all buckets; the files written."""
    world, tasks = job.world, min(partitions, job.world.buckets)

    def sending(buckets):  # type: ignore[no-untyped-def]
        return send(world, buckets)

    def receiving(parts):  # type: ignore[no-untyped-def]
        return receive(job, parts)

    context = spark.sparkContext
    sent = context.parallelize(range(world.buckets), tasks).mapPartitions(sending)
    routed = sent.repartitionAndSortWithinPartitions(tasks, int)  # a task then holds the orders of one bucket at a time
    return sorted(routed.mapPartitions(receiving).collect())


def enter_all(inbox: Path, slices: dict[str, list[Slice]], written: list[Written], twice: str | None = None) -> None:
    """Enter what was written in each source's manifest; `twice`: a source whose last but one delivery is sent again by mistake."""
    for source, pieces in slices.items():
        entries = [(piece, [name for s, label, name in written if (s, label) == (source, piece.label)]) for piece in pieces]
        full = [e for e in entries if e[1]]
        if source == twice and full:
            piece, names = full[max(0, len(full) - 2)]
            entries.append(resend(inbox, source, piece, names))
        enter(inbox, source, entries)
