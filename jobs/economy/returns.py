"""What the firms owe and what they declare, from books and law. All money in cents.

A return has two contents: `first` (with the honest mistake of that period, if any) and `final` (after the firm's own amendment).
`due` is what the law asks for on the true books. Rates are those of the country's law in force in the month, or at the period's end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.schedule import careless
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

Lines = dict[str, Ints]


@dataclass(frozen=True)
class Returns:
    """Returns of one tax and form. Arrays are [firm, period]; `months` gives first and last month number of each period.

    `true`: the lines of a return that declares everything; its tax is `due`. `owed`: a return is owed; `mistake`: first and final differ or
    the mistake stays; `amends`: the firm amends by itself.
    """

    tax: str
    form: str
    months: list[tuple[int, int]]
    owed: Flags
    first: Lines
    final: Lines
    true: Lines
    due: Ints
    mistake: Flags
    amends: Flags


def tax_on(lines: Lines) -> Ints:
    """Tax that a return declares: what is due less what is claimed back."""
    return np.asarray(lines["due"] - lines["refund"]) if "refund" in lines else lines["due"]


def returned(tax: str, form: str, months: list[tuple[int, int]], owed: Flags, contents: tuple[Lines, Lines, Lines], mistake: Flags, amends: Flags) -> Returns:
    """Returns with `contents` = first, right (as the books have it) and true; the final one is right where the firm amends."""
    first, right, true = contents
    final = {n: np.where(amends, v, first[n]) for n, v in right.items()}
    return Returns(tax, form, months, owed, first, final, true, tax_on(true), mistake & owed, amends)


class Slips:
    """Honest mistakes by month: a forgotten or doubled invoice, input tax left out or claimed twice. Factors of a month's figures."""

    def __init__(self, world: World, f: Firms) -> None:
        c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
        self.hit = c.uniform("slip", i, t) < careless(world, f)
        kind, size = c.whole(0, 4, "slip kind", i, t), c.between(0.1, 0.5, "slip size", i, t)
        self.sales = np.where(self.hit & (kind == 0), -size, np.where(self.hit & (kind == 1), 0.6 * size, 0.0))
        self.input = np.where(self.hit & (kind == 2), -size, np.where(self.hit & (kind == 3), size, 0.0))
        self.amends = self.hit & (c.uniform("slip found", i, t) < world.country.honest.found_by_itself)
        self.forgets = c.uniform("forgets", f.number) < world.country.honest.forgets_relief  # relief it is due and does not claim


def scaled(values: Ints, factor: Floats) -> Ints:
    """Whole cents of values times factors."""
    return np.rint(values * factor).astype(np.int64)


def periods(world: World, length: int) -> list[tuple[int, int]]:
    """Calendar quarters (length 3) or the like that the horizon touches; the first and last month number of each."""
    offset = (world.start.month - 1) % length
    return [(max(n, 0), n + length - 1) for n in range(-offset, world.horizon, length)]


def whole(spans: list[tuple[int, int]], length: int) -> Flags:
    """Which periods began within the country's time: nothing is known of what was before."""
    return np.array([[b - a + 1 == length for a, b in spans]])


def calendar_years(world: World) -> list[tuple[int, int]]:
    """Calendar years that the horizon touches."""
    return periods(world, 12)


def by_period(values: Ints, spans: list[tuple[int, int]]) -> Ints:
    """Sums over periods: [firm, month] to [firm, period]."""
    starts = np.array([a for a, _ in spans])
    return np.add.reduceat(values, starts, axis=1)


def at_end(world: World, values: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    """Values at each period's last month within the horizon: [..., month] to [..., period]."""
    return np.asarray(values[..., np.minimum(np.array([b for _, b in spans]), world.horizon - 1)])


def worked(works: Flags, spans: list[tuple[int, int]]) -> Flags:
    """Whether a firm did business in a period."""
    return by_period(works.astype(np.int64), spans) > 0


def permille(values: Ints | Floats, per: Floats | float, of: int) -> Ints:
    """Tax on a base at `per` / `of`, in cents, half up."""
    return np.asarray(np.floor(values * per / of + 0.5), dtype=np.int64)


