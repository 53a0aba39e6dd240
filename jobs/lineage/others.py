"""Figures that rest on other people: the owners' other companies, and the peers a ratio is compared with.

Of peers only statistics are told, counted again from tonight's ratios: who they are and what they declared is not this taxpayer's affair.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from jobs.analyse.outcomes import ANSWERS
from jobs.analyse.partner_columns import HUB_COMPANIES
from jobs.analyse.party_facts import USED
from jobs.analyse.peers import peers
from jobs.lake.step import Night, Tables
from jobs.lineage.cell import Line, Part, Row, line_of
from jobs.lineage.known import Known

OWNER_COUNTS = ("owner_companies", "owner_penalised", "owner_confirmed")


def owner_parts(known: Known, taxpayer_id: str, column: str) -> list[Part]:
    """One part per other company of the same owners that counts in a column of `partner` (OWNER_COUNTS)."""
    parts = []
    for company, links in sorted(_companies(known, taxpayer_id).items()):
        proof = {"owner_companies": links, "owner_penalised": _penalties(known, company), "owner_confirmed": _findings(known, company)}[column]
        if proof is not None:
            more = () if column == "owner_companies" else links
            parts.append(Part(f"company {company}", Decimal(1), (*proof, *more)))
    return parts


def _companies(known: Known, taxpayer_id: str) -> dict[str, tuple[Line, ...]]:
    """Other companies of a taxpayer's owners now, each with the lines of the register that link the two."""
    own = [r for r in known.rows("ownership", "taxpayer_id", [taxpayer_id]).to_pylist() if _now(r, known.night.as_of)]
    found: dict[str, tuple[Line, ...]] = {}
    for row in sorted(own, key=lambda r: str(r["owner_id"])):
        held = [r for r in known.rows("ownership", "owner_id", [row["owner_id"]]).to_pylist() if _now(r, known.night.as_of)]
        if len({r["taxpayer_id"] for r in held}) > HUB_COMPANIES:
            continue
        for other in held:
            if other["taxpayer_id"] != taxpayer_id:
                found[other["taxpayer_id"]] = (*found.get(other["taxpayer_id"], ()), line_of("ownership", row), line_of("ownership", other))
    return found


def _now(row: Row, as_of: date) -> bool:
    return row["owner_id"] is not None and (row["since"] is None or row["since"] <= as_of) and (row["until"] is None or row["until"] > as_of)


def _penalties(known: Known, company: str) -> tuple[Line, ...] | None:
    """The penalties that are linked to a company, by the links in force; None: it has none."""
    links = known.latest_links("taxpayer_id", [company])
    keys = [(r["source"], r["record_key"]) for r in links.to_pylist() if r["threshold"] in USED]
    if not keys:
        return None
    rows = known.rows("penalty", "penalty_no", [key for _, key in keys]).to_pylist()
    return tuple(line_of("penalty", r) for r in rows if (r["source"], r["penalty_no"]) in keys and r["decided_on"] is not None) or None


def _findings(known: Known, company: str) -> tuple[Line, ...] | None:
    """The answers by which a company was found at fault, not overturned: events of its cases. None: it was not."""
    rows = known.rows("outcome", "taxpayer_id", [company]).to_pylist()
    cases = {r["case_id"] for r in rows if (r["adjusted"] or 0) > 0 and r["standing"] != "overturned"}
    if not cases:
        return None
    events = known.rows("case_event", "taxpayer_id", [company]).to_pylist()
    return tuple(line_of("case_event", r) for r in events if r["case_id"] in cases and r["kind"] in ANSWERS and (r["amount"] or 0) > 0)


def peer_part(known: Known, taxpayer_id: str, measure: str, statistic: str) -> tuple[Part | None, float | None]:
    """What the peers' statistic (`median` or `mad`) of a ratio is counted from, in words, and the statistic counted again."""
    tables = Tables({"ratio": known.rows("ratio", "measure", [measure]), "taxpayer": known.whole("taxpayer"), "outcome": known.whole("outcome")})
    members = peers(tables, Night(known.night.as_of, known.night.run, known.conf))["peer_member"]
    mine = next((r for r in members.to_pylist() if r["taxpayer_id"] == taxpayer_id), None)
    if mine is None or mine[statistic] is None:
        return None, None
    own = "none" if mine["value"] is None else f"{mine['value']:,.4f}"
    name = "median" if statistic == "median" else "usual spread (1.4826 x median distance from the median)"
    what = f"{name} of `{measure}` over {mine['n']} other taxpayers of the group {mine['peer_group']}; the taxpayer's own: {own}"
    return Part(what, Decimal(repr(mine[statistic]))), float(mine[statistic])
