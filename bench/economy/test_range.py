"""Realism over three seeds and three worlds of parameters: each check's lowest and highest value, and the recall of every typology that a model never saw.

Size from ASSAY_BENCH_REALISM (default 6000 taxpayers), 36 months; no Spark. Results in bench/results/economy_realism.md.
"""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from operator import itemgetter
from pathlib import Path

import pytest

from jobs.economy.bucket import Job, receive, send
from jobs.economy.delivery import FEEDS, history_slices
from jobs.economy.learning import findable, never_seen
from jobs.economy.realism import Check, checks
from jobs.economy.setting import Country, usual
from jobs.economy.summary import Summary, read_summary
from jobs.economy.world import World, add_months

SIZE, MONTHS, SEEDS = int(os.environ.get("ASSAY_BENCH_REALISM", "6000")), 36, (1, 2, 3)
RESULTS = Path(__file__).parents[1] / "results"

pytestmark = pytest.mark.bench


def worlds() -> dict[str, Country]:
    """The usual country, one with half the evaders, one whose evaders hide half as much."""
    found, evasion = usual(), usual().evasion
    faint = {n: t.model_copy(update={"intensity": (t.intensity[0] / 2, t.intensity[1] / 2)}) for n, t in evasion.typologies.items() if n != "splitting"}
    faint |= {n: t for n, t in evasion.typologies.items() if n == "splitting"}
    return {
        "usual": found, "half the evaders": found.model_copy(update={"evasion": evasion.model_copy(update={"share": evasion.share / 2})}),
        "half as intense": found.model_copy(update={"evasion": evasion.model_copy(update={"typologies": faint})}),
    }  # fmt: skip


def summary(out: Path, country: Country, seed: int) -> Summary:
    """A country written in this process, and its census read back."""
    start = date(2023, 1, 1)
    world = World(SIZE, MONTHS, seed, start, start, add_months(start, MONTHS) + timedelta(days=3), country=country)
    slices = {source: history_slices(world) for source in FEEDS}
    list(receive(Job(world, str(out), slices), sorted(send(world, range(world.buckets)), key=itemgetter(0))))
    world.save(out / "truth")
    shutil.rmtree(out / "inbox")  # nobody reads the files here
    return read_summary(out / "truth")


def test_realism_as_a_range(tmp_path: Path) -> None:
    found: dict[str, dict[str, list[Check]]] = {}
    for name, country in worlds().items():
        for seed in SEEDS:
            for one in checks(summary(tmp_path / name / str(seed), country, seed)):
                found.setdefault(one.name, {}).setdefault(name, []).append(one)
    broken = [c for by in found.values() for every in by.values() for c in every if c.group == "Identities" and c.verdict != "pass"]
    text = ["# Realism of the country over seeds and parameters", "", f"{SIZE:,} taxpayers x {MONTHS} months, seeds {', '.join(map(str, SEEDS))}: lowest and highest value of each check.", ""]
    text += ["| check | allowed | " + " | ".join(worlds()) + " |", "|" + "---|" * (2 + len(worlds()))]
    for name, by in found.items():
        first = next(iter(by.values()))[0]
        if first.group != "Identities":
            text.append(f"| {name} | {_allowed(first)} | " + " | ".join(_span(every) for every in by.values()) + " |")
    checked = sum(c.n for by in found.values() for every in by.values() for c in every if c.group == "Identities")
    text += ["", f"Identities: {checked:,} firm-periods of honest firms in {len(worlds()) * len(SEEDS)} countries, {len(broken)} identities broken."]
    text += ["", "## Typologies that a model never saw", "", "Two at a time were kept from training (the usual world, first seed): share of their firms among the first 5 %, and what it is when they were seen.", ""]
    text += _unseen(read_summary(tmp_path / "usual" / str(SEEDS[0]) / "truth"))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "economy_realism.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    assert not broken


def _unseen(s: Summary) -> list[str]:
    found = findable(s.figures)
    kinds = list(found.recall) if found else []
    rows = ["| typology | firms | never seen | seen |", "|---|---|---|---|"]
    for k in range(0, len(kinds), 2):
        blind = never_seen(s.figures, kinds[k : k + 2])
        rows += [f"| {n.replace('_', ' ')} | {count} | {recall:.0%} | {found.recall[n]:.0%} |" for n, (count, recall) in blind.items() if found]
    return rows


def _allowed(one: Check) -> str:
    low, high = ("" if b is None else f"{b:g}" for b in (one.low, one.high))
    return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else "reported"


def _span(every: list[Check]) -> str:
    values = [c.value for c in every if c.value is not None]
    if not values:
        return "too little"
    digits = 4 if every[0].unit == "small" else 3
    span = f"{min(values):.{digits}f}" if len(values) == 1 else f"{min(values):.{digits}f} to {max(values):.{digits}f}"
    failed = sum(c.verdict == "fail" for c in every)
    return span + (f" ({failed} of {len(every)} fail)" if failed else "")
