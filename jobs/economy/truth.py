"""What is true: per firm, tax and period what was due, what was declared, and why they differ. Sealed; nothing outside this room reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.filing import Conduct
from jobs.economy.firms import Firms
from jobs.economy.kinds import CAUSES, HONEST, NAMES
from jobs.economy.life import held_by_parent, main_owner, person_id
from jobs.economy.returns import Returns, tax_on
from jobs.economy.schedule import evading
from jobs.economy.tables import dates, money
from jobs.economy.trade import KINDS, SPOT, Orders
from jobs.economy.words import company_names, ids_of
from jobs.economy.world import NEVER, TAXES, World
from jobs.lake.arrays import Ints, day_number


@dataclass(frozen=True)
class Ledger:
    """Due and hidden tax in cents, per tax, at the last month of each period: [firm, month]. Hidden = due less what was ever declared."""

    due: dict[str, Ints]
    hidden: dict[str, Ints]

    def between(self, what: str, tax: str, firm: Ints, first: Ints, last: Ints) -> Ints:
        """Sum of `due` or `hidden` of firms (positions) over periods that end in months first..last."""
        values = getattr(self, what)[tax]
        total = np.concatenate([np.zeros((len(values), 1), dtype=np.int64), np.cumsum(values, axis=1)], axis=1)
        top = values.shape[1]
        return np.asarray(total[firm, np.clip(last + 1, 0, top)] - total[firm, np.clip(first, 0, top)])


def ledger(world: World, f: Firms, made: list[tuple[Returns, Conduct]]) -> Ledger:
    """Due and hidden tax of a bucket's firms."""
    due = {t: np.zeros((len(f), world.horizon), dtype=np.int64) for t in TAXES}
    hidden = {t: np.zeros_like(v) for t, v in due.items()}
    for r, w in made:
        for p, (_, last) in enumerate(r.months):
            if last < world.horizon:
                owes = np.where(r.owed[:, p], r.due[:, p], 0)
                due[r.tax][:, last] += owes
                hidden[r.tax][:, last] += owes - _declared(world, r, w, p)
    return Ledger(due, hidden)


def _declared(world: World, r: Returns, w: Conduct, p: int) -> Ints:
    filed = r.owed[:, p] & (w.filed[:, p] < NEVER)
    return np.where(w.corrected[:, p] <= day_number(world.through), r.due[:, p], np.where(filed, tax_on(r.final)[:, p], 0))


def _paid(world: World, w: Conduct) -> Ints:
    """Cents paid so far for each period."""
    now = day_number(world.through)
    return sum((np.where(day <= now, cents, 0) for day, cents in ((w.paid, w.amount), (w.second, w.second_amount), (w.told, w.told_amount))), np.zeros_like(w.amount))


def tax_table(world: World, f: Firms, made: list[tuple[Returns, Conduct]]) -> pa.Table:
    """One row per return owed for a period that has ended: what was due, declared, filed and paid, typology and cause.

    `declared` is what stands declared where the country has lived to. How it came to that: `declared_first` in the first return (0: none was
    filed), `declared_amended` from `amended_on` by the firm of its own accord, all that was due from `corrected_on` when told.
    """
    level, ids = evading(world, f), ids_of(world, f)
    return pa.concat_tables([_rows_of(world, f, r, w, level, ids) for r, w in made])


def _rows_of(world: World, f: Firms, r: Returns, w: Conduct, level: np.ndarray, ids: np.ndarray) -> pa.Table:
    over = (w.ends <= day_number(world.through)) & (w.ends >= day_number(world.opens))
    firm, p = np.nonzero(r.owed & over[None, :])
    declared = np.array([_declared(world, r, w, n) for n in range(len(r.months))]).T[firm, p]
    last = np.minimum(np.array([b for _, b in r.months])[p], world.horizon - 1)
    evades = level[firm, last] > 0
    filed = np.minimum(w.filed, w.corrected)[firm, p]
    mistake = r.mistake[firm, p] & (r.due[firm, p] != declared)
    cause = np.where(evades, f.cause[firm], np.where(filed >= NEVER, CAUSES.index("inability"), np.where(mistake, CAUSES.index("ignorance"), 0)))
    kind = np.where(evades, np.array(NAMES)[f.typology[firm]], np.where(filed >= NEVER, "non_filer", np.where(mistake, "honest_error", NAMES[HONEST])))
    paid = _paid(world, w)[firm, p]
    day = day_number(world.through)
    first, final = (np.where(w.filed < NEVER, tax_on(lines), 0)[firm, p] for lines in (r.first, r.final))
    return pa.table({
        "firm": pa.array(f.number[firm]), "taxpayer_id": pa.array(ids[firm]), "tax": pa.repeat(r.tax, len(firm)), "form": pa.repeat(r.form, len(firm)),
        "period_from": dates(w.starts[p]), "period_to": dates(w.ends[p]), "due": money(r.due[firm, p]), "declared": money(declared), "paid": money(paid),
        "filed_on": _by(filed, NEVER - 1), "declared_first": money(first), "declared_amended": money(final),
        "amended_on": _by(w.amended[firm, p], day), "corrected_on": _by(w.corrected[firm, p], day),
        "typology": pa.array(kind.astype(str)), "cause": pa.array(np.array(CAUSES)[cause]),
    })


def _by(days: Ints, last: int) -> pa.Array:
    """Dates of day numbers; null where it happens later than `last`, or never."""
    return pc.if_else(pa.array(days <= last), dates(np.minimum(days, last)), pa.scalar(None, pa.date32()))


def firm_table(world: World, f: Firms) -> pa.Table:
    """One row per firm: who it is and how it evades."""
    return pa.table({
        "firm": pa.array(f.number), "taxpayer_id": pa.array(ids_of(world, f)), "name": company_names(world, f), "industry": pa.array(world.country.column("code")[f.industry]),
        "region": pa.array(f.region.astype(str)), "size": pa.array(f.size), "birth": pa.array(f.birth), "death": pa.array(f.death), "typology": pa.array(np.array(NAMES)[f.typology]),
        "intensity": pa.array(f.intensity), "since": pa.array(f.since), "cause": pa.array(np.array(CAUSES)[f.cause]),
    })


def link_table(world: World, f: Firms, bought: Orders) -> pa.Table:
    """Links planted: who bought fictitious invoices, spot goods and shifted services from whom; who is held by whom."""
    planted = bought.where(bought.kind >= SPOT)
    pairs = np.unique(np.stack([planted.buyer, planted.supplier, planted.kind]), axis=1)
    owner = person_id(world, main_owner(world, f))
    held = held_by_parent(world, f)
    trade = pa.table({"kind": pa.array([KINDS[k] for k in pairs[2].tolist()], pa.string()), "firm": pa.array(pairs[0]), "other": pa.array(pairs[1]), "person": pa.nulls(len(pairs[0]), pa.string())})
    owns = pa.table({"kind": pa.array(np.where(held, "parent", "owner").astype(str)), "firm": pa.array(f.number), "other": pa.array(np.where(held, f.number // 4 * 4, -1)), "person": pa.array(owner, pa.string())})
    return pa.concat_tables([trade, owns])
