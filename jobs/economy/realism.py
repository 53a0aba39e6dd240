"""Is it like an economy? Each check has a value, the range it must lie in, where the range is taken from, and a plain verdict.

A check with too little behind it is not judged. What is checked and why follows section A8 of the project's notes on methods: identities,
heavy tails, a connected trade network, Benford's law, industry ratios, evaders that are neither given away nor hopeless.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from jobs.economy.figures import loss_makers
from jobs.economy.kinds import SEGMENTS
from jobs.economy.learning import CAPACITY, GOOD, UNSEEN, Findable, findable
from jobs.economy.summary import Summary
from jobs.lake.arrays import Floats, Ints

LEAST_TAIL = 50  # firms in a tail below which its exponent says nothing
LEAST_FIRMS = 20  # firms of an industry below which its median says nothing
LEAST_INVOICES = 5000
LEAST_LIVING = 200  # firms below which shares of births, deaths and losses say nothing
_TAIL = 0.05

OWN = "a bound of this project's own"
AXTELL = "Axtell (2001, Science 293): all tax-paying firms of the United States have sizes with a tail exponent close to 1, whether counted by staff or by receipts"
PARTNERS = "Fujiwara and Aoyama (2010, Eur. Phys. J. B 77): among a million Japanese firms the number of partners falls off as a power law; the range is this project's own"
COMPONENT = "Fujiwara and Aoyama (2010): supplier links tie nearly all firms of a country together; the bound is this project's own, lower because much is bought outside the province"
NIGRINI = "Nigrini (2012, Benford's Law, Wiley): first digits with a mean absolute deviation up to 0.006 conform closely"
EUROSTAT = "Eurostat, business demography: in the EU about 10 firms of 100 are born in a year and 8 to 9 die, with members between about 4 and 19 (births) and 3 and 15 (deaths); the ends of the range are this project's own"
LOSSES = "NBS of China: about a fifth of industrial firms above the reporting size make a loss; IRS Statistics of Income: about 40 of 100 US corporations show no net income; the ends of the range are this project's own"
BOOKKEEPING = "double entry, and the law's own arithmetic"


@dataclass(frozen=True)
class Check:
    """One check. low and high: the range allowed, null where open; both null: reported, not judged. n: what stands behind the value."""

    group: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    source: str
    n: int
    of: str  # what n counts
    unit: str = "number"  # number, share, small, count
    note: str = ""
    error: float = 0.0  # standard error of the value, where it is an estimate

    @property
    def verdict(self) -> str:
        """pass, fail, unclear (outside, by no more than two standard errors), too little (to judge) or reported (has no bound)."""
        if self.value is None or not np.isfinite(self.value):
            return "too little"
        if self.low is None and self.high is None:
            return "reported"
        low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
        if low <= self.value <= high:
            return "pass"
        return "unclear" if low <= self.value + 2 * self.error and self.value - 2 * self.error <= high else "fail"


def checks(s: Summary, found: Findable | None = None) -> list[Check]:
    """All checks of a country. `found`: the learning checks' measurements, made here when not given."""
    return [*identity_checks(s), *life_checks(s), *tail_checks(s), *network_checks(s), digit_check(s), *industry_checks(s), *learning_checks(s, found or findable(s.figures))]


def identity_checks(s: Summary) -> list[Check]:
    """Differences to the cent at honest firms, by identity."""
    found = []
    for name, (checked, _) in s.items("identity").items():
        broken, apart = s.of("identity_broken", item=name)
        note = f"{apart / 100:,.2f} apart in all" if broken else ""
        found.append(Check("Identities", name, float(broken) if checked else None, None, 0.0, BOOKKEEPING, checked, "firm-periods", "count", note))
    return found


def life_checks(s: Summary) -> list[Check]:
    """Births and deaths in a year as shares of the firms that live, and enterprises whose books show a loss for the year."""
    living = [n for n, _ in s.items("alive").values()]
    years, mean = len(living) / 12, sum(living) / max(len(living), 1)
    found = []
    for what, low, high in (("births", 0.04, 0.20), ("deaths", 0.03, 0.15)):
        share = s.sum(what)[0] / years / mean if mean >= LEAST_LIVING else None
        found.append(Check("Firms", f"{what} in a year, share of the firms that live", share, low, high, EUROSTAT, round(mean), "firms on average", "share", error=_spread(share, mean * years)))
    enterprises = s.figures.filter(pc.less(s.figures["segment"], SEGMENTS.index("individual")))
    losing = float(loss_makers(enterprises).mean()) if enterprises.num_rows >= LEAST_LIVING else None
    found.append(Check("Firms", "enterprises whose books show a loss for the year", losing, 0.15, 0.45, LOSSES, enterprises.num_rows, "enterprises", "share", error=_spread(losing, enterprises.num_rows)))
    return found


def _spread(share: float | None, n: float) -> float:
    return float((share * (1 - share) / n) ** 0.5) if share is not None and 0 <= share <= 1 else 0.0


def hill(values: Floats, most: int) -> tuple[float, int]:
    """Exponent of the tail P(X > x) ~ x^-a over the `most` largest (Hill 1975), and how many that were."""
    top = np.sort(values[values > 0])[::-1][: most + 1]
    if len(top) < LEAST_TAIL:
        return float("nan"), max(0, len(top) - 1)
    spread = float(np.log(top[:-1] / top[-1]).sum())
    return ((len(top) - 1) / spread if spread > 0 else float("inf")), len(top) - 1


def hill_whole(values: Ints, most: int) -> tuple[float, int]:
    """The same for whole numbers: from the `most`-th largest on, with the half step of Clauset, Shalizi and Newman (2009)."""
    ordered = np.sort(values)[::-1]
    if len(ordered) < LEAST_TAIL or ordered[0] < 2:
        return float("nan"), 0
    least = max(int(ordered[min(most, len(ordered) - 1)]), 2)
    top = ordered[ordered >= least]
    return len(top) / float(np.log(top / (least - 0.5)).sum()), len(top)


def expanded(s: Summary, measure: str) -> Ints:
    """Values of a measure whose items are numbers: each as often as it was counted."""
    cells = s.items(measure)
    return np.repeat(np.array([int(i) for i in cells], dtype=np.int64), [n for n, _ in cells.values()])


def tail_checks(s: Summary) -> list[Check]:
    """Exponents of sizes and of numbers of partners."""
    living = s.n("firms_last_year")
    size, n = hill(s.largest.astype(np.float64), min(int(living * _TAIL), len(s.largest) - 1))
    partners, m = hill_whole(expanded(s, "customers"), int(living * _TAIL))
    return [
        Check("Sizes and trade", "tail exponent of yearly sales", size, 0.9, 1.2, AXTELL, n, "largest firms", error=_error(size, n)),
        Check("Sizes and trade", "tail exponent of the number of customers", partners, 1.0, 2.0, PARTNERS, m, "firms with the most customers", error=_error(partners, m)),
    ]


def _error(exponent: float, n: int) -> float:
    return exponent / n**0.5 if n and np.isfinite(exponent) else 0.0


def network_checks(s: Summary) -> list[Check]:
    """Links both ways, and how much of the country hangs together."""
    links, mutual = s.of("links")
    living = s.n("firms_last_year")
    share, note = (None, f"not counted above {200_000:,} taxpayers") if s.pairs is None else (largest_component(s.pairs, living), "")
    return [
        Check("Sizes and trade", "reciprocity: supplier links that go both ways", mutual / links if links >= LEAST_TAIL else None, 0.05, 0.20, OWN, links, "links of a year", "share"),
        Check("Sizes and trade", "firms in the largest connected component", share, 0.80, None, COMPONENT, living, "firms of a year", "share", note),
    ]


def largest_component(pairs: tuple[Ints, Ints], firms: int) -> float:
    """Share of firms tied together by trade within the country, whatever its direction; a firm without partners hangs alone."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(pairs[0]):
        return 0.0
    names, at = np.unique(np.concatenate(pairs), return_inverse=True)
    half = len(pairs[0])
    graph = coo_matrix((np.ones(half, dtype=np.int8), (at[:half], at[half:])), shape=(len(names), len(names)))
    _, label = connected_components(graph, directed=False)
    return float(np.bincount(label).max() / max(firms, len(names)))


def digit_check(s: Summary) -> Check:
    """Mean absolute deviation of first digits of honest invoices from Benford's law."""
    count = digits(s, "honest")
    total = int(count.sum())
    apart = float(np.abs(count / max(total, 1) - benford()).mean())
    return Check("Amounts", "Benford: mean absolute deviation of first digits, honest invoices", apart if total >= LEAST_INVOICES else None, None, 0.006, NIGRINI, total, "invoices", "small")


def digits(s: Summary, whose: str) -> Ints:
    """How often each first digit stands, 1 to 9."""
    return np.array([s.n("digit", whose, str(n)) for n in range(1, 10)], dtype=np.int64)


def benford() -> Floats:
    """Shares of first digits by Benford's law."""
    return np.log10(1 + 1 / np.arange(1, 10))


def industry_checks(s: Summary) -> list[Check]:
    """Median VAT burden (of general taxpayers) and margin by industry, inside the ranges that the country's YAML cites."""
    table, found = s.figures, []
    industry, general = table["industry"].to_numpy(), table["general"].to_numpy() > 0
    for number, one in enumerate(s.world.country.industries):
        for what, figure, who, (low, high) in (("VAT burden", "burden", general, one.burden), ("margin", "profit", np.ones_like(general), one.margin)):
            values = table[figure].to_numpy()[(industry == number) & who]
            middle = float(np.median(values)) if len(values) >= LEAST_FIRMS else None
            found.append(Check("Industries", f"{one.code} {one.word}: median {what}", middle, low, high, one.source or "no range is cited", len(values), "firms", "share"))
    return found


def learning_checks(s: Summary, found: Findable | None) -> list[Check]:
    """Neither too easy nor hopeless, and honest firms that look odd."""
    top, group = f"the first {CAPACITY:.0%}", "Evaders"
    if found is None:
        evaders = int(np.sum(s.figures["evades"].to_numpy(zero_copy_only=False)))
        return [Check(group, "whether evaders are neither given away nor hopeless to find", None, None, 1.0, OWN, s.figures.num_rows, f"firms, {evaders:,} of them evaders")]
    behind, error = (OWN, found.firms, f"firms, {found.evaders:,} of them evaders"), 0.5 / found.evaders**0.5
    size = max(1, int(found.firms * CAPACITY))
    best = max(found.single, key=lambda n: found.single[n])

    def share(name: str, value: float, low: float | None, high: float | None, note: str) -> Check:
        known = bool(np.isfinite(value))
        return Check(group, name, value if known else None, low, high, *behind, unit="share", note=note, error=float(np.sqrt(value * (1 - value) / size)) if known else 0.0)

    good = found.evaders >= GOOD  # a model needs labels to be a good one
    return [
        Check(group, "AUC of the best single figure", found.single[best], None, 0.75, *behind, note=f"best: {best.replace('_', ' ')}", error=error),
        Check(group, "AUC of a good model with every label, cross-validated", found.model if good else None, 0.75, 0.92, *behind, error=error),
        share(f"precision at {top} of a good model with every label", found.precision if good else float("nan"), 0.20, 0.60, "share of evaders among the firms it puts first"),
        share(f"honest start-ups, loss makers and seasonal firms among {top} by simple rules", found.odd, 0.30, None, f"{found.odd_everywhere:.0%} of all firms are such"),
        share(f"precision at {top} of a model that learnt from old cases only", found.learnt, 0.20, 0.60, f"{found.examined:,} firms had been examined; measured on the others"),
        share(f"recall at {top} of two typologies never seen in training", found.unseen_all, None, None, ", ".join(UNSEEN).replace("_", " ")),
    ]
