"""The true effect of every treatment: who was treated, how he reacted, what of his evasion (or carelessness) was left. Sealed with the truth.

What would have happened without it is the same country without the act (`untreated`): all else hangs on the same hashes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jobs.economy.aftermath import aftermath, care_after, evasion_after
from jobs.economy.audit_cases import TREATMENTS, month_of
from jobs.economy.choosing import RANDOM, SOURCES, random_chance
from jobs.economy.firms import Firms
from jobs.economy.inspectors import code
from jobs.economy.kinds import CAUSES, NAMES
from jobs.economy.reactions import REACTIONS
from jobs.economy.tables import dates
from jobs.economy.words import ids_of
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

EFFECT = pa.schema([
    ("firm", pa.int64()), ("taxpayer_id", pa.string()), ("case_id", pa.string()), ("treatment", pa.string()), ("case_source", pa.string()), ("probability", pa.float64()),
    ("office_id", pa.string()), ("inspector", pa.string()), ("skill", pa.float64()), ("given_on", pa.date32()), ("typology", pa.string()), ("cause", pa.string()),
    ("evades", pa.bool_()), ("reaction", pa.string()), ("corrected_on", pa.date32()), ("from_on", pa.date32()), ("before", pa.float64()), ("after", pa.float64()),
])  # fmt: skip


def effect_table(world: World, f: Firms) -> pa.Table:
    """The effects of old audits, one row per case. before, after: factor on evasion (on carelessness, for the honest) around `from_on`.

    probability: with which the random programme drew the firm; null for other sources, which have no known one.
    """
    a = aftermath(world, f)
    cases, firm = a.cases, a.cases.firm
    evades = f.since[firm] <= month_of(world, cases.pushed)
    random = cases.source == RANDOM
    before, after = _around(world, f, firm, a.month, evades, a.factor)
    return pa.table({
        "firm": f.number[firm], "taxpayer_id": pa.array(ids_of(world, f)[firm], pa.string()), "case_id": pa.array([f"H{k:09d}" for k in cases.key.tolist()], pa.string()),
        "treatment": pa.array(np.array(TREATMENTS)[cases.treatment], pa.string()), "case_source": pa.array(np.array(SOURCES)[cases.source], pa.string()),
        "probability": pa.array(np.full(len(cases), random_chance(world)), mask=~random), "office_id": pa.array(cases.office.astype(str), pa.string()),
        "inspector": pa.array([code(n) for n in cases.inspector.tolist()], pa.string()), "skill": cases.skill, "given_on": dates(cases.closed),
        "typology": pa.array(np.where(evades, np.array(NAMES)[f.typology[firm]], NAMES[0]), pa.string()), "cause": pa.array(np.where(evades, np.array(CAUSES)[f.cause[firm]], CAUSES[0]), pa.string()),
        "evades": evades, "reaction": pa.array(np.array(REACTIONS)[a.reaction], pa.string()), "corrected_on": pa.nulls(len(cases), pa.date32()), "from_on": dates(world.first_day(a.month)),
        "before": before, "after": after,
    }).cast(EFFECT)  # fmt: skip


def _around(world: World, f: Firms, firm: Ints, month: Ints, evades: np.ndarray, factor: Floats) -> tuple[Floats, Floats]:
    """Factor of the month before the effect, and from then on."""
    then = np.clip(month - 1, 0, world.horizon - 1)
    level = np.where(evades, evasion_after(world, f)[firm, then], care_after(world, f)[firm, then])
    return level, level * factor


def untreated(world: World, firms: Iterable[int]) -> World:
    """The same country, had nothing been done to these firms after the history."""
    gone = np.array(sorted(set(firms)), dtype=np.float64)
    return replace(world, acts=world.acts[~np.isin(world.acts[:, 0], gone)], corrections=world.corrections[~np.isin(world.corrections[:, 0], gone)])
