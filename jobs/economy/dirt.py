"""What goes wrong on the way: broken lines, lines sent twice. Drawn per document, so that the same paper is spoilt the same way everywhere.

Nearly every broken line is followed by the right one; one in twenty-five stays broken until somebody asks.
"""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.chance import Chance
from jobs.economy.ids import as_number, broken

BROKEN, TWICE, RESENT = 0.02, 0.006, 0.96
_WORDS = "壹贰叁肆伍陆柒捌玖"
_NUMERALS = ("due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci")


def soiled(c: Chance, source: str, rows: pa.Table, identity: str, amount: str | None, day: str | None, coded: bool, words: str = "zh") -> pa.Table:
    """The rows with some broken (a copy that is wrong, nearly always beside the right one) and some twice.

    identity, amount, day: the columns that can be spoilt; None where the source has none. `coded`: the identity is a tax id.
    `words`: the language in which a sum is written out and a date is typed.
    """
    count = rows.num_rows
    if count == 0:
        return rows
    key = _keys(rows)
    bad = np.flatnonzero(c.uniform("broken " + source, key) < BROKEN)
    again = np.flatnonzero(c.uniform("twice " + source, key) < TWICE)
    stays = np.ones(count, dtype=bool)
    stays[bad] = c.uniform("resent " + source, key[bad]) < RESENT
    ways = [w for w, column in (("check", coded), ("exponent", coded), ("words", amount), ("date", day), ("empty", True)) if column]
    way = c.whole(0, len(ways), "way " + source, key[bad])
    spoilt = [_spoilt(rows.take(pa.array(bad[way == n])), w, identity, amount, day, words) for n, w in enumerate(ways)]
    found = pa.concat_tables([rows.filter(pa.array(stays)), rows.take(pa.array(again)), *spoilt])
    keys = np.concatenate([key[stays], key[again], *(_keys(t) for t in spoilt)])
    return found.take(pa.array(np.lexsort((keys, c.uniform("order " + source, keys)))))


def _keys(rows: pa.Table) -> np.ndarray:
    """One hashed number per row, from its content: not from its place."""
    names = [n for n in rows.column_names if n != "_day"]
    parts = [pc.fill_null(pc.cast(rows[n], pa.string()), "") for n in names]
    joined = pc.binary_join_element_wise(*parts, "|")
    return np.fromiter(map(zlib.crc32, pc.cast(joined, pa.binary()).to_pylist()), dtype=np.int64, count=rows.num_rows)


def _spoilt(rows: pa.Table, way: str, identity: str, amount: str | None, day: str | None, words: str) -> pa.Table:
    if rows.num_rows == 0:
        return rows
    keys = _keys(rows).tolist()
    if way == "check":
        return _with(rows, identity, [broken(v) for v in rows[identity].to_pylist()])
    if way == "exponent":
        return _with(rows, identity, [as_number(v, n % 10) for n, v in zip(keys, rows[identity].to_pylist(), strict=True)])
    if way == "empty":
        return _with(rows, identity, [""] * rows.num_rows)
    if way == "words" and words != "zh":
        return _with(rows, str(amount), [f"{_NUMERALS[len(v or '') % 9]}mila{_NUMERALS[n % 9]}cento/00" for n, v in zip(keys, rows[str(amount)].to_pylist(), strict=True)])
    if way == "words":
        return _with(rows, str(amount), [f"{_WORDS[len(v or '') % 9]}万{_WORDS[n % 9]}仟元整" for n, v in zip(keys, rows[str(amount)].to_pylist(), strict=True)])
    texts = [str(v or "") for v in rows[str(day)].to_pylist()]
    if words != "zh":
        return _with(rows, str(day), [f"{t[8:10]}.{t[5:7]}.{t[:4]}" if n % 2 else f"{t[5:7]}/{t[8:10]}/{t[2:4]}" for n, t in zip(keys, texts, strict=True)])
    return _with(rows, str(day), [f"{t[:4]}年{t[5:7]}月{t[8:10]}日" if n % 2 else f"{t[5:7]}/{t[8:10]}/{t[2:4]}" for n, t in zip(keys, texts, strict=True)])


def _with(rows: pa.Table, name: str, values: list[str]) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, pa.array(values, pa.string()))
