"""The census of tax: conduct towards deadlines, honest errors, evasion, what the old system examined, what third parties know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.declare import Declared
from jobs.economy.figures import last_year
from jobs.economy.filing import DUE_DAYS
from jobs.economy.firms import Firms, alive
from jobs.economy.kinds import CAUSES, HONEST, NAMES, SEGMENTS
from jobs.economy.old_cases import OldCases, strings
from jobs.economy.returns import tax_on
from jobs.economy.schedule import evading
from jobs.economy.tally import Tally
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints, cents, day_number, whole_array

LATE = (1, 4, 11, 31, 91)  # days late from which a class of lateness begins
IDENTITY = {
    "land": "holder_id", "penalty": "统一社会信用代码", "licence": "统一社会信用代码", "customs": "统一社会信用代码", "electricity": "证件号码",
    "social_security": "统一社会信用代码", "credit_rating": "纳税人.识别号", "bank_month": "证件号码", "tip_off": "被检举人.证件号",
}  # fmt: skip


def conduct_rows(t: Tally, world: World, f: Firms, d: Declared) -> None:
    """Returns due so far, by form: in time, late by how much, never; paid in time, late, not; what is still owed of what was declared."""
    today = day_number(world.through)
    for r, w in zip(d.returns, d.conduct, strict=True):
        due = (w.ends + DUE_DAYS[r.tax])[None, :]
        owed = r.owed & (due <= today) & (w.ends >= day_number(world.opens))[None, :]
        days = np.where(w.filed < NEVER, w.filed - due, NEVER)[owed]
        state = np.where(days >= NEVER, len(LATE) + 1, np.searchsorted(LATE, days, side="right"))
        t.add("filed", [r.form] * (len(LATE) + 2), range(len(LATE) + 2), np.bincount(state, minlength=len(LATE) + 2))
        t.one("amended", int((owed & (w.amended <= today)).sum()), group=r.form)
        owes = owed & (w.filed <= today) & (w.amount > 0)
        paid = np.where(w.paid <= np.maximum(due, w.filed), 0, np.where(w.paid <= today, 1, 2))[owes]
        t.add("paid", [r.form] * 3, ("in time", "late", "not"), np.bincount(paid, minlength=3), np.bincount(paid, weights=w.amount[owes].astype(np.float64), minlength=3))


def error_rows(t: Tally, world: World, f: Firms, d: Declared) -> None:
    """What honest firms declared wrongly in the returns that stand, by form and direction."""
    honest, today = (f.typology == HONEST)[:, None], day_number(world.through)
    for r, w in zip(d.returns, d.conduct, strict=True):
        over = r.owed & honest & (w.filed <= today) & (w.ends >= day_number(world.opens))[None, :]
        apart = np.where(over, r.due - tax_on(r.final), 0)
        for name, which in (("too little", apart > 0), ("too much", apart < 0)):
            t.one("honest_error", int(which.sum()), int(np.abs(apart[which]).sum()), r.form, name)
        t.one("honest_returns", int(over.sum()), int(np.where(over, r.due, 0).sum()), r.form)


def evasion_rows(t: Tally, world: World, f: Firms, tax: pa.Table) -> None:
    """Firms by typology and cause; of the returns of the last year: due, hidden and unpaid by tax, typology and cause."""
    year = last_year(world)
    there = alive(world, f)[:, year].sum(axis=1) > 0
    doing = there & (evading(world, f)[:, year].max(axis=1) > 0)
    for measure, who in (("evaders", doing), ("have_evaded", there & (f.typology != HONEST))):
        cell = np.bincount(f.typology[who] * len(CAUSES) + f.cause[who], minlength=len(NAMES) * len(CAUSES)).reshape(len(NAMES), -1)
        t.grid(measure, NAMES, CAUSES, cell)
    segment = np.bincount(f.segment[doing], minlength=len(SEGMENTS))
    t.add("evaders_segment", SEGMENTS, [""] * len(SEGMENTS), segment)
    ends = pc.cast(whole_array(tax["period_to"]), pa.int32()).to_numpy()
    rows = tax.filter(pa.array((ends >= world.first_day(year.start)) & (ends < world.first_day(year.stop))))
    rows = rows.append_column("hidden", pc.subtract(rows["due"], rows["declared"]))
    found = rows.group_by(["tax", "typology", "cause"]).aggregate([("due", "sum"), ("hidden", "sum"), ("paid", "sum"), ("due", "count")])
    names = pc.binary_join_element_wise(found["typology"], found["cause"], "/")
    for measure in ("due", "hidden", "paid"):
        t.add(f"tax_{measure}", strings(found["tax"]), strings(names), found["due_count"].to_numpy(), cents(found[f"{measure}_sum"].cast(pa.decimal128(18, 2))))


def enforcement_rows(t: Tally, world: World, f: Firms, old: OldCases, history: pa.Table) -> None:
    """Old cases by source, treatment, segment, district and industry: how many, how many found something, how many were of evaders."""
    evaded = (f.typology[old.firm] != HONEST) & (f.since[old.firm] < old.month)
    by = {
        "source": old.source, "treatment": old.treatment, "segment": np.array(SEGMENTS)[f.segment[old.firm]], "region": f.region[old.firm].astype(str),
        "industry": world.country.column("code")[f.industry[old.firm]].astype(str),
    }  # fmt: skip
    for name, group in by.items():
        _by_case(t, f"cases_{name}", group, old.found, evaded)
    kind = strings(history["kind"])
    for measure, values in (("answers", strings(history["result"])[kind == "point_answered"]), ("case_events", kind)):
        names, n = np.unique(values, return_counts=True)
        t.add(measure, [""] * len(names), names, n)


def _by_case(t: Tally, measure: str, group: np.ndarray, found: np.ndarray, evaded: np.ndarray) -> None:
    names, at = np.unique(group, return_inverse=True)
    for item, counted in (("cases", np.ones(len(at))), ("found", found > 0), ("evaders", evaded)):
        money = np.bincount(at, weights=found, minlength=len(names)) if item == "cases" else None
        t.add(measure, names, [item] * len(names), np.bincount(at, weights=counted, minlength=len(names)), money)


def coverage_rows(t: Tally, ids: pa.Array, found: Mapping[str, pa.Table]) -> None:
    """Rows each source sent; of third parties also how many name a firm of the country by its right id, by another, or by none."""
    for source, rows in found.items():
        t.one("rows", rows.num_rows, group=source)
        name = IDENTITY.get(source)
        if name is None or name not in rows.column_names or rows.num_rows == 0 or len(ids) == 0:
            continue
        named = pc.fill_null(rows[name].cast(pa.string()), "")
        firm = whole_array(pc.fill_null(pc.index_in(named, value_set=ids), -1)).to_numpy()
        code = whole_array(pc.equal(pc.utf8_length(named), len(ids[0].as_py()))).to_numpy(zero_copy_only=False)  # a mark for "none" is shorter
        state = np.where(firm >= 0, 0, np.where(code, 1, 2))
        t.add("identified", [source] * 3, ("right", "wrong", "none"), np.bincount(state, minlength=3))
        t.one("firms_named", _distinct(firm), group=source)


def _distinct(firm: Ints) -> int:
    return len(np.unique(firm[firm >= 0]))
