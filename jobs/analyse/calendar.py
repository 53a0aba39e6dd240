"""Which tax periods end when, when their returns are due, and which month is the last that may be judged (conf/calendar.yaml)."""

from __future__ import annotations

from datetime import date, timedelta

from jobs.analyse.arrays import month_number
from jobs.conf import Conf, ConfError, Due, in_force

SPAN = {"month": 1, "quarter": 3, "year": 12}


def due_on(conf: Conf, tax: str, frequency: str, period_to: date) -> Due | None:
    """The calendar's entry for a period's end; None when the tax has no such return."""
    found = [d for d in in_force(conf.calendar, period_to) if d.tax == tax and d.frequency == frequency]
    return found[-1] if found else None


def due_at(entry: Due, period_to: date) -> date:
    """Last day to file."""
    return period_to + timedelta(days=entry.due_days)


def grace_until(entry: Due, period_to: date) -> date:
    """From this day on the return, or its absence, may be judged."""
    return period_to + timedelta(days=entry.due_days + entry.grace_days)


def period_end(number: int) -> date:
    """Last day of a month counted from January 1970."""
    year, month = divmod(number + 1, 12)
    return date(1970 + year, month + 1, 1) - timedelta(days=1)


def usable_month(conf: Conf, tax: str, frequency: str, as_of: date) -> int:
    """The last month that ends a period whose grace is over on `as_of`, in months since 1970.

    ConfError when the calendar has no such return.
    """
    span = SPAN[frequency]
    number = month_number(as_of)
    while number > 0:
        entry = due_on(conf, tax, frequency, period_end(number)) if (number + 1) % span == 0 else None
        if entry and grace_until(entry, period_end(number)) <= as_of:
            return number
        number -= 1
    raise ConfError(f"calendar.yaml: no {frequency}ly {tax} return is past its grace on {as_of}; add an entry for it")
