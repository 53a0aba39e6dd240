"""Which sources are late: what each contract expects, held against the receipts in the landing manifests, or against those a night knows.

A delivery is expected at every time of the contract's schedule and late once `late_after` has passed without a receipt
since that time. A source that never delivered is not connected yet: it is named, but nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from croniter import croniter

from jobs.conf import Conf, ConfError, Source, period
from jobs.lake.manifest import MANIFEST, read_entries


@dataclass(frozen=True)
class Arrival:
    """What is known of a source's last expected delivery: when it was due, when something last came, and whether the night waits."""

    source: str
    expected: datetime
    last: datetime | None
    late: bool
    waited_for: bool

    def __str__(self) -> str:
        last = f"last delivery {self.last:%Y-%m-%d %H:%M}" if self.last else "never delivered"
        state = "late" if self.late else "not connected" if self.last is None else "on time"
        return f"{self.source}: {state}; expected {self.expected:%Y-%m-%d %H:%M}, {last}"


def arrivals(conf: Conf, inbox: Path, at: datetime, names: Iterable[str] | None = None) -> list[Arrival]:
    """The arrival of each source (default: all) as seen at a moment with a zone. Receipts after that moment are not seen."""
    chosen = conf.sources if names is None else {name: conf.sources[name] for name in names}
    return [_arrival(source, _entered(inbox / name), at.astimezone(ZoneInfo(conf.house.zone))) for name, source in chosen.items()]


def late_in_night(conf: Conf, received: Mapping[str, Iterable[datetime]], as_of: date, now: datetime) -> list[Arrival]:
    """The sources that are late in a night of this date, which knows these times of receipt by source."""
    at = seen_at(as_of, now.astimezone(ZoneInfo(conf.house.zone)))
    found = (_arrival(source, received.get(name, ()), at) for name, source in sorted(conf.sources.items()))
    return [arrival for arrival in found if arrival.late]


def tells_late(line: str) -> bool:
    """Is a line of a night's remarks a late source?"""
    return ": late; expected " in line


def seen_at(as_of: date, now: datetime) -> datetime:
    """The moment from which a night of this date looks, in the zone of `now`: now when it is today's, else the end of its day."""
    return now if as_of == now.date() else datetime.combine(as_of + timedelta(days=1), time(), now.tzinfo)


def _entered(folder: Path) -> list[datetime]:
    return [e["received_at"] for e in read_entries(folder / MANIFEST)]


def _arrival(source: Source, received: Iterable[datetime], at: datetime) -> Arrival:
    expected = last_expected(source, at)
    last = max((moment for moment in received if moment <= at), default=None)
    late = last is not None and last < expected
    return Arrival(source.name, expected, last.astimezone(at.tzinfo) if last else None, late, late and source.expect.policy == "wait")


def last_expected(source: Source, at: datetime) -> datetime:
    """The last time of the schedule whose patience (`late_after`) has run out. ConfError when the schedule is no cron expression."""
    try:
        found: datetime = croniter(source.expect.schedule, at - patience(source) + timedelta(seconds=1)).get_prev(datetime)
    except ValueError as fault:
        raise ConfError(f"conf/sources/{source.name}.yaml: expect.schedule: '{source.expect.schedule}' is no cron expression ({fault})") from fault
    return found


def patience(source: Source) -> timedelta:
    """`late_after` of the contract as a time span."""
    return period(source.expect.late_after)
