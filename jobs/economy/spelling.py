"""How another office writes a party, in a small number of ways, each of which truth records (truth/identity).

Of an id: right, missing, with one character wrong, with two neighbours exchanged, cut by its last character. Of a name: right, without the city,
legal form shortened, misheard, mistyped, its words in another order, in other letters (spaces and full width; capitals).
An office writes the same party the same way each time: the draws hang on the key, which is a party's, a parcel's or a paper's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy import words_latin, words_zh
from jobs.economy.agencies import Feed
from jobs.economy.ids import ALPHABET
from jobs.economy.world import World
from jobs.lake.arrays import Ints

ID_WAYS = ("right", "missing", "wrong_character", "exchanged", "cut")
NAME_WAYS = ("right", "no_city", "short_form", "misheard", "mistyped", "moved", "other_letters")
_CAPITALS = np.array([ord(c) for c in ALPHABET if c.isalpha()])
_SLIPS = (0.7, 0.2, 0.1)  # of wrong ids: one character, two neighbours, cut
_WEIGHTS = {"zh": (0.3, 0.25, 0.12, 0.13, 0.1, 0.1), "latin": (0.0, 0.3, 0.2, 0.2, 0.15, 0.15)}


def as_known(world: World, feed: Feed, source: str, key: Ints, ids: Any, names: pa.Array, mark: str = "") -> tuple[pa.Array, pa.Array, Ints]:
    """Ids and names as the agency writes them, and the ways (id way x 10 + name way); `mark` stands in some of the cells where it knows no id, the others are null."""
    found, id_way = known_ids(world, feed, source, key, ids, mark)
    written, name_way = known_names(world, feed, source, key, names)
    return found, written, id_way * 10 + name_way


def known_ids(world: World, feed: Feed, source: str, key: Ints, ids: Any, mark: str = "") -> tuple[pa.Array, Ints]:
    """Ids as the agency has them, and by which of ID_WAYS: `no_id` of them left out, `wrong_id` with a slip of the pen."""
    c, fate = world.chance, world.chance.uniform(source + " id", key)
    text = np.array(ids)  # a copy: the firms keep their own
    slip = np.flatnonzero((fate >= feed.no_id) & (fate < feed.no_id + feed.wrong_id))
    way = np.where(fate < feed.no_id, ID_WAYS.index("missing"), 0)
    drawn = 2 + c.pick(_SLIPS, source + " slip", key[slip])
    text[slip], way[slip] = _slipped(text[slip], drawn, c.uniform(source + " place", key[slip]), c.whole(0, 9, source + " character", key[slip]))
    found = pc.if_else(pa.array(fate < feed.no_id), pa.scalar(None, pa.string()), pa.array(text))
    return (pc.if_else(pa.array(fate < feed.no_id * 0.3), pa.scalar(mark), found) if mark else found), way


def _slipped(ids: np.ndarray, way: Ints, place: np.ndarray, shift: Ints) -> tuple[np.ndarray, Ints]:
    """Ids of one length with a slip at a place (0..1 of the second half), and the way it came to: equal neighbours cannot be exchanged."""
    if len(ids) == 0:
        return ids, way
    width = ids.dtype.itemsize // 4
    letters = ids.copy().view(np.uint32).reshape(len(ids), width)
    row, at = np.arange(len(ids)), width // 2 + np.floor(place * (width - width // 2)).astype(np.int64)
    before = letters[row, at - 1]
    way = np.where((way == ID_WAYS.index("exchanged")) & (before == letters[row, at]), ID_WAYS.index("wrong_character"), way)
    old = letters[row, at].astype(np.int64)
    digit, where = (old >= ord("0")) & (old <= ord("9")), np.searchsorted(_CAPITALS, old)
    capital = _CAPITALS[(where + 1 + shift) % len(_CAPITALS)]
    other = np.where(digit, ord("0") + (old - ord("0") + 1 + shift) % 10, capital)
    exchanged, cut = way == ID_WAYS.index("exchanged"), way == ID_WAYS.index("cut")
    letters[row[exchanged], at[exchanged] - 1] = old[exchanged]
    letters[row, at] = np.where(exchanged, before, np.where(cut, old, other))
    letters[cut, -1] = 0
    return letters.view(ids.dtype).ravel(), way


def known_names(world: World, feed: Feed, source: str, key: Ints, names: pa.Array) -> tuple[pa.Array, Ints]:
    """Names as the agency has them, and by which of NAME_WAYS: `misspelt` of them are not what the register says."""
    way = np.zeros(len(names), dtype=np.int64)
    odd = np.flatnonzero(world.chance.uniform(source + " name", key) < feed.misspelt)
    if len(odd) == 0:
        return names, way
    drawn = 1 + world.chance.pick(_WEIGHTS[world.country.words], source + " way", key[odd])
    right = names.take(pa.array(odd))
    forms = (words_latin if world.country.words == "latin" else words_zh).misspellings(world, right)
    wrong, drawn = _chosen(right, forms, drawn)
    way[odd] = drawn
    place = np.full(len(names), -1, dtype=np.int64)
    place[odd] = np.arange(len(odd))
    return pc.if_else(pa.array(way > 0), wrong.take(pa.array(place, mask=place < 0)), names), way


def _chosen(right: pa.Array, forms: tuple[pa.Array, ...], way: Ints) -> tuple[pa.Array, Ints]:
    """Each name by its way; one that its way leaves as it was is written in other letters."""
    changes = np.stack([np.asarray(pc.not_equal(form, right)) for form in forms])
    way = np.where(changes[way - 1, np.arange(len(way))], way, len(forms))
    wrong = forms[-1]
    for number, form in enumerate(forms[:-1], 1):
        wrong = pc.if_else(pa.array(way == number), form, wrong)
    return wrong, way


def ways(way: Ints) -> tuple[pa.Array, pa.Array]:
    """The ways of id and name, by name."""
    return pa.array(np.array(ID_WAYS)[way // 10]), pa.array(np.array(NAME_WAYS)[way % 10])
