"""Marks of records: dates, times or whole numbers as an interface writes them, and the one from which to ask again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from jobs.conf import Source, period
from jobs.conf.pull import Since
from jobs.sources.pull.staging import PullError

_DAY = len("2026-01-05")


class Marks:
    """The marks of one pull: what the highest was, whether some records had none. A mark in the future counts as now."""

    def __init__(self, source: Source, since: Since, zone: str, now: datetime) -> None:
        self.since, self.highest, self.unmarked = since, None, False
        self._source, self._zone, self._now = source, ZoneInfo(zone), now

    highest: str | None

    def see(self, mark: Any) -> None:
        """Take note of a record's mark. PullError when it is of another kind than the contract's overlap."""
        if mark is None or mark == "":
            self.unmarked = True
        elif self.highest is None or self._order(str(mark)) > self._order(self.highest):
            self.highest = str(mark)

    def low(self, marks: Sequence[str | None]) -> str | None:
        """The highest of some marks, less the overlap, written as it is; none when there is none."""
        known = [m for m in marks if m is not None]
        if not known:
            return None
        highest = max(known, key=self._order)
        if self.since.overlap.isdigit():
            return str(int(highest) - int(self.since.overlap))
        span = period(self.since.overlap)
        if len(highest) == _DAY:
            day = min(date.fromisoformat(highest), self._now.astimezone(self._zone).date())
            return (datetime.combine(day, time()) - span).date().isoformat()
        written = datetime.fromisoformat(highest)
        at = (min(self._local(written), self._now) - span).astimezone(written.tzinfo or self._zone)
        text = (at if written.tzinfo else at.replace(tzinfo=None)).isoformat()
        return text.removesuffix("+00:00") + "Z" if highest.endswith("Z") else text

    def reaches(self, mark: str | None, low: str) -> bool:
        """Is a mark at or above another?"""
        return mark is not None and self._order(mark) >= self._order(low)

    def _order(self, mark: str) -> float:
        try:
            return int(mark) if self.since.overlap.isdigit() else self._local(datetime.fromisoformat(mark)).timestamp()
        except (ValueError, OverflowError):
            kind = "whole number" if self.since.overlap.isdigit() else "ISO date or time"
            raise PullError(f"{self._source.name}: a record's {self.since.column} is no {kind}; correct pull.since in the contract") from None

    def _local(self, at: datetime) -> datetime:
        return at if at.tzinfo else at.replace(tzinfo=self._zone)
