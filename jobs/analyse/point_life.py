"""A risk point's life from night to night, as one pure function: what it was, what is seen tonight, what it is now.

=========  =========================================================================================================
opened     it fires and nobody has answered it
changed    it fires and its facts changed: since last night, or since an explanation was accepted (which is cited)
silent     it fires, but an explanation was accepted for these very facts
closed     one night: confirmed by an answer, corrected, paid, or no longer firing; then it is gone. It comes back as changed
           when a return filed since the finding puts more at stake again than the finding left
lapsed     it fires, but can no longer be assessed: shown, not selected
=========  =========================================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

ALIVE = frozenset({"opened", "changed", "silent"})


@dataclass(frozen=True)
class Before:
    """The point as published last night."""

    state: str
    as_of: date
    explanation: str | None = None


@dataclass(frozen=True)
class Answer:
    """The last answer about the point's tax, code and period: accepted (excluded, overturned) or a confirmed finding."""

    confirmed: bool
    reason: str
    known_at: date


@dataclass(frozen=True)
class Seen:
    """What tonight says about a point."""

    fires: bool
    moved: bool = False  # facts differ from those told
    blank: str | None = None  # why its indicators could not be computed tonight
    lapsed: str | None = None  # the limitation that has run out
    answer: Answer | None = None
    filed_since: bool = False  # a return of the period was filed after the point opened (or after the answer, on first sight)
    withdrawn: bool = False  # none of its indicators is in force
    own: bool = False  # facts differ from those told, and not because the peers moved
    undone: bool = False  # a return filed since the finding put more at stake again than the finding left


@dataclass(frozen=True)
class Now:
    """State, why, and the explanation accepted earlier when a fact changed since."""

    state: str
    reason: str
    explanation: str | None = None


def next_state(before: Before | None, seen: Seen) -> Now | None:
    """The point's state tonight; None: it is not shown."""
    alive = before if before is not None and before.state in ALIVE else None
    if seen.answer is not None and seen.answer.confirmed:
        return _found(alive, seen, seen.answer)
    if not seen.fires:
        return _quiet(alive, seen) if alive else None
    if seen.lapsed:
        return Now("lapsed", seen.lapsed, before.explanation if before else None)
    if seen.answer is not None:
        return _explained(alive, seen, seen.answer)
    if alive is None:
        return Now("opened", "fires again" if before is not None and before.state == "closed" else "first seen")
    if alive.state == "silent":
        return Now("opened", "the answer was withdrawn")
    return Now("changed", "facts changed") if seen.moved else Now("opened", "stands")


def _found(alive: Before | None, seen: Seen, answer: Answer) -> Now | None:
    """A finding closes its point, and keeps it closed until a return filed since undoes what was found."""
    if seen.fires and seen.undone:
        return Now("lapsed", seen.lapsed) if seen.lapsed else Now("changed", f"found earlier ({answer.reason}), undone by a return filed since")
    if alive is None:
        return None
    reopened = alive.as_of >= answer.known_at and not seen.fires
    return _quiet(alive, seen) if reopened else Now("closed", f"confirmed: {answer.reason}")


def _explained(alive: Before | None, seen: Seen, answer: Answer) -> Now:
    """An explanation holds for the facts it was given for; changed facts bring the point back, and cite it until the next answer."""
    silent = Now("silent", f"explanation accepted: {answer.reason}")
    returned = Now("changed", "facts changed since the explanation", answer.reason)
    if alive is None:
        return returned if seen.filed_since else silent
    if seen.own:
        return returned
    if alive.explanation is not None and answer.known_at <= alive.as_of:
        return Now("changed", "stands since facts changed", answer.reason)
    return silent


def _quiet(alive: Before, seen: Seen) -> Now:
    """A point that does not fire: kept while its indicators cannot be computed, else closed with the reason."""
    if seen.withdrawn:
        return Now("closed", "its indicators are no longer in force")
    if seen.blank:
        return Now(alive.state, f"could not be computed: {seen.blank}", alive.explanation)
    return Now("closed", "corrected by the taxpayer" if seen.filed_since else "no longer fires")
