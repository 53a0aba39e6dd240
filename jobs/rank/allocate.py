"""Places on the list: the best first, as far as each pool's cases go; who finds his pool full may take a lighter one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jobs.lake.arrays import Flags, Ints


def first_fit(pool: Ints, slots: Ints, limit: int | None = None) -> Flags:
    """Which candidates get a place. Candidates come in the total order.

    pool: int64 [candidate], the pool asked for, -1: none. slots: int64 [pool], whole cases left. limit: at most so many places.
    """
    placed = np.zeros(len(pool), dtype=bool)
    asking = np.flatnonzero((pool >= 0) & (slots[np.maximum(pool, 0)] > 0)) if len(slots) else np.empty(0, dtype=np.int64)
    by_pool = asking[np.argsort(pool[asking], kind="stable")]
    ordered = pool[by_pool]
    place = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    placed[by_pool[place < slots[ordered]]] = True
    if limit is not None:
        placed &= np.cumsum(placed) <= limit
    return placed


def allocate(first: Ints, slots: Ints, pool_of: Callable[[Ints], Ints], lighter: Callable[[Ints], Ints]) -> Ints:
    """The pool each candidate ends in, -1: not on the list. Candidates come in the total order.

    Everybody asks for the pool of his first treatment; each pool keeps its best; who is turned away asks for the next lighter treatment,
    where he may displace somebody below him. All pools rank by the same order, so this ends where serving the candidates one by one in
    that order would. first: treatment (its place), -1: none. pool_of, lighter: for all candidates at once; -1: none.
    """
    treatment = first.copy()
    while True:
        pool = pool_of(treatment)
        placed = first_fit(pool, slots)
        turned_away = ~placed & (treatment >= 0)
        if not turned_away.any():
            return np.where(placed, pool, -1)
        treatment = np.where(turned_away, lighter(treatment), treatment)
