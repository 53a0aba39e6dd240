"""What an office could see of each firm over the last year, as ratios, and what is true of it: the table that the learning checks use.

Only facts as written down or sent by somebody else go into a figure; what is true stands in columns of its own (`evades`, `typology`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.books import Books
from jobs.economy.declare import Declared
from jobs.economy.filing import DUE_DAYS
from jobs.economy.firms import Firms, alive, firms
from jobs.economy.lookalikes import through_agents
from jobs.economy.old_cases import OldCases
from jobs.economy.schedule import evading
from jobs.economy.trade import Orders
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Floats, Ints, day_number

SAMPLE = 100_000  # firms whose figures are kept; of a larger country a sample by hash
LEAST_MONTHS = 6  # of business in the year; of less nothing can be said
FIGURES = (
    "burden", "gross_margin", "profit", "input_gap", "output_gap", "sales_gap", "refund", "credit", "stock", "stock_growth", "wages", "sales_per_head", "pay", "expense",
    "related", "uninvoiced", "exports", "customs_gap", "rent", "owner_loans", "energy", "young_suppliers", "suppliers", "customers", "late", "missing_returns",
    "swing", "growth", "age", "size", "siblings", "general",
)  # fmt: skip


def last_year(world: World) -> slice:
    """The last twelve whole months."""
    end = max(12, world.horizon - 1)
    return slice(end - 12, end)


def partners(year: slice, f: Firms, own: Ints, other: Ints, month: Ints) -> Ints:
    """How many different partners each firm had in the year: [firm]."""
    within = (month >= year.start) & (month < year.stop)
    pairs = np.unique(own[within] * 2**32 + other[within])
    return np.bincount(np.searchsorted(f.number, pairs // 2**32), minlength=len(f)).astype(np.int64)


def figures(world: World, f: Firms, bought: Orders, sold: Orders, b: Books, d: Declared, old: OldCases) -> pa.Table:
    """One row per firm that did business for half of the last year, and is in the sample. `old`: the cases of the old system."""
    year = last_year(world)
    works = alive(world, f)[:, year].sum(axis=1)
    kept = (works >= LEAST_MONTHS) & (world.chance.uniform("portrait", f.number) < SAMPLE / max(world.taxpayers, 1))
    level = evading(world, f)[:, year].max(axis=1)
    found = _seen(world, f, bought, sold, b, d, year)
    true = {
        "firm": f.number, "industry": f.industry, "segment": f.segment, "months": works, "typology": np.where(level > 0, f.typology, 0), "evades": level > 0,
        "cause": np.where(level > 0, f.cause, 0), "hidden": _hidden(d, year),
        "examined": np.bincount(old.firm, minlength=len(f)) > 0, "found": np.bincount(old.firm, weights=np.maximum(old.found, 0), minlength=len(f)) > 0,
    }  # fmt: skip
    rows = {n: pa.array(v[kept]) for n, v in true.items()} | {n: pa.array(found[n][kept].astype(np.float32)) for n in FIGURES}
    return pa.table(rows)


def _hidden(d: Declared, year: slice) -> Ints:
    """VAT, income tax and wage tax hidden in returns of the year, in cents."""
    found = np.zeros(len(d.returns[0].due), dtype=np.int64)
    for r in d.returns[:4]:
        ends = np.array([last for _, last in r.months])
        within = (ends >= year.start) & (ends < year.stop)
        final = r.final["due"] - r.final["refund"] if "refund" in r.final else r.final["due"]
        found += np.where(r.owed, r.due - final, 0)[:, within].sum(axis=1)
    return found


def _seen(world: World, f: Firms, bought: Orders, sold: Orders, b: Books, d: Declared, year: slice) -> dict[str, Floats]:
    return _of_vat(f, b, d, year) | _of_books(world, f, b, d, year) | _of_partners(world, f, bought, sold, d, year) | _of_conduct(world, d, year)


def _share(part: np.ndarray, whole: np.ndarray) -> Floats:
    return np.asarray(part / (np.maximum(whole, 0) + 100.0))


def _sum(values: Ints, year: slice) -> Ints:
    return np.asarray(values[:, year].sum(axis=1))


def _of_vat(f: Firms, b: Books, d: Declared, year: slice) -> dict[str, Floats]:
    """Of general taxpayers only; null for the others."""
    sent = d.returns[0].owed & (d.conduct[0].filed < NEVER)
    lines, sales = {n: v * sent for n, v in d.returns[0].final.items()}, _sum(b.sales, year)
    claimed, printed = _sum(lines["input"], year), _sum(b.invoiced_tax, year)
    on_invoices = _sum(b.input_tax + b.fake_tax + b.own_use_tax, year)
    declared = _sum(lines["sales"] + lines["exempt"] + lines["exports"], year)
    found = {
        "burden": _share(_sum(lines["due"], year), sales), "input_gap": _share(claimed - on_invoices, claimed), "output_gap": _share(printed - _sum(lines["output"], year), printed),
        "sales_gap": _share(sales - declared, sales), "refund": _share(_sum(lines["refund"], year), sales), "credit": _share(lines["credit_out"][:, year.stop - 1], sales),
    }  # fmt: skip
    return {n: np.where(f.general, v, np.nan) for n, v in found.items()}


def _of_books(world: World, f: Firms, b: Books, d: Declared, year: slice) -> dict[str, Floats]:
    sales, heads = _sum(b.sales, year), _sum(b.booked_heads, year)
    monthly = b.sales[:, year].astype(np.float64)
    before = slice(max(0, year.start - 12), year.start)
    stock = b.booked_stock
    return {
        "gross_margin": 1 - _share(_sum(b.booked_cost + b.fake, year), sales), "profit": _share(_sum(d.accounts.profit, year), sales),
        "stock": _share(stock[:, year].mean(axis=1), sales), "stock_growth": _share(stock[:, year.stop - 1] - stock[:, year.start], sales),
        "wages": _share(_sum(b.booked_wages, year), sales), "sales_per_head": np.log(_share(sales, heads * 100.0) + 1), "pay": _share(_sum(b.booked_wages, year), heads * 100.0),
        "expense": _share(_sum(b.expense, year), sales), "related": _share(_sum(b.related, year), sales), "uninvoiced": _share(_sum(b.uninvoiced, year), sales),
        "exports": _share(_sum(b.booked_exports, year), sales), "customs_gap": _share(_sum(b.booked_exports - np.where(through_agents(world, f)[:, None], 0, b.exports), year), sales), "rent": _share(_sum(b.booked_rent, year), sales),
        "owner_loans": _share(b.owner_loans[:, year.stop - 1], sales), "energy": _share(_sum(b.energy, year), sales / 100.0), "swing": monthly.std(axis=1) / (monthly.mean(axis=1) + 100.0),
        "growth": np.clip(_share(sales, _sum(b.sales, before)), 0, 5) if before.stop > before.start else np.full(len(f), np.nan),
        "age": np.clip(year.stop - f.birth, 0, 240).astype(np.float64), "size": np.log(sales + 100.0), "siblings": f.grouped.astype(np.float64), "general": f.general.astype(np.float64),
    }  # fmt: skip


def _of_partners(world: World, f: Firms, bought: Orders, sold: Orders, d: Declared, year: slice) -> dict[str, Floats]:
    unique, where = np.unique(bought.supplier, return_inverse=True)
    supplier = firms(world, unique)
    doubtful = (bought.month - supplier.birth[where] < 12) | (supplier.abnormal & (supplier.death < year.stop))[where]
    doubtful &= (bought.month >= year.start) & (bought.month < year.stop)
    tax = np.bincount(np.searchsorted(f.number, bought.buyer), weights=bought.tax * bought.special * doubtful, minlength=len(f))
    return {
        "young_suppliers": _share(tax, _sum(d.returns[0].final["input"] * d.returns[0].owed, year)),
        "suppliers": partners(year, f, bought.buyer, bought.supplier, bought.month).astype(np.float64),
        "customers": partners(year, f, sold.supplier, sold.buyer, sold.month).astype(np.float64),
    }


def _of_conduct(world: World, d: Declared, year: slice) -> dict[str, Floats]:
    """Shares of the returns due in the year that came late, or not at all."""
    first, last, today = world.first_day(year.start), world.first_day(year.stop), day_number(world.through)
    counts = [np.zeros(len(d.returns[0].due)) for _ in range(3)]
    for r, w in zip(d.returns, d.conduct, strict=True):
        due = w.ends + DUE_DAYS[r.tax]
        owed = r.owed & ((due >= first) & (due < last) & (due <= today))[None, :]
        for n, part in enumerate((owed, owed & (w.filed > due[None, :]) & (w.filed < NEVER), owed & (w.filed >= NEVER))):
            counts[n] += part.sum(axis=1)
    return {"late": counts[1] / np.maximum(counts[0], 1), "missing_returns": counts[2] / np.maximum(counts[0], 1)}


def startups(found: pa.Table) -> Flags:
    """Firms less than two years old at the year's end."""
    return np.asarray(found["age"].to_numpy() < 24)


def loss_makers(found: pa.Table) -> Flags:
    """Firms whose books show a loss for the year."""
    return np.asarray(found["profit"].to_numpy() < 0)


def seasonal(found: pa.Table) -> Flags:
    """Firms whose monthly sales swing so much that their standard deviation is half of their mean."""
    return np.asarray(found["swing"].to_numpy() > 0.5)
