"""The command that fetches what contracts say to fetch. It needs neither lake nor Spark."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs import conf as configuration
from jobs.cli.landing import Moment, inbox, moment
from jobs.conf import Conf, ConfError
from jobs.lake.lake import now
from jobs.sources.pull.run import pull as pull_source
from jobs.sources.pull.staging import PullError


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(pull)


def pull(
    source: Annotated[str | None, typer.Argument(help="a source whose contract says where from")] = None,
    every: Annotated[bool, typer.Option("--all", help="every source whose contract says where from")] = False,
    at: Moment = None,
    history: Annotated[bool, typer.Option(help="what is new brings the past: each record is known from the agency's own date")] = False,
) -> None:
    """Fetch what is new from the place a source's contract names, as one delivery in the inbox; safe to repeat."""
    conf = configuration.load()
    names = _named(conf, source, every)
    kind = "history" if history else "delivery"
    faults = []
    for name in names:
        try:
            landed = pull_source(conf.sources[name], conf.house, inbox(), moment(at, conf), now(), kind)
        except (PullError, ConfError) as fault:
            if not every:
                raise
            faults.append(str(fault))
            continue
        typer.echo("\n".join(f"pulled {name}/{file}" for file in landed) or f"{name}: nothing new")
    if faults:
        raise PullError(f"{len(faults)} of {len(names)} sources could not be pulled:\n  " + "\n  ".join(faults))


def _named(conf: Conf, source: str | None, every: bool) -> list[str]:
    if (source is None) != every:
        raise typer.BadParameter("name one source, or say --all")
    if source is None:
        return sorted(name for name, s in conf.sources.items() if s.pull)
    if source not in conf.sources:
        raise ConfError(f"no source '{source}' in conf/sources/; known: {', '.join(sorted(conf.sources))}")
    return [source]
