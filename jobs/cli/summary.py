"""What an official is told before he lets a night's lists go out: counts, amounts and what was missing; no taxpayer."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.cli.batch import night_was_late, night_went_without
from jobs.cli.place import Place


def night_summary(place: Place, as_of: date) -> str:
    """Markdown about a published night: cases by treatment and office, reminders sent and held back, model, sources that were late when it received."""
    night = place.published(as_of)
    selection, reminder, score = (place.read(night, name) for name in ("selection", "reminder", "score"))
    models = ", ".join(sorted(str(m) for m in pc.unique(score["model_version"]).to_pylist())) or "none"
    deliveries = [f"* {said}" for said in night_went_without(place, night)]
    late = [f"* {said}" for said in night_was_late(place, night)]
    return "\n".join([
        f"{selection.num_rows} cases of the night of {as_of}, revision {night.revision}; model {models}.",
        "", *case_table(selection, place.conf.house.currency),
        "", reminder_line(reminder),
        *(["", "Deliveries:", *deliveries] if deliveries else []),
        "", *(["Late, and not in this night:", *late] if late else ["No source was late."]),
        "", "Approving opens these cases and sends the letters. Rejecting, or no answer in time, lets the lists lapse.",
    ])  # fmt: skip


def case_table(selection: pa.Table, currency: str) -> list[str]:
    """Lines of a Markdown table: cases, amount and days of effort by treatment and office."""
    by = selection.group_by(["treatment", "office_id"]).aggregate([("case_id", "count"), ("amount", "sum"), ("effort_days", "sum")])
    rows = sorted(by.to_pylist(), key=lambda r: (str(r["treatment"]), str(r["office_id"])))
    head = [f"| treatment | office | cases | amount, {currency} | inspector-days |", "|---|---|---:|---:|---:|"]
    return head + [
        f"| {r['treatment']} | {r['office_id']} | {r['case_id_count']:,} | {r['amount_sum'] or 0:,.0f} | {r['effort_days_sum'] or 0:,.1f} |" for r in rows
    ]


def reminder_line(reminder: pa.Table) -> str:
    """Letters that go out, and reminders held back, by reason."""
    sent = reminder.filter(pc.is_null(reminder["suppressed"]))
    held = reminder.filter(pc.is_valid(reminder["suppressed"])).group_by(["suppressed"]).aggregate([("point_id", "count")])
    reasons = ", ".join(f"{r['point_id_count']} {r['suppressed']}" for r in sorted(held.to_pylist(), key=lambda r: str(r["suppressed"])))
    letters = len(pc.unique(sent["letter_id"]))
    return f"{letters} letters with {sent.num_rows} points; held back: {reasons or 'none'}."
