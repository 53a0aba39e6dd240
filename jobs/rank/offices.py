"""Which office acts: the nearest office of the treatment's kind, seen from the taxpayer's home office up the tree."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from jobs.conf import Conf, Office, in_force


def acting_office(home: str, kind: str, offices: dict[str, Office]) -> str | None:
    """The office of `kind` that acts for a taxpayer of office `home`; None when the tree has none.

    An office of the kind acts itself; a large-business office does the tax-source work of its own taxpayers. Otherwise the search climbs
    to the parent, grandparent, … and takes that office or the child of the kind with the lowest id.
    """
    if home not in offices:
        return None
    if offices[home].kind == kind or (offices[home].kind == "large_business" and kind == "tax_source"):
        return home
    at = offices[home].parent
    while at is not None:
        here = offices[at]
        children = sorted(o.id for o in offices.values() if o.parent == at and o.kind == kind)
        if here.kind == kind:
            return at
        if len(children) == 1 or (children and kind != "tax_source"):
            return children[0]
        at = here.parent
    return None


def acting_offices(homes: Iterable[str], conf: Conf, as_of: date) -> dict[tuple[str, str], str]:
    """(home office, treatment) -> the office that acts, for the offices and treatments in force on the date."""
    offices = {o.id: o for o in in_force(conf.offices, as_of)}
    found = {(home, t.id): acting_office(home, t.office_kind, offices) for home in set(homes) for t in in_force(tuple(conf.treatments.values()), as_of)}
    return {key: office for key, office in found.items() if office is not None}
