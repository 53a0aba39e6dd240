"""What a column of any table means: numbers, dates, categories, or text that no model can use.

Each reading is of the whole column: a column is a number when (nearly) all that is filled in reads as one. Whatever is set aside or
guessed is noted, so that a sceptic sees it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.matrix import FloatArray

NULLS = (
    "",
    "?",
    "na",
    "n/a",
    "#n/a",
    "nan",
    "null",
    "none",
    "nil",
    "-",
    "--",
    ".",
    "\\n",
    "(null)",
    "<na>",
    "nat",
    "inf",
    "-inf",
    "#div/0!",
    "#value!",
)
MAX_LEVELS = 250
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y年%m月%d日", "%Y-%m", "%Y/%m", "%Y%m",
    "%Y年%m月", "%Y",
)  # fmt: skip
_AMBIGUOUS = (("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d/%m/%y", "%m/%d/%y"), ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"))


@dataclass(frozen=True)
class Feature:
    """A column as a model sees it: numbers with NaN, or integer codes with the texts they stand for."""

    values: FloatArray
    levels: tuple[str, ...] = ()
    categorical: bool = False


def texts(column: pa.ChunkedArray) -> pa.Array:
    """Any column as trimmed text; what stands for nothing (`NULLS`) as null. Floats that are whole lose their `.0`, as ids need."""
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(found.type):
        found = found.cast(found.type.value_type)
    if pa.types.is_floating(found.type):
        whole = pc.all(pc.equal(pc.floor(found), found)).as_py()
        found = pc.cast(found, pa.int64(), safe=False) if whole else found
    if pa.types.is_timestamp(found.type):
        found = pc.strftime(found, "%Y-%m-%d %H:%M:%S")
    found = pc.utf8_trim_whitespace(pc.cast(found, pa.string()))
    empty = pc.is_in(pc.utf8_lower(found), value_set=pa.array(NULLS, pa.string()))
    return pc.if_else(pc.fill_null(empty, True), pa.scalar(None, pa.string()), found)


def numbers(column: pa.ChunkedArray | pa.Array, least: float = 1.0) -> tuple[FloatArray, int] | None:
    """The column as float64 and how many filled-in cells are no number; None when fewer than the share `least` read as numbers.

    Text may hold thousands marks, currency signs, per cent, brackets for negative, or a decimal comma. Infinite counts as missing.
    """
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(np.isfinite(values), values, np.nan), 0
    text = texts(column)
    plain = _plain(text)
    good = pc.fill_null(pc.match_substring_regex(plain, _NUMBER), False)
    filled = len(text) - text.null_count
    bad = filled - pc.sum(good).as_py() if filled else 0
    if filled == 0 or bad > (1 - least) * filled:
        return None
    values = pc.cast(pc.if_else(good, plain, pa.scalar(None, pa.string())), pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan), int(bad)


def _plain(text: pa.Array) -> pa.Array:
    """Text with what people write around numbers taken away; untouched when it already is plain.

    `1,234` is read with the comma as a thousands mark, unless another cell (`3,5`) shows that the column writes decimals so.
    """
    if pc.all(pc.match_substring_regex(text, _NUMBER)).as_py():
        return text
    bare = pc.replace_substring_regex(text, r"[\s\x{a0}'’_$€£¥￥元%]|^(CNY|RMB|USD|EUR|GBP)|(CNY|RMB|USD|EUR|GBP)$", "")
    bare = pc.replace_substring_regex(bare, r"^\((.*)\)$", r"-\1")
    thousands = pc.fill_null(pc.match_substring_regex(bare, r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"), False)
    comma = pc.fill_null(pc.match_substring_regex(bare, r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"), False)
    if pc.any(pc.and_(comma, pc.invert(thousands))).as_py():
        return pc.if_else(comma, pc.replace_substring(pc.replace_substring(bare, ".", ""), ",", "."), bare)
    return pc.if_else(thousands, pc.replace_substring(bare, ",", ""), bare)


def dates(column: pa.ChunkedArray | pa.Array, form: str | None = None, least: float = 1.0) -> tuple[np.ndarray, str] | str | None:
    """The column as datetime64[D] (NaT where empty or unreadable) and the format it was read in.

    None when it does not read as dates; a text naming the two readings when day and month cannot be told apart.
    """
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind) and not pa.types.is_duration(kind):
        return pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.date32(), safe=False).to_numpy(zero_copy_only=False).astype(
            "datetime64[D]"
        ), kind.__str__()
    text = texts(column).dictionary_encode()
    words = (
        pd.Series(text.dictionary.to_pylist(), dtype=object).str.replace(r"(Z|[+-]\d\d:?\d\d)$", "", regex=True)
        if len(text.dictionary)
        else None
    )
    if words is None or (form is None and words.str.len().max() > 32):
        return None
    found = {f: parsed for f in ((form,) if form else _DATE_FORMATS) if (parsed := _parsed(words, f, least)) is not None}
    if not found:
        return None
    for one, other in _AMBIGUOUS:
        if one in found and other in found and not found[one].equals(found[other]):
            return f"{one} or {other}"
    chosen, days = next(iter(found.items()))
    table = np.append(days.to_numpy(dtype="datetime64[D]"), np.datetime64("NaT"))
    index = pc.fill_null(text.indices, len(text.dictionary)).to_numpy(zero_copy_only=False)
    return table[index], chosen


def _parsed(words: pd.Series, form: str, least: float) -> pd.Series | None:
    sample = pd.to_datetime(words.iloc[:50], format=form, errors="coerce")
    if sample.isna().mean() > 1 - least + 0.1:
        return None
    days = pd.to_datetime(words, format=form, errors="coerce")
    wild = days.isna() | (days.dt.year < 1900) | (days.dt.year > 2100)
    return None if wild.mean() > 1 - least else days


def category(text: pa.Array) -> Feature:
    """Text as codes in the order of the texts; beyond the 249 most frequent ones all become '(other)'."""
    coded = text.dictionary_encode()
    words = np.array(coded.dictionary.to_pylist(), dtype=object)
    index = pc.fill_null(coded.indices, len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.bincount(index, minlength=len(words) + 1)[: len(words)]
    order = np.argsort(words.astype(str), kind="stable") if len(words) else np.empty(0, dtype=np.int64)
    kept = order
    if len(words) > MAX_LEVELS:
        by_rows = order[np.argsort(-rows[order], kind="stable")][: MAX_LEVELS - 1]
        kept = order[np.isin(order, by_rows)]
    codes = np.full(len(words) + 1, float(len(kept)))
    codes[kept] = np.arange(len(kept))
    codes[len(words)] = np.nan
    levels = tuple(str(w) for w in words[kept]) + (("(other)",) if len(kept) < len(words) else ())
    return Feature(codes[index], levels, True)


def feature(name: str, column: pa.ChunkedArray, as_category: bool, as_of: np.ndarray | None, notes: list[str]) -> Feature | None:
    """A column as a feature, or None (with a note) when it is constant, nested or free text.

    Dates become days before the row's as-of date, or days since 1970 when rows have none. Numbers with leading zeros are codes.
    """
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_duration(column.type):
        notes.append(f"'{name}' is left out: {column.type} is no number, date or text")
        return None
    if not as_category:
        found = _measured(name, column, as_of, notes)
        if found is not None:
            return _varying(name, found, notes)
    text = texts(column)
    distinct = len(pc.unique(text))
    if not as_category and distinct > max(50, min(1000, (len(text) - text.null_count) // 5)):
        notes.append(f"'{name}' is left out: {distinct} different texts in {len(text)} rows; list it under features.categorical to keep it")
        return None
    return _varying(name, category(text), notes)


def _varying(name: str, found: Feature, notes: list[str]) -> Feature | None:
    there = found.values[~np.isnan(found.values)]
    if len(there) == 0 or (len(there) == len(found.values) and there.min() == there.max()):
        notes.append(f"'{name}' is left out: {'empty' if len(there) == 0 else 'the same value in every row'}")
        return None
    return found


def _measured(name: str, column: pa.ChunkedArray, as_of: np.ndarray | None, notes: list[str]) -> Feature | None:
    """A column of numbers or dates; None when it is text."""
    if (
        pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
        or pa.types.is_dictionary(column.type)
        or pa.types.is_string_view(column.type)
    ):
        text = texts(column)
        if pc.any(pc.match_substring_regex(text, r"^0\d+$")).as_py():
            notes.append(f"'{name}' has numbers with leading zeros: taken as codes")
            return None
        column = text
    read = dates(column, least=0.98) if not _is_number(column) else None
    if isinstance(read, tuple) and read[1] not in ("%Y", "%Y%m", "%Y%m%d"):
        return Feature(_days(name, read, as_of, notes))
    found = numbers(column, least=0.98)
    if found is None:
        if isinstance(read, str):
            notes.append(f"'{name}' may be dates ({read}): taken as text")
        return None
    if found[1] and len(np.unique(found[0])) <= 100:
        return None  # codes that mix numbers and names
    if found[1]:
        notes.append(f"'{name}': {found[1]} cells are no numbers: taken as missing")
    return Feature(found[0])


def _is_number(column: pa.ChunkedArray | pa.Array) -> bool:
    kind = column.type
    return bool(pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _days(name: str, read: tuple[np.ndarray, str], as_of: np.ndarray | None, notes: list[str]) -> FloatArray:
    day = read[0]
    empty = np.isnat(day)
    if as_of is None:
        notes.append(f"'{name}' holds dates ({read[1]}): days since 1970-01-01")
        return np.where(empty, np.nan, day.astype(np.int64).astype(np.float64))
    later = int((day > as_of).sum())
    notes.append(
        f"'{name}' holds dates ({read[1]}): days before as_of"
        + (f"; {later} lie after it: was this known then? If not, drop it" if later else "")
    )
    return np.where(empty | np.isnat(as_of), np.nan, (as_of - day).astype(np.int64).astype(np.float64))
