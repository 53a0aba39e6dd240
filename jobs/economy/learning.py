"""How hard evaders are to find from what an office sees: by one figure, by old-style rules, by a model with every label, by one that never saw the fault.

All on the figures of the last year. A model with every true label is the best case: no office has such labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.economy.figures import FIGURES, loss_makers, seasonal, startups
from jobs.economy.kinds import HONEST, NAMES
from jobs.lake.arrays import Flags, Floats, Ints

CAPACITY = 0.05
UNSEEN = ("inflated_costs", "private_accounts")
LEAST = 30  # evaders, and honest firms, below which nothing is learnt
CASES = 100  # old cases with a finding, and without one, below which they teach nothing
GOOD = 400  # evaders below which a model with every label has too few of them to be called a good one
MOST = 15_000  # firms that are learnt from: a model gets better with every label it is given, and a country is no easier for being larger
_FOLDS, _HONEST_SAMPLE = 3, 2000
_RULES = {"burden": -1, "gross_margin": -1, "profit": -1, "input_gap": 1, "output_gap": 1, "sales_gap": 1, "stock": 1, "stock_growth": 1, "related": 1, "owner_loans": 1, "young_suppliers": 1, "refund": 1, "late": 1, "missing_returns": 1}


@dataclass(frozen=True)
class Findable:
    """`single`: AUC of each figure alone, the better of raw and against the industry. Others: at capacity, the first twentieth."""

    firms: int
    evaders: int
    single: dict[str, float]
    model: float
    precision: float
    precision_rules: float
    recall: dict[str, float]  # by typology, by the model that saw all
    count: dict[str, int]
    telltale: dict[str, tuple[str, float]]  # by typology: the figure that tells it best from honest firms, and its AUC
    unseen: dict[str, float]  # by typology never seen in training
    unseen_all: float
    odd: float  # of the rules' first twentieth: honest and a start-up, loss maker or seasonal
    odd_kinds: dict[str, float]
    odd_everywhere: float
    examined: int
    learnt: float  # precision of a model that learnt from old cases alone, among the firms that were not examined; NaN without cases enough


def findable(found: pa.Table, seed: int = 1) -> Findable | None:
    """Measure it; None when there are too few firms or evaders to say."""
    if found.num_rows > MOST:
        found = found.take(np.sort(np.random.default_rng(seed).permutation(found.num_rows)[:MOST]))
    evades, typology = _flags(found, "evades"), found["typology"].to_numpy()
    if min(evades.sum(), (~evades).sum()) < LEAST:
        return None
    table = _table(found)
    size = max(1, int(len(evades) * CAPACITY))
    score = _crossed(table, evades, np.ones(len(evades), dtype=bool), seed)
    first, chosen = (_first(s, found["firm"].to_numpy(), size) for s in (rule_score(found), score))
    unseen = never_seen(found, UNSEEN, seed)
    kinds = {"start-up": startups(found), "loss maker": loss_makers(found), "seasonal": seasonal(found)}
    odd = np.any(list(kinds.values()), axis=0) & ~evades
    there = [n for n in NAMES if n != NAMES[HONEST] and (typology == NAMES.index(n)).any()]
    return Findable(
        firms=len(evades), evaders=int(evades.sum()), single=single(found, evades), model=area(evades, score), precision=float(evades[chosen].mean()),
        precision_rules=float(evades[first].mean()), recall={n: float(chosen[typology == NAMES.index(n)].mean()) for n in there},
        count={n: int((typology == NAMES.index(n)).sum()) for n in there}, telltale=telltales(found, there), unseen={n: recall for n, (_, recall) in unseen.items()},
        unseen_all=_weighted(unseen), odd=float(odd[first].mean()),
        odd_kinds={n: float((v & ~evades)[first].mean()) for n, v in kinds.items()}, odd_everywhere=float(odd.mean()),
        examined=int(np.sum(_flags(found, "examined"))), learnt=_from_cases(found, table, evades, seed),
    )  # fmt: skip


def telltales(found: pa.Table, kinds: Sequence[str]) -> dict[str, tuple[str, float]]:
    """By what single figure, against its industry, each typology is best told from honest firms, a sample of them, and how well."""
    typology, industry, evades = found["typology"].to_numpy(), found["industry"].to_numpy(), _flags(found, "evades")
    honest = np.flatnonzero(~evades)
    honest = honest[:: max(1, len(honest) // _HONEST_SAMPLE)]
    best: dict[str, tuple[str, float]] = {n: ("", 0.5) for n in kinds}
    for name in FIGURES:
        values = against_peers(found[name].to_numpy().astype(np.float64), industry)
        for kind in kinds:
            rows = np.concatenate([np.flatnonzero(typology == NAMES.index(kind)), honest])
            rows = rows[np.isfinite(values[rows])]
            told = area(typology[rows] == NAMES.index(kind), values[rows])
            best[kind] = max(best[kind], (name, max(told, 1 - told)), key=lambda one: one[1])
    return best


def never_seen(found: pa.Table, names: Sequence[str], seed: int = 1) -> dict[str, tuple[int, float]]:
    """Typologies kept from a model's training: how many firms of each there are, and what share of them it still puts first."""
    typology = found["typology"].to_numpy()
    score = _crossed(_table(found), _flags(found, "evades"), ~np.isin(typology, [NAMES.index(n) for n in names]), seed)
    first = _first(score, found["firm"].to_numpy(), max(1, int(found.num_rows * CAPACITY)))
    of = {n: typology == NAMES.index(n) for n in names}
    return {n: (int(mine.sum()), float(first[mine].mean())) for n, mine in of.items() if mine.any()}


def _weighted(unseen: dict[str, tuple[int, float]]) -> float:
    n = sum(count for count, _ in unseen.values())
    return sum(count * recall for count, recall in unseen.values()) / n if n else float("nan")


def _table(found: pa.Table) -> Floats:
    industry, raw = found["industry"].to_numpy(), [found[n].to_numpy().astype(np.float64) for n in FIGURES]
    return np.column_stack([*raw, *(against_peers(v, industry) for v in raw), industry, found["segment"].to_numpy()])


def single(found: pa.Table, evades: Flags) -> dict[str, float]:
    """AUC of each figure alone, whichever direction helps, where it is known."""
    industry, best = found["industry"].to_numpy(), {}
    for name in FIGURES:
        raw = found[name].to_numpy().astype(np.float64)
        both = [area(evades[np.isfinite(v)], v[np.isfinite(v)]) for v in (raw, against_peers(raw, industry))]
        best[name] = max(max(a, 1 - a) for a in both)
    return best


def area(evades: Flags, score: Floats) -> float:
    """Area under the ROC curve: the chance that an evader scores above an honest firm, ties by half."""
    from scipy.stats import rankdata

    n = int(evades.sum())
    if n in (0, len(evades)):
        return 0.5
    return float((rankdata(score)[evades].sum() - n * (n + 1) / 2) / (n * (len(evades) - n)))


def against_peers(values: Floats, industry: Ints) -> Floats:
    """Distance from the industry's median in its own robust spread."""
    found = np.full(len(values), np.nan)
    for one in np.unique(industry):
        own = (industry == one) & np.isfinite(values)
        if own.any():
            middle = np.median(values[own])
            found[own] = (values[own] - middle) / (1.4826 * np.median(np.abs(values[own] - middle)) + 1e-3)
    return found


def rule_score(found: pa.Table) -> Floats:
    """What a score sheet of simple rules gives: how far each figure lies outside its industry's usual range, summed, each within bounds."""
    industry, total = found["industry"].to_numpy(), np.zeros(found.num_rows)
    for name, sign in _RULES.items():
        beyond = sign * against_peers(found[name].to_numpy().astype(np.float64), industry) - 1.5
        total += np.clip(np.nan_to_num(beyond), 0, 3)
    return total


def _first(score: Floats, firm: Ints, size: int) -> Flags:
    """The `size` firms with the highest score; of equals the lower number."""
    found = np.zeros(len(score), dtype=bool)
    found[np.lexsort((firm, -score))[:size]] = True
    return found


def _flags(found: pa.Table, name: str) -> Flags:
    return np.asarray(found[name].to_numpy(zero_copy_only=False), dtype=bool)


def _from_cases(found: pa.Table, table: Floats, evades: Flags, seed: int) -> float:
    examined, upheld = _flags(found, "examined"), _flags(found, "found")
    if min(int((examined & upheld).sum()), int((examined & ~upheld).sum())) < CASES or examined.all():
        return float("nan")
    rest = ~examined
    score = _fitted(table[examined], upheld[examined], table[rest], seed)
    return float(evades[rest][_first(score, found["firm"].to_numpy()[rest], max(1, int(rest.sum() * CAPACITY)))].mean())


def _crossed(table: Floats, evades: Flags, seen: Flags, seed: int) -> Floats:
    """Scores of firms by models that were fitted without them, and without any firm that is not `seen`."""
    from sklearn.model_selection import StratifiedKFold

    score = np.zeros(len(evades))
    for learn, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(table, evades):
        rows = learn[seen[learn]]
        score[test] = _fitted(table[rows], evades[rows], table[test], seed)
    return score


def _fitted(table: Floats, label: Flags, others: Floats, seed: int) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.04, max_leaf_nodes=8, l2_regularization=5.0, random_state=seed)  # small trees: labels are few
    known = np.isfinite(table).any(axis=0)  # a young country has no growth to speak of
    with threadpool_limits(1):  # threads that wait for each other on a busy machine cost more than these tables are worth
        return np.asarray(model.fit(table[:, known], label).predict_proba(others[:, known])[:, 1], dtype=np.float64)
