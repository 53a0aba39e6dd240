"""What the tax service's own systems and the treasury send: returns, statements, payments."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.accounts import Accounts
from jobs.economy.books import Books
from jobs.economy.filing import DUE_DAYS, Conduct
from jobs.economy.firms import Firms, alive
from jobs.economy.returns import Returns, by_period, periods, whole
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.words import ids_of
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints, day_number

_VAT_LINES = {"应税销售额": "sales", "销项税额": "output", "进项税额": "input", "免税销售额": "exempt", "上期留抵税额": "credit_in", "期末留抵税额": "credit_out", "出口销售额": "exports", "免抵退应退税额": "refund", "应纳税额": "due"}
_TAX_NAMES = {"VAT": "增值税", "CIT": "企业所得税", "PIT": "个人所得税", "SOCIAL": "社会保险费", "STAMP": "印花税", "PROPERTY": "房产税", "LVAT": "土地增值税"}
_PROPERTY_TAXES = {"PB-STAMP": "STAMP", "PB-PROP": "PROPERTY", "PB-LVAT": "LVAT"}
SOURCES = {"VAT-G": "vat_return", "VAT-S": "vat_return", "CIT-A": "cit_return", "PIT-W": "pit_return", "SOC-M": "social_return", "PB-STAMP": "property_return", "PB-PROP": "property_return", "PB-LVAT": "property_return"}


def return_papers(world: World, f: Firms, r: Returns, w: Conduct) -> pa.Table:
    """The returns of one form as filed: first submissions, the firms' own amendments, and what they correct when told."""
    parts = []
    for number, lines, when in ((1, r.first, w.filed), (2, r.final, w.amended), (3, r.true, w.corrected)):
        firm, period = np.nonzero((when < NEVER) & sent(world, w.ends))
        cells = {name: values[firm, period] for name, values in lines.items()}
        parts.append(return_rows(r.form, ids_of(world, f)[firm], w.starts[period], w.ends[period], when[firm, period], np.full(len(firm), number), cells))
    return pa.concat_tables(parts)


def sent(world: World, ends: Ints) -> np.ndarray:
    """Which periods the files speak of: those that end after the files begin."""
    return np.asarray(ends >= day_number(world.opens))[None, :]


def return_rows(form: str, ids: np.ndarray, starts: Ints, ends: Ints, filed: Ints, number: Ints, cells: dict[str, Ints]) -> pa.Table:
    """Rows of a return file. `number` is the submission; cells are cents by line (heads: hundredths)."""
    if form.startswith("VAT"):
        head = {"纳税人识别号": ids, "表种": "一般纳税人" if form == "VAT-G" else "小规模纳税人", "税款所属期起": days(starts), "税款所属期止": days(ends), "申报日期": days(filed), "申报序号": text(number)}
        lines = {zh: amounts(cells[name]) if name in cells else pa.nulls(len(ids), pa.string()) for zh, name in _VAT_LINES.items()}
        return papers(filed, {**head, **lines})
    if form.startswith("PB-"):
        return _property_rows(form, ids, starts, ends, filed, number, cells)
    payer = {"PIT-W": "withholder_id", "SOC-M": "employer_id"}.get(form, "taxpayer_id")
    head = {payer: ids, "period_from": days(starts), "period_to": days(ends), "filed_on": days(filed), "submission": text(number)}
    lines = {name: text(values // 100) if name == "heads" else amounts(values) for name, values in cells.items()}
    return papers(filed, {**head, **lines})


def _property_rows(form: str, ids: np.ndarray, starts: Ints, ends: Ints, filed: Ints, number: Ints, cells: dict[str, Ints]) -> pa.Table:
    """The one form for taxes on property and behaviour: what is taxed, its base, the tax."""
    head = {"纳税人识别号": ids, "税种": _TAX_NAMES[_PROPERTY_TAXES[form]], "税款所属期起": days(starts), "税款所属期止": days(ends), "申报日期": days(filed), "申报序号": text(number)}
    cost = amounts(cells["cost"]) if "cost" in cells else pa.nulls(len(ids), pa.string())
    return papers(filed, {**head, "计税依据": amounts(cells["base"]), "扣除项目金额": cost, "应纳税额": amounts(cells["due"])})


def statement_papers(world: World, f: Firms, b: Books, a: Accounts) -> pa.Table:
    """Quarterly financial statements of enterprises: flows of the quarter, balances at its end."""
    c, quarters = world.chance, periods(world, 3)
    ends = world.last_day(np.array([q for _, q in quarters]))
    starts = world.first_day(np.array([q for q, _ in quarters]))
    last = np.minimum(np.array([q for _, q in quarters]), world.horizon - 1)
    works = alive(world, f)
    lines = {"revenue": b.sales, "cost": b.booked_cost + b.fake, "wages": b.booked_wages, "profit": a.profit}
    found = {n: by_period(v, quarters) for n, v in lines.items()}
    balances = {
        "inventory": a.balance["stock"], "assets": a.assets, "receivable_related": a.balance["owner_loans"], "payable": -a.balance["payable"], "cash": a.balance["cash"],
        "receivable": a.balance["receivable"], "liabilities": a.liabilities, "equity": a.equity,
    }  # fmt: skip
    found |= {n: v[:, last] for n, v in balances.items()}
    filed = ends[None, :] + np.where(c.uniform("statement late", f.number[:, None], ends[None, :]) < 0.06, 20, 0) + c.whole(3, 16, "statement", f.number[:, None], ends[None, :])
    there = works[:, last] & ~f.individual[:, None] & whole(quarters, 3) & sent(world, ends) & (c.uniform("statement missing", f.number[:, None], ends[None, :]) > 0.015)
    firm, q = np.nonzero(there)
    head = {"taxpayer_id": ids_of(world, f)[firm], "period_from": days(starts[q]), "period_to": days(ends[q]), "filed_on": days(filed[firm, q]), "submission": "1"}
    order = ("revenue", "cost", "profit", "wages", *balances)
    return papers(filed[firm, q], {**head, **{n: amounts(found[n][firm, q]) for n in order}})


def payment_papers(world: World, f: Firms, r: Returns, w: Conduct) -> pa.Table:
    """What the treasury received for one tax: main payments with interest when late, and what followed amendments and reminders."""
    parts = []
    deadline = w.ends[None, :] + DUE_DAYS[r.tax]
    interest = w.amount * np.maximum(w.paid - deadline, 0) // 2000  # 0.05 per cent a day
    for kind, name, when, amount in ((0, "税款", w.paid, w.amount), (1, "滞纳金", w.paid, interest), (2, "税款", w.second, w.second_amount), (3, "税款", w.told, w.told_amount)):
        firm, p = np.nonzero((when < NEVER) & (amount > 0) & sent(world, w.ends))
        rows = payment_rows(world, r.tax, name, f.number[firm], ids_of(world, f)[firm], w.starts[p], w.ends[p], when[firm, p], amount[firm, p], kind)
        parts.append(rows)
    return pa.concat_tables(parts)


def payment_rows(world: World, tax: str, kind: str, number: Ints, ids: np.ndarray, starts: Ints, ends: Ints, when: Ints, cents: Ints, salt: int) -> pa.Table:
    """Rows of a treasury file; the receipt number follows from payer, period and kind."""
    serial = world.chance.bits("receipt " + tax, number, starts, ends, when, salt) % np.uint64(10**14)
    head = {"receipt_no": pa.array([f"{world.country.place.prefix}{int(s):014d}" for s in serial]), "payer_id": ids, "tax": _TAX_NAMES[tax], "period_from": days(starts), "period_to": days(ends)}
    return papers(when, {**head, "paid_on": days(when), "kind": kind, "amount": amounts(cents)})
