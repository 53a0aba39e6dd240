"""Ids, names and addresses in the country's own scheme and language: what every paper takes from here."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy import words_latin, words_zh
from jobs.economy.firms import Firms
from jobs.economy.ids import tax_ids
from jobs.economy.life import region_after
from jobs.economy.sites import sites
from jobs.economy.world import World
from jobs.lake.arrays import Ints

Text = npt.NDArray[np.str_]


def language(world: World) -> ModuleType:
    """The module of the country's language."""
    return words_latin if world.country.words == "latin" else words_zh


def taxpayer_ids(world: World, number: Ints, individual: npt.NDArray[np.bool_], region: Ints) -> Text:
    """Tax ids of the country's firms."""
    return tax_ids(world.country.ids, number + world.seed % 1_000_003 * 13, region, individual)


def ids_of(world: World, f: Firms) -> Text:
    """Tax ids of a bucket's firms; a firm keeps its id wherever it moves."""
    return taxpayer_ids(world, f.number, f.individual, f.region)


def company_names(world: World, f: Firms) -> pa.Array:
    """Registered names. A registry refuses one that stands: at a million firms 3 in 10,000 still do (members of groups), at 20,000 none."""
    found: pa.Array = language(world).company_names(world, f)
    return found


def outside_parties(world: World, number: Ints) -> tuple[Text, pa.Array]:
    """Ids and names of parties from elsewhere; nobody in the registry has them."""
    region, names = language(world).outside_names(world, number)
    return tax_ids(world.country.ids, number, region, np.zeros(len(number), dtype=bool), outside=True), names


def person_names(world: World, person: Ints) -> pa.Array:
    """Names of persons by their number. A household has one surname; whoever married into it keeps his own (persons.py)."""
    found: pa.Array = language(world).person_names(world, np.where(person % 4 == 1, person, person // 4 * 4), person)
    return found


def agent_names(world: World, agent: Ints) -> pa.Array:
    """Names of those who keep the books of others, by number."""
    found: pa.Array = language(world).agent_names(world, np.maximum(agent, 0))
    return found


def addresses(world: World, f: Firms, move: Ints) -> pa.Array:
    """Registered address after so many moves."""
    found: pa.Array = language(world).addresses(world, sites(world, f, region_after(world, f, move > 0), move))
    return found


def in_own_words(world: World, rows: pa.Table) -> pa.Table:
    """Papers with the words of forms in the country's language, cell by cell; headers stay."""
    said: dict[str, str] = getattr(language(world), "SAID", {})
    if not said:
        return rows
    known, own = pa.array(list(said)), pa.array(list(said.values()))
    for place, name in enumerate(rows.column_names):
        if pa.types.is_string(rows.schema.field(name).type):
            found = own.take(pc.index_in(rows[name].combine_chunks(), value_set=known))
            rows = rows.set_column(place, name, pc.coalesce(found, rows[name].combine_chunks()))
    return rows
