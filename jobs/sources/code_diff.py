"""What differs between the code tables of two systems, and which businesses cannot move before somebody decides.

A business is blocked while a code it depends on has no single successor: nobody said what it becomes (`unmapped`), several codes
could follow (`split`), what follows is no code of the new system (`broken`), or the same code means something else there (`reused`).
Many codes that become one (`merged`) block nothing, but what told them apart is lost.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from jobs.conf.codes import Code, CodeSystem, Successor

KINDS = {
    "unmapped": "gone, and nobody said what it becomes",
    "split": "becomes one of several codes",
    "broken": "the mapping names a code that is not there",
    "reused": "the same code now means something else, its old meaning has another code",
    "merged": "becomes one code together with others",
    "recoded": "becomes one other code",
    "ended": "ends without a successor, as the mapping says",
    "renamed": "same code, other name",
    "moved": "same code, other parent",
    "validity": "same code, other days of validity",
    "added": "new",
}
BLOCKING = frozenset({"unmapped", "split", "broken", "reused"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: of an old code (empty: added) and its new one (empty: none); `hint`: what it may have become, by its name."""

    kind: str
    table: str
    old: str
    old_name: str
    new: str
    new_name: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A business that uses a code of the old system, or a whole table (code empty)."""

    business: str
    name: str
    table: str
    code: str


@dataclass(frozen=True)
class Standing:
    """A business: what it depends on, how many of these codes differ, and the differences that block it."""

    business: str
    name: str
    codes: int
    changed: int
    blocked_by: tuple[Difference, ...]

    @property
    def reasons(self) -> list[tuple[str, str, str]]:
        """Table, code and kind of what blocks it, each once."""
        return list(dict.fromkeys((d.table, d.old, d.kind) for d in self.blocked_by))


@dataclass(frozen=True)
class Analysis:
    """The whole comparison: sizes of both systems, tables gone and new, differences by table, and the businesses."""

    sizes: tuple[tuple[int, int], tuple[int, int]]
    tables_gone: tuple[str, ...]
    tables_added: tuple[str, ...]
    differences: tuple[Difference, ...]
    businesses: tuple[Standing, ...]
    depending: dict[tuple[str, str], int] = field(default_factory=dict)

    def counted(self) -> dict[str, int]:
        """How many differences of each kind, in the order of KINDS."""
        found = dict.fromkeys(KINDS, 0)
        for d in self.differences:
            found[d.kind] += 1
        return found

    def by_table(self) -> dict[str, dict[str, int]]:
        """Differences of each kind by table."""
        found: dict[str, dict[str, int]] = {}
        for d in self.differences:
            row = found.setdefault(d.table, {})
            row[d.kind] = row.get(d.kind, 0) + 1
        return found


def compare(old: CodeSystem, new: CodeSystem, dependencies: Iterable[Dependency] = (), on: date | None = None) -> Analysis:
    """The analysis of two systems. `new.successors` maps old codes to new ones; with `on`, only old codes valid on that day are looked at."""
    differences: list[Difference] = []
    for table in sorted(old.tables.keys() | new.tables.keys() | new.successors.keys()):
        differences += _table(table, _at(old.tables.get(table, {}), on), new.tables.get(table, {}), new.successors.get(table, {}), old.tables.get(table, {}))
    asked = list(dependencies)
    gone, added = old.tables.keys() - new.tables.keys(), new.tables.keys() - old.tables.keys()
    return Analysis(
        ((len(old.tables), old.count), (len(new.tables), new.count)), tuple(sorted(gone)), tuple(sorted(added)),
        tuple(differences), tuple(_standings(asked, differences, old)), _depending(asked),
    )  # fmt: skip


def _at(codes: dict[str, list[Code]], on: date | None) -> dict[str, list[Code]]:
    return codes if on is None else {c: p for c, p in codes.items() if any(v.valid_from <= on <= v.valid_to for v in p)}


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _table(table: str, old: dict[str, list[Code]], new: dict[str, list[Code]], said: dict[str, list[Successor]], ever: dict[str, list[Code]]) -> Iterator[Difference]:
    names = {_plain(periods[-1].name): code for code, periods in new.items()}
    became = {code: _successors(code, new, said) for code in old}
    sharing: dict[str, list[str]] = {}
    for code, codes in became.items():
        if len(codes) == 1:
            sharing.setdefault(codes[0], []).append(code)
    for code, periods in old.items():
        yield from _code(periods, became[code], new, said.get(code, []), sharing, names)
    for code, successors in said.items():
        if code not in ever:
            yield Difference("broken", table, code, "", successors[0].new, "", f"{successors[0].place}: '{code}' is no code of the old system")
    reached = {c for codes in became.values() for c in codes}
    yield from (Difference("added", table, "", "", code, periods[-1].name) for code, periods in new.items() if code not in reached and code not in old)


def _successors(code: str, new: dict[str, list[Code]], said: dict[str, list[Successor]]) -> list[str]:
    """The codes an old one becomes: by the mapping, which has the last word, else itself where it is still there."""
    if code in said:
        return list(dict.fromkeys(s.new for s in said[code] if s.new))
    return [code] if code in new else []


def _code(periods: list[Code], became: list[str], new: dict[str, list[Code]], said: list[Successor], sharing: dict[str, list[str]], names: dict[str, str]) -> Iterator[Difference]:
    one = periods[-1]
    if not became:
        hint = names.get(_plain(one.name), "")
        yield Difference("ended" if said else "unmapped", one.table, one.code, one.name, "", "", hint=hint if not said else "")
    for code in became:
        if code not in new:
            place = next(s.place for s in said if s.new == code)
            yield Difference("broken", one.table, one.code, one.name, code, "", f"{place}: '{code}' is no code of the new system")
        elif len(became) > 1:
            yield Difference("split", one.table, one.code, one.name, code, new[code][-1].name, f"one of {', '.join(became)}")
        elif len(sharing[code]) > 1:
            yield Difference("merged", one.table, one.code, one.name, code, new[code][-1].name, f"with {', '.join(c for c in sharing[code] if c != one.code)}")
        elif code != one.code:
            yield Difference("recoded", one.table, one.code, one.name, code, new[code][-1].name)
    if became == [one.code] and one.code in new:
        yield from _kept(periods, new[one.code], names, bool(said))


def _kept(old: list[Code], new: list[Code], names: dict[str, str], confirmed: bool) -> Iterator[Difference]:
    """How a code that is still there differs; a mapping onto itself confirms that it means the same."""
    one, other = old[-1], new[-1]
    if _plain(one.name) != _plain(other.name):
        elsewhere = names.get(_plain(one.name), one.code)
        reused = elsewhere != one.code and not confirmed
        yield Difference("reused" if reused else "renamed", one.table, one.code, one.name, other.code, other.name, hint=elsewhere if reused else "")
    if one.parent != other.parent:
        yield Difference("moved", one.table, one.code, one.name, other.code, other.name, f"from {one.parent or 'the top'} to {other.parent or 'the top'}")
    if (was := _days(old)) != (now := _days(new)):
        yield Difference("validity", one.table, one.code, one.name, other.code, other.name, f"from {was} to {now}")


def _days(periods: list[Code]) -> str:
    return ", ".join(f"{'' if p.valid_from == date(1900, 1, 1) else p.valid_from}/{'' if p.valid_to.year == date.max.year else p.valid_to}" for p in periods)


def _standings(asked: list[Dependency], differences: list[Difference], old: CodeSystem) -> Iterator[Standing]:
    by_code: dict[tuple[str, str], list[Difference]] = {}
    by_table: dict[str, list[Difference]] = {}
    for d in differences:
        if d.old in old.tables.get(d.table, {}):
            by_code.setdefault((d.table, d.old), []).append(d)
            by_table.setdefault(d.table, []).append(d)
    of: dict[str, list[Dependency]] = {}
    for dependency in asked:
        of.setdefault(dependency.business, []).append(dependency)
    for business, wanted in sorted(of.items()):
        found = [d for w in wanted for d in (by_code.get((w.table, w.code), []) if w.code else by_table.get(w.table, []))]
        found = list(dict.fromkeys(found))
        codes = {(w.table, c) for w in wanted for c in ([w.code] if w.code else old.tables.get(w.table, {}))}
        yield Standing(business, wanted[0].name, len(codes), len({(d.table, d.old) for d in found}), tuple(d for d in found if d.kind in BLOCKING))


def _depending(asked: list[Dependency]) -> dict[tuple[str, str], int]:
    """How many businesses depend on each (table, code), or on a whole table (code empty)."""
    seen = {(d.business, d.table, d.code) for d in asked}
    found: dict[tuple[str, str], int] = {}
    for _, table, code in seen:
        found[table, code] = found.get((table, code), 0) + 1
    return found
