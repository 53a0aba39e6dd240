"""Where firms sit and how they are reached: houses of their own, business centres, desks that many share, the agents who keep their books."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.firms import Firms
from jobs.economy.kinds import FLEETING, SPLIT
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Ints


@dataclass(frozen=True)
class Sites:
    """Addresses as numbers: region, road, house, building (-1: none), room; `hosted`: one desk for all who are there."""

    region: Ints
    road: Ints
    house: Ints
    building: Ints
    room: Ints
    hosted: Flags


def sites(world: World, f: Firms, region: Ints, move: Ints) -> Sites:
    """Where firms sit after so many moves, in the region they sit in. What splits one business sits at one address, and so do some groups."""
    c, share = world.chance, world.country.place.sharing
    together = (f.typology == SPLIT) | (f.grouped & (c.uniform("one address", f.number // 4) < share.group))
    key = np.where(together & ~np.isin(f.typology, FLEETING) & (move == 0), f.number // 4 + 10**9, f.number)
    mill, small = np.isin(f.typology, FLEETING), f.segment >= 2
    lot = c.uniform("sits", key, move)
    desk = np.where(mill, share.virtual_mills, np.where(small, share.virtual, 0.0))
    hosted, centre = lot < desk, (lot >= desk) & (lot < desk + np.where(small, share.centre, 0.0))
    count = max(4, world.taxpayers // (share.tenants * len(world.country.regions)))
    crowd = np.where(mill, max(2, count // 4), count)  # mills crowd into few of the desks there are
    drawn = np.floor(c.uniform("building", np.where(together & ~mill, f.number // 4 + 10**9, f.number)) * crowd).astype(np.int64)
    other = 1 + np.floor(c.uniform("next building", key) * (crowd - 1)).astype(np.int64)
    building = np.where(hosted | centre, np.where(move > 0, (drawn + other) % crowd, drawn), -1)
    spot = np.where(building >= 0, -2 - building - 10**6 * (hosted + 2 * region), key)
    house, road = c.whole(1, 900, "house", spot, np.where(building >= 0, 0, move)), c.whole(0, 997, "road", spot, np.where(building >= 0, 0, move))
    room = np.where(hosted, 101 + building % 7, c.whole(101, 2500, "room", key, move))
    return Sites(region, road, house, np.where(building >= 0, building + np.searchsorted(world.country.regions, region) * count, -1), room, hosted)


def agents(world: World, f: Firms) -> Ints:
    """Who keeps a firm's books, by number; -1: the firm itself. Mills all go to a few."""
    c, share = world.chance, world.country.place.sharing
    count = max(4, world.taxpayers // share.clients)
    mill = np.isin(f.typology, FLEETING)
    uses = (mill & (c.uniform("uses agent", f.number) < 0.9)) | (~mill & (f.segment >= 2) & (c.uniform("uses agent", f.number) < share.agent))
    chosen = np.where(mill, c.whole(0, max(3, count // 40), "agent", f.number), c.whole(0, count, "agent", f.number))
    # A block that splits one business has one accountant.
    chosen = np.where(f.typology == SPLIT, c.whole(0, count, "agent", f.number // 4 * 4), chosen)
    return np.where(uses | (f.typology == SPLIT), chosen, -1)


def agent_ids(agent: Ints) -> pa.Array:
    """Ids of agents; null where there is none."""
    digits = pc.utf8_lpad(pc.cast(pa.array(np.maximum(agent, 0)), pa.string()), 6, padding="0")
    return pc.if_else(pa.array(agent >= 0), pc.binary_join_element_wise("A", digits, ""), pa.scalar(None, pa.string()))


def phones(world: World, f: Firms, owner: Ints) -> pa.Array:
    """Telephone of the main owner, so that a household's firms and what splits one business have one, or the agent's. No mobile number begins with 12: these are nobody's."""
    agent = agents(world, f)
    gives = (agent >= 0) & (f.typology != SPLIT) & ((world.chance.uniform("agent phone", f.number) < world.country.place.sharing.agent_phone) | np.isin(f.typology, FLEETING))
    whose = np.where(gives, -1 - agent, owner)
    digits = world.chance.bits("telephone", whose) % np.uint64(10**9)
    return pc.binary_join_element_wise("12", pc.utf8_lpad(pc.cast(pa.array(digits), pa.string()), 9, padding="0"), "")
