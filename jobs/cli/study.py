"""Commands that stand beside the loop: demo, economy, backtest, evaluate."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs import conf as configuration
from jobs.cli.batch import night_was_late, night_went_without
from jobs.cli.demo import Scale, run_demo
from jobs.cli.fitting import must_fit
from jobs.cli.look import known_tables
from jobs.cli.place import Place, must_have_parent
from jobs.economy.country import generate, planned
from jobs.economy.portrait import portrait
from jobs.economy.react import step as react
from jobs.evaluate.backtest import backtest as run_backtest
from jobs.evaluate.report import report
from jobs.lake.session import session

Seed = Annotated[int, typer.Option(min=0, help="same seed, same country")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (demo, backtest, evaluate):
        app.command()(command)
    country = typer.Typer(invoke_without_command=True, help=economy.__doc__)
    country.callback()(economy)
    country.command("step")(economy_step)
    app.add_typer(country, name="economy")


def demo(
    out: Annotated[Path, typer.Option(help="folder; an earlier demo in it is replaced")] = Path("demo"),
    taxpayers: Annotated[int, typer.Option(min=300, max=100_000)] = 3000,
    months: Annotated[int, typer.Option(min=18, max=120)] = 36,
    nights: Annotated[int, typer.Option(min=2, max=4)] = 4,
    seed: Seed = 20260101,
) -> None:
    """A small synthetic country, some nights over a year with its reactions, lists, letters and reports."""
    must_fit(configuration.load())
    must_have_parent(out.resolve(), "--out")
    run_demo(out.resolve(), Scale(taxpayers, months, Scale.nights[:nights], seed))


def economy(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="folder for inbox/ and truth/")] = Path("country"),
    taxpayers: Annotated[int, typer.Option(min=300, max=10_000_000)] = 3000,
    months: Annotated[int, typer.Option(min=12, max=240)] = 36,
    seed: Seed = 20260101,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="first day of the first month")] = datetime(2023, 1, 1),
    country: Annotated[str, typer.Option(help="a country that comes along (china, ausonia), or a YAML file")] = "china",
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="tasks; the files do not depend on it")] = 4,
) -> None:
    """Write a country's raw files, as its agencies would send them, and a sealed truth/."""
    if context.invoked_subcommand:
        return
    planned(taxpayers, months, seed, start.date(), country)  # a country that makes no sense is refused before Spark starts
    spark = session()
    try:
        generate(spark, out, taxpayers, months, seed, start.date(), partitions, country)
    finally:
        spark.stop()
    typer.echo(f"wrote {out / 'inbox'} and, sealed, {out / 'truth'}; what the country is like: {portrait(out)}")


def economy_step(
    country: Annotated[Path, typer.Option(help="folder `assay economy` wrote")],
    as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="a published night it reacts to")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the day its time stops")],
) -> None:
    """Let a country react to a published night until a later day: new files in its inbox, actions in its feedback/."""
    place = Place.there()
    night = place.published(as_of.date())
    until_day: date = until.date()
    if until_day <= night.as_of:
        raise typer.BadParameter(f"--until must be after {night.as_of}")
    spark = session()
    try:
        react(spark, country, place.read(night, "selection"), place.read(night, "risk_point"), place.read(night, "reminder"), night.as_of, until_day)
    finally:
        spark.stop()
    typer.echo(f"wrote new deliveries in {country / 'inbox'} and {country / 'feedback'}")


def backtest(
    study: Path,
    out: Annotated[Path, typer.Option("--out", help="folder for metrics.json, predictions.parquet, report.html")] = Path("backtest"),
) -> None:
    """Rank and evaluate on anybody's table: compares the candidates and refuses features that give the label away."""
    raise typer.Exit(run_backtest(study, out))


def evaluate(
    as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="date of a published night")],
    out: Annotated[Path, typer.Option("--out", help="the report's file")] = Path("report.html"),
) -> None:
    """Write the evaluation report of a published night."""
    place = Place.there()
    night = place.published(as_of.date())
    report(known_tables(place, night), night.as_of, out, conf=place.conf, without=[*night_was_late(place, night), *night_went_without(place, night)])
    typer.echo(f"wrote {out}")
