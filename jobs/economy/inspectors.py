"""Who works a case, and how well he sees: every office has its inspectors, a few of them far better than the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

_FEW = 2.0  # power of the draw: half of all inspectors lie in the lowest quarter of the range


def inspector(world: World, office: Ints, *key: Any) -> Ints:
    """Number of the inspector of a case: 1000 x office + his seat, from 1."""
    seat = world.chance.whole(1, world.country.enforcement.inspectors + 1, "inspector", office, *key)
    return np.asarray(office) * 1000 + seat


def skill(world: World, number: Ints) -> Floats:
    """Skill of inspectors, between the ends of enforcement.skill."""
    low, high = world.country.enforcement.skill
    return np.asarray(low + (high - low) * world.chance.uniform("skill", number) ** _FEW)


def code(number: int) -> str:
    """Staff code of an inspector: office, seat."""
    return f"{number // 1000}-{number % 1000:03d}"
