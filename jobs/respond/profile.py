"""The profile of one taxpayer (一户式): everything known about him on a date, each fact with its source, file and day.

For officials within their data scope; each view belongs on the audit trail (`log_view`). It contains what a letter never may: levels,
points and connected parties.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.respond.audit import record
from jobs.respond.profile_blind import left_out, withheld_until
from jobs.respond.store import Store

Row = dict[str, Any]
Lake = Mapping[str, pa.Table]

_IDENTITY = ("name", "kind", "status", "industry", "segment", "ownership_form", "vat_kind", "region", "office_id", "address", "legal_rep", "agent_id", "capital", "registered_on", "closed_on")
_POINT = ("point_id", "tax", "risk_code", "period_from", "period_to", "amount_error", "until_error", "state", "state_reason", "opened_on", "indicators", "earlier_explanation", "as_of")
_OUTCOME = ("case_id", "point_id", "tax", "risk_code", "period_from", "period_to", "finding", "reason_code", "assessed", "collected", "standing", "known_at")
_EVENT = ("case_id", "event_no", "event_on", "kind", "treatment", "office_id", "post", "risk_code", "tax", "result", "reason_code", "amount")


class UnknownTaxpayer(LookupError):
    """Nobody with this id was known on the date; the message says so."""


def profile(lake_tables: Lake, taxpayer_id: str, as_of: date) -> dict[str, Any]:
    """Everything known about one taxpayer on a date, as plain values ready for JSON.

    Tables that are used when handed in: taxpayer, tax_registration, ownership, return_line, financial_statement, invoice, trade_edge_month,
    payment, filing, risk_level, risk_point, outcome, case_event, reminder, party_fact, selection. Keys of the result: identity, registrations,
    connected, returns, statements, invoices, payments, filings, level, points, outcomes, contacts, reminders; each row carries `from`. `withheld`:
    a comprehensive examination is open, so level and points are left out (jobs/respond/profile_blind.py). UnknownTaxpayer when he is not known
    on that date.
    """
    person = _of(lake_tables, "taxpayer", taxpayer_id)
    if not person:
        raise UnknownTaxpayer(f"no taxpayer {taxpayer_id} is known on {as_of}; check the id and the date")
    found: dict[str, Any] = {"taxpayer_id": taxpayer_id, "as_of": as_of, "name": person[0]["name"], "identity": _identity(person)}
    for key, section in _SECTIONS.items():
        found[key] = section(lake_tables, taxpayer_id)
    until = withheld_until(*(_of(lake_tables, name, taxpayer_id) for name in ("selection", "case_event", "risk_point")))
    found["withheld"] = until is not None
    if until is not None:
        found |= {"level": [], "points": [p for p in found["points"] if not left_out(p, until)]}
    plain: dict[str, Any] = json.loads(json.dumps(found, default=_plain, ensure_ascii=False))
    return plain


def log_view(store: Store, person: str, taxpayer_id: str, why: str) -> None:
    """Put the view of a profile on the audit trail."""
    with store.write() as session:
        record(session, "profile", f"taxpayer:{taxpayer_id}", person, "seen", why=why)


def _identity(versions: list[Row]) -> list[Row]:
    return [{"field": f, "value": row.get(f), "from": _from(row)} for row in versions for f in _IDENTITY if row.get(f) is not None]


def _registrations(tables: Lake, taxpayer_id: str) -> list[Row]:
    rows = _of(tables, "tax_registration", taxpayer_id)
    return sorted((_pick(r, ("tax", "frequency", "valid_from", "valid_to")) for r in rows), key=lambda r: str(r["tax"]))


def _connected(tables: Lake, taxpayer_id: str) -> list[Row]:
    """Owners, what he owns, and other companies of the same owners: connected (疑似关联), which is no legal finding."""
    if "ownership" not in tables:
        return []
    owners = _of(tables, "ownership", taxpayer_id)
    ids = [o["owner_id"] for o in owners]
    held = _where(tables["ownership"], "owner_id", [taxpayer_id])
    siblings = [r for r in _where(tables["ownership"], "owner_id", ids) if r["taxpayer_id"] != taxpayer_id]
    names = {p["taxpayer_id"]: p["name"] for p in _where(tables["taxpayer"], "taxpayer_id", [r["taxpayer_id"] for r in [*held, *siblings]])} if "taxpayer" in tables else {}
    rows = [{"relation": "owner", "id": o["owner_id"], "name": o["owner_name"], **_pick(o, ("share", "since", "until"))} for o in owners]
    rows += [{"relation": "holding", "id": r["taxpayer_id"], "name": names.get(r["taxpayer_id"]), **_pick(r, ("share", "since", "until"))} for r in held]
    rows += [{"relation": "same_owner", "id": r["taxpayer_id"], "name": names.get(r["taxpayer_id"]), **_pick(r, ("share", "since", "until"))} for r in siblings]
    return sorted(rows, key=lambda r: (("owner", "holding", "same_owner").index(r["relation"]), str(r["id"])))


def _returns(tables: Lake, taxpayer_id: str) -> list[Row]:
    """One row per return in force: its lines side by side."""
    found: dict[tuple[Any, ...], Row] = {}
    for line in _of(tables, "return_line", taxpayer_id):
        key = (line["tax"], line["period_from"], line["period_to"], line["form"])
        row = found.setdefault(key, {**_pick(line, ("tax", "form", "period_from", "period_to", "filed_on")), "version": line.get("version"), "lines": {}})
        row["lines"][line["return_line"]] = line["amount"]
    return [found[key] for key in sorted(found, key=lambda k: (k[0], k[1], k[3]))]


def _statements(tables: Lake, taxpayer_id: str) -> list[Row]:
    found: dict[tuple[Any, ...], Row] = {}
    for item in _of(tables, "financial_statement", taxpayer_id):
        key = (item["period_from"], item["period_to"])
        row = found.setdefault(key, {**_pick(item, ("period_from", "period_to", "filed_on")), "items": {}})
        row["items"][item["item"]] = item["amount"]
    return [found[key] for key in sorted(found)]


def _invoices(tables: Lake, taxpayer_id: str) -> list[Row]:
    """Invoices issued and received by month. Received ones come from the invoices handed in, else from the trade edges."""
    rows: list[Row] = []
    if "invoice" in tables:
        rows += _monthly(_where(tables["invoice"], "seller_id", [taxpayer_id]), "out")
        rows += _monthly(_where(tables["invoice"], "buyer_id", [taxpayer_id]), "in")
    if "trade_edge_month" in tables and not any(r["direction"] == "in" for r in rows):
        rows += _edges(_of(tables, "trade_edge_month", taxpayer_id))
    return sorted(rows, key=lambda r: (r["month"], r["direction"]))


def _monthly(invoices: list[Row], direction: str) -> list[Row]:
    months: dict[date, Row] = {}
    for one in sorted(invoices, key=lambda r: (r["issued_on"], r["invoice_no"])):
        month = one["issued_on"].replace(day=1)
        row = months.setdefault(month, {"month": month, "direction": direction, "n": 0, "net": Decimal(0), "tax": Decimal(0), "from": _from(one)})
        row["n"] += 1
        row["net"] += one["net"] or 0
        row["tax"] += one["tax_amount"] or 0
        row["from"] = max(row["from"], _from(one), key=lambda f: (str(f["known_at"]), str(f["file"])))
    return list(months.values())


def _edges(edges: list[Row]) -> list[Row]:
    months: dict[date, Row] = {}
    for edge in (e for e in edges if e["side"] == "buys"):
        row = months.setdefault(edge["month"], {"month": edge["month"], "direction": "in", "n": 0, "net": Decimal(0), "tax": Decimal(0), "from": {**_from(edge), "source": "trade_edge_month"}})
        row["n"] += edge["n"]
        row["net"] += Decimal(edge["net"]) / 100
        row["tax"] += Decimal(edge["tax"]) / 100
    return list(months.values())


def _payments(tables: Lake, taxpayer_id: str) -> list[Row]:
    rows = _of(tables, "payment", taxpayer_id)
    return sorted((_pick(r, ("payment_no", "tax", "period_from", "period_to", "paid_on", "kind", "amount")) for r in rows), key=lambda r: (r["paid_on"], r["payment_no"]))


def _points(tables: Lake, taxpayer_id: str) -> list[Row]:
    """Points with the names of the indicators behind them, as their facts tell them."""
    found = []
    for row in _of(tables, "risk_point", taxpayer_id):
        facts = json.loads(row.get("facts") or "{}")
        told = [f for f in (facts, *facts.get("also", [])) if f.get("name_en")]
        found.append(_pick(row, _POINT) | {"indicator_names": {f["indicator"]: {"zh": f["name_zh"], "en": f["name_en"]} for f in told}})
    return sorted(found, key=lambda r: (str(r["as_of"]), str(r["point_id"])))


def _listed(name: str, columns: tuple[str, ...], order: tuple[str, ...]) -> Callable[[Lake, str], list[Row]]:
    def section(tables: Lake, taxpayer_id: str) -> list[Row]:
        rows = (_pick(r, columns) for r in _of(tables, name, taxpayer_id))
        return sorted(rows, key=lambda r: tuple(str(r.get(c)) for c in order))

    return section


_SECTIONS: dict[str, Callable[[Lake, str], list[Row]]] = {
    "registrations": _registrations,
    "connected": _connected,
    "returns": _returns,
    "statements": _statements,
    "invoices": _invoices,
    "payments": _payments,
    "filings": _listed("filing", ("tax", "period_from", "period_to", "due_at", "filed_on", "days_late", "versions", "due", "paid", "state"), ("period_to", "tax")),
    "third_parties": _listed("party_fact", ("month", "penalties", "penalty_amount", "parcels", "land_value", "known_at"), ("month", "known_at")),
    "level": _listed("risk_level", ("level", "previous", "why", "as_of"), ("as_of",)),
    "points": _points,
    "outcomes": _listed("outcome", _OUTCOME, ("known_at", "case_id", "point_id")),
    "contacts": _listed("case_event", _EVENT, ("event_on", "case_id", "event_no")),
    "reminders": _listed("reminder", ("letter_id", "point_id", "suppressed", "as_of"), ("as_of", "point_id")),
}


def _of(tables: Lake, name: str, taxpayer_id: str) -> list[Row]:
    return _where(tables[name], "taxpayer_id", [taxpayer_id]) if name in tables else []


def _where(table: pa.Table, column: str, values: Iterable[str]) -> list[Row]:
    rows: list[Row] = table.filter(pc.is_in(table[column], value_set=pa.array(sorted({v for v in values if v is not None}), pa.string()))).to_pylist()
    return rows


def _pick(row: Row, columns: tuple[str, ...]) -> Row:
    return {c: row.get(c) for c in columns} | {"from": _from(row)}


def _from(row: Row) -> Row:
    return {"source": row.get("source") or "assay", "file": row.get("file"), "line": row.get("line"), "known_at": row.get("known_at") or row.get("as_of")}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else str(value)
