"""Who evades, and how: five typologies and the two kinds of firm that exist only for fraud.

Shares are set so that about one firm in seven evades; propensities follow what makes each fault possible (cash trade, VAT credits,
companies with one owner). Mills and missing traders are found by arithmetic on firm numbers, so that a buyer can find a living one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.economy.industries import SLOTS_OF, WHOLESALE, column
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from jobs.economy.firms import Firms


HONEST, SUPPRESSED, FICTITIOUS, MISSING, INFLATED, SHIFTED, MILL = range(7)
NAMES = ("honest", "suppressed_sales", "fictitious_invoices", "missing_trader", "inflated_input", "profit_shifting", "invoice_mill")
CAUSES = ("none", "ignorance", "opportunity", "intent", "inability")
_MILL_SLOT, _MISSING_SLOT = int(SLOTS_OF[WHOLESALE][0]), int(SLOTS_OF[WHOLESALE][1])


def roles(world: World, i: Ints) -> tuple[Flags, Flags, Floats]:
    """Which firms are mills, which missing traders, and each one's place in time (0..1) among those of the first months."""
    rank, slot, later = i // 20, i % 20, i - world.taxpayers
    fifth = (rank % 5 == 3) & (i < world.taxpayers)
    mill = fifth & (slot == _MILL_SLOT) | (later >= 0) & (later % 20 == 7)
    missing = fifth & (slot == _MISSING_SLOT) | (later >= 0) & (later % 20 == 13)
    return mill, missing, (rank + world.chance.uniform("order", i)) / (world.ranks + 1)


def mills(world: World) -> Ints:
    """Numbers of all mills up to the horizon."""
    first = np.arange(3, world.ranks, 5, dtype=np.int64) * 20 + _MILL_SLOT
    return np.concatenate([first, np.arange(world.taxpayers + 7, world.population, 20, dtype=np.int64)])


def missing_traders(world: World) -> Ints:
    """Numbers of all missing traders up to the horizon."""
    first = np.arange(3, world.ranks, 5, dtype=np.int64) * 20 + _MISSING_SLOT
    return np.concatenate([first, np.arange(world.taxpayers + 13, world.population, 20, dtype=np.int64)])


def typology(world: World, f: Firms, mill: Flags, missing: Flags) -> Ints:
    """Typology of each firm. A firm has one at most; the large hardly suppress sales, individuals claim no input."""
    c, i = world.chance, f.number
    eligible = f.segment > 0
    kind = np.full(len(i), HONEST, dtype=np.int64)
    shifts = f.grouped & (i % 4 == 0) & f.general & (c.uniform("shifted", i) < 0.35)
    inflates = f.general & (c.uniform("inflated", i) < 0.055)
    fictitious = f.general & eligible & (c.uniform("fictitious", i) < column("fictitious")[f.industry])
    suppresses = eligible & (c.uniform("suppressed", i) < column("suppressed")[f.industry])
    for flags, code in ((inflates, INFLATED), (fictitious, FICTITIOUS), (suppresses, SUPPRESSED), (shifts, SHIFTED), (missing, MISSING), (mill, MILL)):
        kind[flags] = code
    return kind
