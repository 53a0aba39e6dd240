"""What a column may be used for: the purposes that contracts give, held against what would read it.

Whoever reads silver columns says which (features, indicators, letters, statistics); a column one of its sources does not give
for that purpose is misused, and the night does not start (exit 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.conf.source import Purpose
from jobs.conf.whole import Conf


class PurposeError(Exception):
    """A column would be used for what its contract does not allow; the message names contract, column, user and remedy."""


def barred(conf: Conf, purpose: Purpose) -> dict[str, tuple[str, ...]]:
    """Silver `table.column`, or `table.line` of a form, with the sources that give it, but not for this purpose."""
    found: dict[str, tuple[str, ...]] = {}
    for source in conf.sources.values():
        for table, name, field in source.fields():
            if purpose not in field.purposes:
                found[f"{table}.{name}"] = tuple(dict.fromkeys((*found.get(f"{table}.{name}", ()), source.name)))
    return found


def misuses(conf: Conf, purpose: Purpose, readers: Mapping[str, Iterable[str]], remedy: str) -> list[str]:
    """One message for each column that is not given for the purpose and is read all the same; `readers`: who reads which `table.column`."""
    closed = barred(conf, purpose)
    users: dict[str, list[str]] = {}
    for who, columns in readers.items():
        for column in dict.fromkeys(columns):
            if column in closed:
                users.setdefault(column, []).append(who)
    return [
        f"conf/sources/{source}.yaml: {column.split('.', 1)[1]}: its purposes do not allow `{purpose}`, but {_listed(users[column])} would use it; {remedy}"
        for column in sorted(users)
        for source in closed[column]
    ]


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:6])
    return shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")
