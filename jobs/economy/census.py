"""The census: what one task writes down about its bucket so that the country can be described without anybody holding it.

Counts that add up over buckets (`census`), the largest firms (`census_top`), who trades with whom (`edges`, of small countries) and the
figures of the last year (`figures`, of a sample). All under truth/: nobody's desk has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.books import Books
from jobs.economy.census_tax import conduct_rows, coverage_rows, enforcement_rows, error_rows, evasion_rows
from jobs.economy.declare import Declared
from jobs.economy.figures import figures, last_year, partners
from jobs.economy.firms import Firms, alive
from jobs.economy.identities import identities
from jobs.economy.kinds import FLEETING, HONEST, SEGMENTS
from jobs.economy.old_cases import old_cases
from jobs.economy.setting import SLOTS
from jobs.economy.tally import Tally, by_group
from jobs.economy.trade import FAKE, Orders
from jobs.economy.words import ids_of
from jobs.economy.world import NEVER, World, month_number
from jobs.lake.arrays import Ints, day_number

EDGES_UP_TO = 200_000  # taxpayers up to which every pair of partners is written down
_TOP = 0.1  # of a bucket's firms whose exact size is kept


def take_census(truth: Path, bucket: int, world: World, f: Firms, bought: Orders, sold: Orders, b: Books, d: Declared, found: Mapping[str, pa.Table]) -> None:
    """Count a bucket and write its part. `found`: the papers of each source, before they are cut into deliveries."""
    part = f"{bucket + 1:02d}.parquet"
    tax = pq.read_table(truth / "tax" / f"tax_{part}", columns=["tax", "period_to", "due", "declared", "paid", "filed_on", "typology", "cause"])
    ids = ids_of(world, f)
    old = old_cases(world, ids, found["case_history"])
    t = counts(world, f, bought, sold, b, d)
    evasion_rows(t, world, f, tax)
    enforcement_rows(t, world, f, old, found["case_history"])
    coverage_rows(t, pa.array(ids), found)
    made = {
        "census": t.table(), "census_top": largest(world, f, b), "figures": figures(world, f, bought, sold, b, d, old),
        "edges": edges(world, bought),
    }  # fmt: skip
    for name, rows in made.items():
        if rows is not None:
            (truth / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, truth / name / f"{name}_{part}", compression="zstd", store_schema=False)


def counts(world: World, f: Firms, bought: Orders, sold: Orders, b: Books, d: Declared) -> Tally:
    """Counts and sums of a bucket that follow from its arrays."""
    t = Tally()
    _population(t, world, f)
    _business(t, world, f, b, d)
    _trade(t, world, f, bought, sold)
    _digits(t, f, sold, b)
    for name, one in identities(world, f, b, d, sold).items():
        off = (one.difference != 0) & one.applies
        t.one("identity", one.checked, item=name)
        t.one("identity_broken", int(off.sum()), int(np.abs(np.where(off, one.difference, 0)).sum()), item=name)
    conduct_rows(t, world, f, d)
    error_rows(t, world, f, d)
    return t


def months_shown(world: World) -> range:
    """Months that the files cover whole."""
    return range(max(0, month_number(world, world.opens)), max(12, world.horizon - 1))


def _population(t: Tally, world: World, f: Firms) -> None:
    shown = np.array(months_shown(world))
    works, fleeting = alive(world, f), np.isin(f.typology, FLEETING)
    lives = works[:, last_year(world)].any(axis=1)
    for measure, group, names in (("firms_industry", f.industry, _codes(world)), ("firms_segment", f.segment, SEGMENTS), ("firms_region", np.searchsorted(world.country.regions, f.region), world.country.regions)):
        t.add(measure, names, [""] * len(names), np.bincount(group[lives], minlength=len(names)))
    t.one("through", 1, day_number(world.through))  # the country may have lived on when this is read
    t.one("firms_ever", len(f))
    t.one("firms_last_year", int(lives.sum()))
    t.one("general_taxpayers", int((lives & f.general).sum()))
    t.one("groups", int((lives & f.grouped).sum()))
    for name, who in (("lasting", ~fleeting), ("fleeting", fleeting)):
        for measure, when in (("births", f.birth), ("deaths", f.death)):
            at = when[who & (when >= shown[0]) & (when <= shown[-1])] - shown[0]
            t.add(measure, [name] * len(shown), shown, np.bincount(at, minlength=len(shown)))
    t.add("alive", [""] * len(shown), shown, works[:, shown].sum(axis=0))
    gone = (f.death < NEVER) & (f.death >= shown[0]) & (f.death <= shown[-1])
    t.one("ends", int((gone & f.abnormal).sum()), item="unreachable")
    t.one("ends", int((gone & ~f.abnormal).sum()), item="closed")


def _codes(world: World) -> np.ndarray:
    return world.country.column("code")


def _business(t: Tally, world: World, f: Firms, b: Books, d: Declared) -> None:
    """Sales by industry and month; what an industry, a segment and a district sold, earned and paid in the last year."""
    shown, year, codes = np.array(months_shown(world)), last_year(world), _codes(world)
    monthly, working = by_group(b.sales[:, shown], f.industry, len(codes)), by_group(alive(world, f)[:, shown].astype(np.int64), f.industry, len(codes))
    t.grid("sales", codes, shown, working, monthly)
    g = d.returns[0]
    vat = ((g.final["due"] - g.final["refund"]) * g.owed)[:, year].sum(axis=1)
    yearly = {
        "sales": b.sales[:, year].sum(axis=1), "vat": vat, "general_sales": (b.sales[:, year] * f.general[:, None]).sum(axis=1), "profit": d.accounts.profit[:, year].sum(axis=1),
        "wages": b.booked_wages[:, year].sum(axis=1), "heads": b.booked_heads[:, year].sum(axis=1), "exports": b.booked_exports[:, year].sum(axis=1), "stock": b.booked_stock[:, year.stop - 1],
    }  # fmt: skip
    lives = alive(world, f)[:, year].any(axis=1)
    for measure, group, names in (("year_industry", f.industry, codes), ("year_segment", f.segment, np.array(SEGMENTS)), ("year_region", np.searchsorted(world.country.regions, f.region), world.country.regions)):
        n = np.bincount(group[lives], minlength=len(names))
        t.grid(measure, names, list(yearly), np.repeat(n[:, None], len(yearly), axis=1), by_group(np.stack(list(yearly.values()), axis=1), group, len(names)))
    size = np.maximum(b.true_sales[:, year].sum(axis=1)[lives], 1)
    step = np.floor(np.log10(size / 100 + 1) * 4).astype(np.int64)  # quarters of a decade of currency
    at, n = np.unique(step, return_counts=True)
    t.add("sizes", [""] * len(at), at, n)


def largest(world: World, f: Firms, b: Books) -> pa.Table:
    """True sales of the last year, in cents, of the bucket's largest tenth."""
    size = np.sort(b.true_sales[:, last_year(world)].sum(axis=1))[::-1]
    return pa.table({"sales": pa.array(size[: max(10, int(len(size) * _TOP))])})


def edges(world: World, bought: Orders) -> pa.Table | None:
    """Pairs of the last year, once each; none of a large country."""
    if world.taxpayers > EDGES_UP_TO:
        return None
    buyer, supplier = _pairs(last_year(world), bought)
    return pa.table({"buyer": pa.array(buyer.astype(np.int32)), "supplier": pa.array(supplier.astype(np.int32))})


def _pairs(year: slice, o: Orders) -> tuple[Ints, Ints]:
    within = (o.month >= year.start) & (o.month < year.stop)
    pairs = np.unique(o.buyer[within] * 2**32 + o.supplier[within])
    return pairs // 2**32, pairs % 2**32


def _trade(t: Tally, world: World, f: Firms, bought: Orders, sold: Orders) -> None:
    """Partners by firm, links that go both ways, links that were there the year before, and what industries buy of each other."""
    year, lives = last_year(world), alive(world, f)[:, last_year(world)].any(axis=1)
    for name, own, other, o in (("customers", sold.supplier, sold.buyer, sold), ("suppliers", bought.buyer, bought.supplier, bought)):
        at, n = np.unique(partners(year, f, own, other, o.month)[lives], return_counts=True)
        t.add(name, [""] * len(at), at, n)
    buyer, supplier = _pairs(year, sold)  # seen from the suppliers, whose own purchases say whether the buyer sells to them too
    back = _pairs(year, bought)
    t.one("links", len(buyer), int(np.isin(supplier * 2**32 + buyer, back[0] * 2**32 + back[1]).sum()))
    if year.start >= 12:
        before = _pairs(slice(year.start - 12, year.start), bought)
        t.one("links_before", len(before[0]), int(np.isin(before[0] * 2**32 + before[1], back[0] * 2**32 + back[1]).sum()))
    within, codes = (bought.month >= year.start) & (bought.month < year.stop), _codes(world)
    # A supplier's trade is that of its slot; the few firms of later fraud and split businesses count with the slot's.
    cell = f.industry[np.searchsorted(f.number, bought.buyer[within])] * len(codes) + world.country.slots[bought.supplier[within] % SLOTS]
    net = np.bincount(cell, weights=bought.net[within].astype(np.float64), minlength=len(codes) ** 2)
    n = np.bincount(cell, minlength=len(codes) ** 2)
    t.grid("matrix", codes, codes, n.reshape(len(codes), -1), net.reshape(len(codes), -1))


def _digits(t: Tally, f: Firms, sold: Orders, b: Books) -> None:
    """First digits of invoices' net amounts: of what honest firms sold, and of invoices without goods."""
    honest = f.typology == HONEST
    parts = [sold.net[honest[np.searchsorted(f.number, sold.supplier)]]]
    parts += [bills.net[honest[bills.firm] & ~bills.red] for name, bills in b.bills.items() if name in ("outside", "consumers", "abroad")]
    for name, amounts in (("honest", np.concatenate(parts)), ("fictitious", sold.net[sold.kind == FAKE])):
        count = np.bincount(first_digit(amounts), minlength=10)[1:10]
        t.add("digit", [name] * 9, range(1, 10), count)


def first_digit(cents: Ints) -> Ints:
    """First digit of positive whole numbers, 0 for others."""
    value = np.maximum(cents, 0)
    power = np.searchsorted(_POWERS, value, side="right") - 1
    return np.where(value > 0, value // _POWERS[np.maximum(power, 0)], 0)


_POWERS = 10 ** np.arange(19, dtype=np.int64)


