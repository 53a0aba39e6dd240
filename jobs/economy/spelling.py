"""How another office writes a party: the id left out or one character wrong, the name without its city, shortened, misheard, spaced out.

An office writes the same party the same way each time: the draws hang on the key, which is a party's, a parcel's or a paper's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Feed
from jobs.economy.ids import ALPHABET
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_HEARD = tuple(zip("宏鑫昌诚康华辉汇联瑞嘉润", "弘新晶城庚化挥会连锐佳闰", strict=True))
_SHORTER = (("有限责任公司", "公司"), ("股份有限公司", "公司"), ("有限公司", "公司"))
_CAPITALS = np.array([ord(c) for c in ALPHABET if c.isalpha()])
_WAYS = (0.35, 0.3, 0.15, 0.2)  # without the city, short form, misheard, spaced out


def as_known(world: World, feed: Feed, source: str, key: Ints, ids: Any, names: pa.Array, mark: str = "") -> tuple[pa.Array, pa.Array]:
    """Ids and names as the agency writes them; `mark` stands in some of the cells where it knows no id, the others are null."""
    return known_ids(world, feed, source, key, ids, mark), known_names(world, feed, source, key, names)


def known_ids(world: World, feed: Feed, source: str, key: Ints, ids: Any, mark: str = "") -> pa.Array:
    """Ids as the agency has them: `no_id` of them left out, `wrong_id` with one character wrong."""
    c, fate = world.chance, world.chance.uniform(source + " id", key)
    text = np.array(ids)  # a copy: the firms keep their own
    slip = np.flatnonzero((fate >= feed.no_id) & (fate < feed.no_id + feed.wrong_id))
    text[slip] = _slipped(text[slip], c.uniform(source + " place", key[slip]), c.whole(0, 9, source + " character", key[slip]))
    found = pc.if_else(pa.array(fate < feed.no_id), pa.scalar(None, pa.string()), pa.array(text))
    return pc.if_else(pa.array(fate < feed.no_id * 0.3), pa.scalar(mark), found) if mark else found


def _slipped(ids: np.ndarray, place: np.ndarray, shift: Ints) -> np.ndarray:
    """Ids of one length with the character at a place (0..1 of the second half) put for another of its kind."""
    if len(ids) == 0:
        return ids
    width = ids.dtype.itemsize // 4
    letters = ids.copy().view(np.uint32).reshape(len(ids), width)
    row, at = np.arange(len(ids)), width // 2 + np.floor(place * (width - width // 2)).astype(np.int64)
    old = letters[row, at].astype(np.int64)
    digit, where = (old >= ord("0")) & (old <= ord("9")), np.searchsorted(_CAPITALS, old)
    capital = _CAPITALS[(where + 1 + shift) % len(_CAPITALS)]
    letters[row, at] = np.where(digit, ord("0") + (old - ord("0") + 1 + shift) % 10, capital)
    return letters.view(ids.dtype).ravel()


def known_names(world: World, feed: Feed, source: str, key: Ints, names: pa.Array) -> pa.Array:
    """Names as the agency has them: `misspelt` of them are not what the register says."""
    odd = np.flatnonzero(world.chance.uniform(source + " name", key) < feed.misspelt)
    if len(odd) == 0:
        return names
    way = world.chance.pick(_WAYS, source + " way", key[odd])
    right, city = names.take(pa.array(odd)), world.country.place.city
    bare = pc.replace_substring(right, city, "", max_replacements=1)
    spaced = pc.binary_join_element_wise(pc.utf8_slice_codeunits(right, 0, 3), " ", pc.utf8_slice_codeunits(right, 3), "（", city.removesuffix("市"), "）", "")
    forms = (bare, _replaced(right, _SHORTER), _replaced(right, _HEARD), spaced)
    wrong = forms[0]
    for number, form in enumerate(forms):
        wrong = pc.if_else(pa.array(way == number), form, wrong)
    for other in (bare, spaced):  # a name that this way leaves as it was is written another way
        wrong = pc.if_else(pc.equal(wrong, right), other, wrong)
    place = np.full(len(names), -1, dtype=np.int64)
    place[odd] = np.arange(len(odd))
    return pc.if_else(pa.array(place >= 0), wrong.take(pa.array(place, mask=place < 0)), names)


def _replaced(names: pa.Array, pairs: tuple[tuple[str, str], ...]) -> pa.Array:
    for old, new in pairs:
        names = pc.replace_substring(names, old, new)
    return names
