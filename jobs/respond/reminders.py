"""Reminders (提示提醒): what tonight's letters say, point by point, and which of them are not sent and why."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import in_force
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table
from jobs.respond.blind import of_taxpayers
from jobs.respond.disclosure import say
from jobs.respond.draw import uniform


def remind(tables: Tables, night: Night) -> pa.Table:
    """Table reminder: one row per point of every selection whose treatment is a reminder. Kernel.

    Reads selection, risk_point, taxpayer, case_event; history: reminder. A taxpayer with any point marked fraud gets no letter at all
    (it would warn the wrong man), nor one who reached the plan's contact limit, nor one held out by the plan's keyed draw. A taxpayer who was
    held out earlier and now meets a heavier treatment gets the letter he was denied, unless fraud is suspected.
    """
    conf = night.conf
    letters = conf.letters
    points = {p["point_id"]: p for p in of_taxpayers(tables["risk_point"], tables["selection"]["taxpayer_id"].combine_chunks())}
    fraud = {p["taxpayer_id"] for p in points.values() if p["fraud"]}
    contacts, owed = _contacts(tables["case_event"], conf.plan(night.as_of).year), _owed(tables)
    rows = []
    for chosen in tables["selection"].to_pylist():
        own = [points[p] for p in sorted(chosen["points"] or []) if p in points]
        reminds = chosen["treatment"] in letters
        if reminds or chosen["taxpayer_id"] in owed:
            suppressed = _suppressed(chosen, fraud, contacts, night, reminds)
            rows += [_row(chosen, point, suppressed, night) for point in own if reminds or not point["fraud"]]
    own_columns = [pa.field(c.name, c.type) for c in table("reminder").own]
    return pa.Table.from_pylist(rows, schema=pa.schema(own_columns))


def letter_id(as_of: date, taxpayer_id: str) -> str:
    """The number of a taxpayer's letter of a night: `L`, the date, and 12 hex digits of a digest."""
    return f"L{as_of:%Y%m%d}-{hashlib.sha256(f'{as_of.isoformat()}|{taxpayer_id}'.encode()).hexdigest()[:12]}"


def held_out(seed: int, share: float, year: int, taxpayer_id: str) -> bool:
    """Whether the plan's draw holds this taxpayer's reminders out this year: drawn once a year for each taxpayer."""
    return uniform(seed, f"holdout|remind|{year}", taxpayer_id) < share


def _suppressed(chosen: dict[str, Any], fraud: set[str], contacts: dict[str, int], night: Night, reminds: bool) -> str | None:
    taxpayer_id, plan = chosen["taxpayer_id"], night.conf.plan(night.as_of)
    if taxpayer_id in fraud:
        return "fraud"
    if not reminds:
        return None
    if contacts.get(taxpayer_id, 0) >= plan.contacts_per_year:
        return "contact_limit"
    share = plan.holdout.get(chosen["treatment"], 0.0)
    return "holdout" if held_out(night.seed, share, night.as_of.year, taxpayer_id) else None


def _row(chosen: dict[str, Any], point: dict[str, Any], suppressed: str | None, night: Night) -> dict[str, Any]:
    said = say(point["facts"], point["tax"], point["period_from"], point["period_to"], night.conf)
    words = _Words(point["risk_code"], point["tax"], night)
    text = {
        "tax": point["tax"], "check": words.of("check"), "correct": words.of("correct"), "period_from": point["period_from"].isoformat(), "period_to": point["period_to"].isoformat(),
        "facts": list(said.facts), "zh": said.zh, "en": said.en,
    }
    return {
        "taxpayer_id": chosen["taxpayer_id"], "point_id": point["point_id"], "case_id": chosen["case_id"], "letter_id": letter_id(night.as_of, chosen["taxpayer_id"]),
        "text": json.dumps(text, sort_keys=True, ensure_ascii=False), "question": said.question, "suppressed": suppressed,
    }


class _Words:
    """The administration's words for a point, nearest first: by risk code, stage, tax, for all. The row keeps the words, as a letter may not name the code."""

    def __init__(self, risk_code: str, tax: str, night: Night) -> None:
        entry = night.conf.register_.get(risk_code)
        self.keys = (f".{risk_code}", *((f".{entry.stage}",) if entry else ()), f".{tax}", "")
        self.words = {w.key: {"zh": w.zh, "en": w.en} for w in in_force(night.conf.wording, night.as_of)}

    def of(self, what: str) -> dict[str, str] | None:
        """How to check, or how to correct."""
        return next((self.words[what + key] for key in self.keys if what + key in self.words), None)


def _contacts(case_event: pa.Table, year: int) -> dict[str, int]:
    """Cases towards each taxpayer in the plan's year, over all taxes and treatments; one pushed on to another office counts once, on its first day."""
    pushed = case_event.filter(pc.equal(case_event["kind"], "pushed"))
    cases = pushed.group_by(["taxpayer_id", "case_id"]).aggregate([("event_on", "min")])
    counted = cases.filter(pc.equal(pc.year(cases["event_on_min"]), year)).group_by("taxpayer_id").aggregate([("case_id", "count")])
    return dict(zip(counted["taxpayer_id"].to_pylist(), counted["case_id_count"].to_pylist()))


def _owed(tables: Tables) -> set[str]:
    """Taxpayers whose reminder was held out on an earlier night, and who have had none since.

    A published list may lapse: a reminder was sent only if its case was handed over.
    """
    history = tables.history.get("reminder")
    if history is None or history.num_rows == 0:
        return set()
    event = tables["case_event"]
    handed_over = event.filter(pc.equal(event["kind"], "pushed"))["case_id"].combine_chunks()
    held = _last_night(history.filter(pc.equal(history["suppressed"], "holdout")))
    sent = _last_night(history.filter(pc.and_(pc.is_null(history["suppressed"]), pc.is_in(history["case_id"], value_set=handed_over))))
    return {taxpayer_id for taxpayer_id, night in held.items() if night > sent.get(taxpayer_id, date.min)}


def _last_night(rows: pa.Table) -> dict[str, date]:
    last = rows.group_by("taxpayer_id").aggregate([("as_of", "max")])
    return dict(zip(last["taxpayer_id"].to_pylist(), last["as_of_max"].to_pylist()))
