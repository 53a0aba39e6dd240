"""Not too easy, not hopeless: no single figure gives an evader away, a model that sees all of them finds many, and the honest look odd too."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from jobs.economy.firms import alive, firms
from jobs.economy.kinds import HONEST
from jobs.economy.schedule import audits, evading
from jobs.economy.world import NEVER
from tests.economy.helpers import counted

YEAR = slice(24, 36)


@lru_cache(maxsize=1)
def figures() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """What an office could see of 2026's firms over the last year, by industry-free ratios; who evades; the industry."""
    c = counted(3000, 36)
    f, b = c.firms, c.books
    vat, sales = c.returns[0].final, b.sales[:, YEAR].sum(axis=1) + 100.0
    supplier, month = firms(c.world, c.bought.supplier), c.bought.month
    doubtful = (month >= 24) & (month < 36) & ((month - supplier.birth < 12) | (supplier.abnormal & (supplier.death < 36)))
    young = np.bincount(np.searchsorted(f.number, c.bought.buyer), weights=c.bought.tax * doubtful, minlength=len(f))
    claimed = vat["input"][:, YEAR].sum(axis=1) + 100.0
    profit = (b.sales - b.booked_cost - b.fake - b.wages - b.other - b.related)[:, YEAR].sum(axis=1)
    found = {
        "burden": np.where(f.general, vat["due"][:, YEAR].sum(axis=1), 0) / sales,
        "margin": 1 - (b.booked_cost + b.fake)[:, YEAR].sum(axis=1) / sales,
        "profit": profit / sales,
        "input_gap": (claimed - (b.input_tax + b.fake_tax)[:, YEAR].sum(axis=1)) / claimed,
        "stock": b.booked_stock[:, YEAR].mean(axis=1) / sales,
        "young_suppliers": young / claimed,
        "wages": b.wages[:, YEAR].sum(axis=1) / sales,
        "related": b.related[:, YEAR].sum(axis=1) / sales,
    }
    there = alive(c.world, f)[:, YEAR].sum(axis=1) >= 6
    return {n: v[there] for n, v in found.items()}, (evading(c.world, f)[:, YEAR].max(axis=1) > 0)[there], f.industry[there]


def test_no_single_figure_gives_an_evader_away() -> None:
    found, evades, industry = figures()
    for name, values in found.items():
        against_peers = values.copy()
        for n in range(8):
            own = industry == n
            against_peers[own] = (values[own] - np.median(values[own])) / (values[own].std() + 1e-12)
        area = roc_auc_score(evades, against_peers)
        assert max(area, 1 - area) < 0.75, name


def test_a_model_with_every_label_finds_many_and_not_all() -> None:
    found, evades, industry = figures()
    table = np.column_stack([*found.values(), industry])
    model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, min_samples_leaf=20, random_state=1)
    area = roc_auc_score(evades, cross_val_predict(model, table, evades, cv=3, method="predict_proba")[:, 1])
    assert 0.75 < area < 0.93


def test_honest_firms_look_odd_too() -> None:
    """Of the twentieth of firms with the lowest profit, at least three in ten are honest: start-ups, bad years, high rents."""
    found, evades, _ = figures()
    worst = np.argsort(found["profit"])[: len(evades) // 20]
    assert (~evades[worst]).mean() > 0.3
    assert 0.1 < (found["profit"][~evades] < 0).mean() < 0.45


def test_past_audits_are_several_hundred_and_no_fair_sample() -> None:
    c = counted(3000, 36)
    f, pushed = c.firms, audits(c.world, c.firms) < NEVER
    assert 0.03 < pushed.sum() / 3000 / 3 < 0.06
    rate = pushed.any(axis=1)
    assert rate[f.segment == 0].mean() > 2 * rate[f.segment == 3].mean()
    regions = [rate[f.region == r].mean() for r in np.unique(f.region)]
    assert max(regions) > 2 * min(regions)
    assert 1.2 < rate[f.typology != HONEST].mean() / rate[f.typology == HONEST].mean() < 6


def test_sizes_have_a_heavy_tail() -> None:
    size = np.sort(counted(3000, 36).firms.size)[::-1]
    top = size[:300]
    exponent = len(top) / np.log(top / top[-1]).sum()  # Hill's estimator over the largest tenth
    assert 0.8 < exponent < 1.6
