"""What tells one firm's name from another's: numbers of characters or syllables, and of the word for its trade.

Registries refuse a name that stands already. A firm has a place among those of its industry, and an affine permutation of places gives every
firm of the industry another pair of stem and trade word, for as long as there are pairs of that length; longer stems take over then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.kinds import SPLIT
from jobs.economy.setting import SLOTS
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Ints

MARKED = 1  # two capitals before a single character
_LENGTHS = (MARKED, 2, 3, 4)
_SHARES = (0.015, 0.615, 0.9)  # cumulated: marked, two, three; the rest four
_CAPITALS = 26 * 26


@dataclass(frozen=True)
class Stems:
    """Per firm: how long the stem is, its parts as numbers below the language's count, the trade word's number, two capitals; whether it bears its group's stem."""

    length: Ints
    parts: Ints  # [firm, 4]
    word: Ints
    capitals: Ints
    linked: Flags


def stems(world: World, f: Firms, parts: int) -> Stems:
    """Stems of firms, of `parts` characters or syllables. Some blocks of one owner, and all that split one business, bear the first firm's stem."""
    c, block = world.chance, f.number // 4
    linked = (f.number % 4 > 0) & ((f.grouped & (c.uniform("one stem", block) < 0.3)) | (f.typology == SPLIT))
    bearer = np.where(linked, block * 4, f.number)
    length, drawn, word, capitals = _numbered(world, bearer, parts)
    count = np.array([len(w) for w in world.country.trade_words])
    return Stems(length, drawn, (word + np.where(linked, f.number % 4, 0)) % count[f.industry], capitals, linked)


def _numbered(world: World, i: Ints, parts: int) -> tuple[Ints, Ints, Ints, Ints]:
    industry, place = _place(world, i)
    words = np.array([len(w) for w in world.country.trade_words])[industry]
    spaces = np.stack([(_CAPITALS * parts if n == MARKED else parts**n) * words for n in _LENGTHS])
    step = _steps(world.country.digest, tuple(len(w) for w in world.country.trade_words), parts)[:, industry]
    kind = np.searchsorted(np.array(_SHARES), world.chance.uniform("stem length", i))
    for n in range(3):
        kind = np.where((kind == n) & (place >= spaces[n]), n + 1, kind)
    at = np.arange(len(i))
    start = world.chance.whole(0, 10**9, "stem", np.arange(len(world.country.industries)))[industry]  # industries begin at stems of their own
    mixed = (place % spaces[kind, at] * step[kind, at] + start) % spaces[kind, at]
    word, rest = mixed % words, mixed // words
    capitals = np.where(kind == 0, rest // parts, 0)
    drawn = np.stack([rest // parts**n % parts for n in range(4)], axis=1)
    drawn[:, 1] = (drawn[:, 1] + drawn[:, 0] * 37) % parts  # neighbours in number must not look alike; each step can be undone
    drawn[:, 2] = (drawn[:, 2] + drawn[:, 0] * 11 + drawn[:, 1] * 29) % parts
    drawn[:, 3] = (drawn[:, 3] + drawn[:, 1] * 17 + drawn[:, 2] * 31) % parts
    return np.array(_LENGTHS)[kind], drawn, word, capitals


def _place(world: World, i: Ints) -> tuple[Ints, Ints]:
    """Industry of the slot, and the firm's place among the firms of that industry."""
    country = world.country
    order = np.concatenate([np.argsort(own, kind="stable") for own in country.slots_of])
    nth = np.zeros(SLOTS, dtype=np.int64)
    nth[np.concatenate(country.slots_of)] = order
    industry = country.slots[i % SLOTS]
    return industry, i // SLOTS * np.array([len(s) for s in country.slots_of])[industry] + nth[i % SLOTS]


@lru_cache(maxsize=8)
def _steps(_digest: str, words: tuple[int, ...], parts: int) -> Ints:
    """Strides of the permutations, near the golden section and coprime to their space: [length, industry]."""
    found = np.empty((len(_LENGTHS), len(words)), dtype=np.int64)
    for n, length in enumerate(_LENGTHS):
        for m, count in enumerate(words):
            space = (_CAPITALS * parts if length == MARKED else parts**length) * count
            stride = int(space * 0.6180339887) | 1
            while gcd(stride, space) > 1:
                stride += 2
            found[n, m] = stride
    return found
