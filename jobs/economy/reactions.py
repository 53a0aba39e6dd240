"""How conduct changes when something is done about it: by cause, and the same for old audits and new cases.

Who does less either all but stops, or has seen what gave him away and keeps just below it. Firms that exist only for fraud do not react.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jobs.economy.enforcing import ByCause
from jobs.economy.kinds import CAUSES, NAMES, PRIVATE_USE, WAGES
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

REACTIONS = ("none", "corrects", "stops", "keeps_below", "careful", "careless", "starts", "shut", "not_worked")
NONE, CORRECTS, STOPS, KEEPS_BELOW, CAREFUL, CARELESS, STARTS, SHUT, NOT_WORKED = range(len(REACTIONS))
CAREFUL_FACTOR, CARELESS_FACTOR = 0.4, 3.0  # on the chance of an honest mistake


def by_cause(chances: ByCause) -> Floats:
    """Chances by the number of the cause; 0 where there is no fault."""
    return np.array([getattr(chances, name) if name != "none" else 0.0 for name in CAUSES])


def does_less(world: World, *key: Any) -> tuple[Floats, Ints]:
    """What is left of the evasion of somebody who does less, as a factor, and the kind of reaction."""
    c, e = world.chance, world.country.evasion
    below = c.uniform("keeps below", *key) < e.below_threshold
    factor = np.where(below, c.between(*e.keeps_below, "left", *key), c.between(*e.stops, "left", *key))
    return factor, np.where(below, KEEPS_BELOW, STOPS)


def takes_heart(world: World, *key: Any) -> Ints:
    """What an honest firm does after an examination that found nothing: mostly what it did before, else it takes less care, or starts a little."""
    c, known = world.chance, world.country.evasion.typologies
    moved = c.uniform("emboldened", *key) < world.country.enforcement.emboldened
    ways = all(n in known and known[n].on for n in (NAMES[PRIVATE_USE], NAMES[WAGES]))
    return np.where(moved, np.where((c.uniform("starts", *key) < 0.5) & ways, STARTS, CARELESS), NONE)
