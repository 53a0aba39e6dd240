"""Cells to typed values, one column at a time, each broken rule as a mask with the words that explain it.

Money never passes through a float on its way from text; a float cell counts only when it stands for an exact amount.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import ConfError, Field_
from jobs.lake.tables import BOOL, DATE, FLOAT, LONG, MONEY, STRING
from jobs.sources.distinct import few_values
from jobs.sources.units import IN_CELL

Mask = npt.NDArray[np.bool_]
MAX_CELL = 20_000
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
# An id that a spreadsheet has turned into a number: 9.13302E+17. A bare 12E45 may be a real id.
SCIENTIFIC = r"^[+-]?\d+(?:[.,]\d+[eE][+-]?|[eE][+-])\d+$"
FULL_WIDTH = r"[\x{FF01}-\x{FF5E}\x{3000}]"
INTEGER = r"^[+-]?\d{1,18}$"
NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
PLAIN_AMOUNT = r"^[+-]?\d{1,16}(?:\.\d{1,2})?$"
AMOUNT = r"^[+-]?\d{1,20}(?:\.\d{1,8})?$"
_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"
WIDE = pa.decimal128(38, 8)
TRUE, FALSE = ("true", "1", "yes", "y", "t", "是"), ("false", "0", "no", "n", "f", "否")


@dataclass(frozen=True)
class Broken:
    """A rule, the records that break it, and what to say: the offending cell comes before `words`."""

    rule: str
    where: Mask
    cells: pa.Array
    words: str


@dataclass(frozen=True)
class Converted:
    """Values of one target column (null where broken), and the rules broken."""

    values: pa.Array
    broken: list[Broken]


def convert(cells: pa.Array, name: str, field: Field_, target: pa.DataType, zone: str, id_standard: str, key: bool = False) -> Converted:
    """Check one column's cells against its field of the contract. Types, required, codes, ranges, masked values, check digit."""
    found = few_values(cells)
    if found is None:
        return _converted(cells, name, field, target, zone, id_standard, key)
    once, at = _converted(found.dictionary, name, field, target, zone, id_standard, key), found.indices
    return Converted(once.values.take(at), [Broken(b.rule, b.where[at.to_numpy()], b.cells.take(at), b.words) for b in once.broken])


def _converted(cells: pa.Array, name: str, field: Field_, target: pa.DataType, zone: str, id_standard: str, key: bool) -> Converted:
    text = as_text(cells)
    broken: list[Broken] = []
    too_long = pc.greater(pc.utf8_length(text), MAX_CELL)
    _where(broken, f"too_long:{name}", too_long, pc.utf8_slice_codeunits(text, 0, 80), f"… has more than {MAX_CELL} characters")
    masked = pc.is_in(text, value_set=pa.array(field.masked, pa.string()))
    given = pc.if_else(pc.fill_null(pc.or_(too_long, masked), False), pa.scalar(None, STRING), text)
    if field.required or key:
        _where(broken, f"masked:{name}", masked, text, "hides the value, and the record cannot be used without it")
        _where(broken, f"required:{name}", pc.is_null(text), None, "is empty; the agency must give it")
    if field.codes:
        given = _coded(given, name, field.codes, broken)
    typed = cells if not (field.masked or field.codes or pa.types.is_string(cells.type)) else None
    values = _CONVERTERS[field.type](Cells(given, typed, name, field, zone, id_standard), broken)
    values = _ranged(values, given, name, field, broken)
    if values.type != target:
        values = pc.cast(values, target)
    return Converted(values, broken)


@dataclass(frozen=True)
class Cells:
    """One column on its way: text without blanks, the typed cells where the file had types, and its field of the contract."""

    text: pa.Array
    typed: pa.Array | None
    name: str
    field: Field_
    zone: str
    id_standard: str

    @property
    def numeric(self) -> bool:
        """Whether the file itself held binary floating-point numbers."""
        return self.typed is not None and pa.types.is_floating(self.typed.type)


def as_text(cells: pa.Array) -> pa.Array:
    """Cells as stripped text; an empty cell is null."""
    text = cells if pa.types.is_string(cells.type) else pc.cast(cells, pa.string())
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def mask(condition: pa.Array) -> Mask:
    """A boolean array as a mask; null counts as false."""
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def _where(broken: list[Broken], rule: str, condition: pa.Array, cells: pa.Array | None, words: str) -> bool:
    found = mask(condition)
    if found.any():
        broken.append(Broken(rule, found, cells if cells is not None else pa.nulls(len(found), pa.string()), words))
        return True
    return False


def _coded(text: pa.Array, name: str, codes: dict[str, str], broken: list[Broken]) -> pa.Array:
    position = pc.index_in(text, value_set=pa.array(list(codes), pa.string()))
    known = "/".join(list(codes)[:8])
    _where(broken, f"code:{name}", pc.and_(pc.is_valid(text), pc.is_null(position)), text, f"is not in the code list ({known}); correct it or add the code to the contract")
    return pc.take(pa.array(list(codes.values()), pa.string()), position)


def _matching(cells: Cells, pattern: str, rule: str, words: str, broken: list[Broken]) -> pa.Array:
    """The text where it matches, else null and a broken rule; a number in scientific notation is named as such."""
    fits = pc.match_substring_regex(cells.text, pattern)
    wrong = pc.and_(pc.is_valid(cells.text), pc.invert(fits))
    _where(broken, f"{rule}:{cells.name}", wrong, cells.text, words)
    return pc.if_else(fits, cells.text, pa.scalar(None, pa.string()))


def _string(cells: Cells, broken: list[Broken]) -> pa.Array:
    return cells.text


def _id(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.numeric:
        _where(broken, f"id:{cells.name}", pc.is_valid(cells.text), cells.text, "is a number in the file: digits may be lost; ids must be sent as text")
        return pa.nulls(len(cells.text), STRING)
    scientific = pc.match_substring_regex(cells.text, SCIENTIFIC)
    _where(broken, f"scientific:{cells.name}", scientific, cells.text, "is in scientific notation: digits are lost; ids must be sent as text")
    odd = pc.and_(pc.match_substring_regex(cells.text, r"[\s\x00-\x1f]"), pc.invert(scientific))
    _where(broken, f"id:{cells.name}", odd, cells.text, "holds blanks or control characters; correct the id")
    wide = pc.match_substring_regex(cells.text, FULL_WIDTH)
    _where(broken, f"id:{cells.name}", wide, cells.text, "holds full-width characters; ids are written in half-width ones")
    text = pc.if_else(pc.fill_null(pc.or_(pc.or_(scientific, odd), wide), False), pa.scalar(None, STRING), cells.text)
    if cells.field.pattern:
        unlike = pc.and_(pc.is_valid(text), pc.invert(pc.match_substring_regex(text, f"^(?:{cells.field.pattern})$")))
        _where(broken, f"pattern:{cells.name}", unlike, text, "is not written as the contract says; leading zeros may be lost")
        text = pc.if_else(pc.fill_null(unlike, False), pa.scalar(None, STRING), text)
    if cells.field.check_digit:
        distinct = pc.unique(text).drop_null()
        valid = _validator(cells.id_standard)
        wrong = pa.array([i for i in distinct.to_pylist() if not valid(i)], STRING)
        bad = pc.is_in(text, value_set=wrong)
        _where(broken, f"check_digit:{cells.name}", bad, text, f"is no valid {cells.id_standard} id: a character was mistyped or lost")
        text = pc.if_else(bad, pa.scalar(None, STRING), text)
    return text


@cache
def _validator(standard: str) -> Callable[[str], bool]:
    """`is_valid` of a python-stdnum module. ConfError when there is none of that name."""
    if re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)*", standard):
        try:
            # The same ids come in every file: a worker checks each once.
            return lru_cache(maxsize=1 << 20)(importlib.import_module(f"stdnum.{standard}").is_valid)
        except (ModuleNotFoundError, AttributeError):
            pass
    raise ConfError(f"assay.yaml: id_standard: python-stdnum has no module '{standard}' with is_valid; examples: cn.uscc, mx.rfc, eu.vat")


def _int(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.typed is not None and pa.types.is_integer(cells.typed.type):
        return pc.cast(cells.typed, LONG)
    return pc.cast(_matching(cells, INTEGER, "int", "is no whole number", broken), LONG)


def _number(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.typed is not None and (pa.types.is_floating(cells.typed.type) or pa.types.is_integer(cells.typed.type)):
        values = pc.cast(cells.typed, FLOAT, safe=False)
    else:
        values = pc.cast(_matching(cells, NUMBER, "number", "is no number", broken), FLOAT)
    endless = pc.and_(pc.is_valid(values), pc.invert(pc.is_finite(values)))
    _where(broken, f"number:{cells.name}", endless, cells.text, "is no finite number")
    values = pc.if_else(pc.fill_null(endless, False), pa.scalar(None, FLOAT), values)
    return values if cells.field.scale == 1 else pc.multiply(values, float(cells.field.scale))


def _money(cells: Cells, broken: list[Broken]) -> pa.Array:
    """Amounts; those written as they are stored are read at once, the others one rule after the other."""
    plain = cells.field.scale == 1
    if plain and cells.typed is not None and pa.types.is_decimal(cells.typed.type) and cells.typed.type.scale <= 2 and cells.typed.type.precision - cells.typed.type.scale <= 16:
        return pc.cast(cells.typed, MONEY)
    if not plain or cells.numeric:
        return _any_money(cells, broken)
    fits = pc.fill_null(pc.match_substring_regex(cells.text, PLAIN_AMOUNT), False)
    values = pc.cast(pc.if_else(fits, cells.text, pa.scalar(None, STRING)), MONEY)
    odd = pc.and_(pc.is_valid(cells.text), pc.invert(fits))
    if not pc.any(odd).as_py():
        return values
    found: list[Broken] = []
    rest = _any_money(replace(cells, text=cells.text.filter(odd), typed=None), found)
    place = np.flatnonzero(mask(odd))
    for b in found:
        where = np.zeros(len(cells.text), dtype=bool)
        where[place[b.where]] = True
        broken.append(Broken(b.rule, where, cells.text, b.words))
    return pc.replace_with_mask(values, odd, rest)


def _any_money(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.numeric and cells.typed is not None:
        wide = _exact(cells, broken)
    else:
        unit = pc.fill_null(pc.match_substring_regex(cells.text, IN_CELL), False)
        if _where(broken, f"unit:{cells.name}", unit, cells.text, f"names a unit; amounts must be bare numbers (the contract's scale is {cells.field.scale})"):
            cells = replace(cells, text=pc.if_else(unit, pa.scalar(None, STRING), cells.text))
        wide = pc.cast(_matching(cells, AMOUNT, "money", "is no amount in digits with a decimal point", broken), WIDE)
    scaled = wide if cells.field.scale == 1 else _times(wide, cells.field)
    fine = pc.cast(scaled, pa.decimal128(38, 2), safe=False)
    rest = pc.not_equal(pc.cast(fine, pa.decimal256(50, 8)), pc.cast(scaled, pa.decimal256(50, 8)))
    _where(broken, f"money:{cells.name}", rest, cells.text, "has more than two decimals")
    large = pc.greater_equal(pc.abs(fine), pa.scalar(10**16, pa.decimal128(38, 2)))
    _where(broken, f"money:{cells.name}", large, cells.text, "is larger than any amount can be")
    return pc.cast(pc.if_else(pc.fill_null(pc.or_(rest, large), False), pa.scalar(None, pa.decimal128(38, 2)), fine), MONEY)


def _exact(cells: Cells, broken: list[Broken]) -> pa.Array:
    """Floating-point cells that are the nearest number to an amount of two decimals (four where the contract scales)."""
    decimals = 2 if cells.field.scale == 1 else 4
    values = np.asarray(pc.fill_null(pc.cast(cells.typed, FLOAT), np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    small = np.isfinite(values) & (np.abs(np.nan_to_num(values)) < 9e15 / 10**decimals)
    units = np.rint(np.where(small, values, 0.0) * 10**decimals).astype(np.int64)
    same = small & (units / 10**decimals == values)
    _where(broken, f"money:{cells.name}", pc.and_(pc.is_valid(cells.typed), pa.array(~same)), cells.text, "is no exact amount; send decimals")
    exact = pc.cast(pa.array(units, LONG, mask=~same), pa.decimal128(19, 0))
    return pc.cast(pc.multiply(exact, pa.scalar(Decimal(1).scaleb(-decimals), pa.decimal128(decimals + 1, decimals))), WIDE)


def _times(amounts: pa.Array, field: Field_) -> pa.Array:
    """Amounts times the contract's scale, exactly; those that would overflow become as large as the next rule refuses."""
    limit = pa.scalar(10**19, pa.decimal128(20, 0))
    bounded = pc.if_else(pc.greater(pc.abs(pc.cast(amounts, pa.decimal256(50, 8))), pc.cast(limit, pa.decimal256(50, 8))), None, pc.cast(amounts, pa.decimal256(50, 8)))
    return pc.cast(pc.multiply(bounded, pa.scalar(field.scale, pa.decimal256(20, 4))), pa.decimal256(50, 8), safe=False)


def _date(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.typed is not None and pa.types.is_temporal(cells.typed.type):
        values = _day(cells.typed, cells.zone)
    else:
        values = parse_dates(cells.text, cells.field.formats)
        styles = " or ".join(cells.field.formats)
        _where(broken, f"date:{cells.name}", pc.and_(pc.is_valid(cells.text), pc.is_null(values)), cells.text, f"is no date written {styles}")
    far = pc.or_(pc.less(values, pa.scalar(EARLIEST)), pc.greater(values, pa.scalar(LATEST)))
    _where(broken, f"date:{cells.name}", far, cells.text, f"lies outside {EARLIEST.year} to {LATEST.year}")
    return pc.if_else(pc.fill_null(far, False), pa.scalar(None, DATE), values)


def parse_dates(text: pa.Array, formats: tuple[str, ...]) -> pa.Array:
    """Dates in the declared formats, strictly: what does not print back as it was written is no date (31 February)."""
    values = pa.nulls(len(text), DATE)
    for style in formats:
        parsed = pc.strptime(text, format=style, unit="s", error_is_null=True)
        same = pc.equal(pc.strftime(parsed, format=style), text)
        values = pc.coalesce(values, pc.cast(pc.if_else(same, parsed, pa.scalar(None, parsed.type)), DATE))
    return values


def parse_times(text: pa.Array, formats: tuple[str, ...], zone: str) -> pa.Array:
    """UTC timestamps in the declared formats; a time without an offset is of the zone.

    Strictly, as dates are: 30 February and a 60th second are no times. Where the clock changes, an hour that comes twice is its first, and
    one that is left out the moment after it: the day stays the one that is written.
    """
    values = pa.nulls(len(text), pa.timestamp("us", tz="UTC"))
    for style in formats:
        parsed = pc.strptime(text, format=style, unit="us", error_is_null=True)
        parsed = pc.if_else(_prints_back(text, style), parsed, pa.scalar(None, parsed.type))
        if "%z" not in style:
            parsed = _placed(parsed, zone)
        values = pc.coalesce(values, pc.cast(pc.cast(parsed, pa.timestamp("us", tz="UTC")), values.type))
    return values


def _prints_back(text: pa.Array, style: str) -> pa.Array:
    """Whether a time prints as it is written, its offset left out: a parser that is given 30 February makes it 2 March."""
    if style.endswith("%z"):
        text, style = pc.utf8_rtrim_whitespace(pc.replace_substring_regex(text, _OFFSET, "")), style.removesuffix("%z").rstrip()
    return pc.equal(pc.strftime(pc.strptime(text, format=style, unit="s", error_is_null=True), format=style), text)


def _placed(values: pa.Array, zone: str) -> pa.Array:
    """Times without a zone as times of a zone."""
    return pc.assume_timezone(values, zone, ambiguous="earliest", nonexistent="latest")


def _day(values: pa.Array, zone: str) -> pa.Array:
    """The day of typed dates and timestamps, in the administration's zone where they have one."""
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = pc.local_timestamp(pc.cast(values, pa.timestamp("us", tz=zone)))
    return pc.cast(values, DATE, safe=False)


def _timestamp(cells: Cells, broken: list[Broken]) -> pa.Array:
    if cells.typed is not None and pa.types.is_temporal(cells.typed.type):
        naive = pa.types.is_timestamp(cells.typed.type) and cells.typed.type.tz is None
        return _day(_placed(cells.typed, cells.field.zone) if naive and cells.field.zone else cells.typed, cells.zone)
    values = parse_times(cells.text, cells.field.formats, cells.field.zone or cells.zone)
    _where(broken, f"timestamp:{cells.name}", pc.and_(pc.is_valid(cells.text), pc.is_null(values)), cells.text, f"is no time written {' or '.join(cells.field.formats)}")
    return _day(values, cells.zone)


def _bool(cells: Cells, broken: list[Broken]) -> pa.Array:
    text = pc.utf8_lower(cells.text)
    yes, no = pc.is_in(text, value_set=pa.array(TRUE)), pc.is_in(text, value_set=pa.array(FALSE))
    _where(broken, f"bool:{cells.name}", pc.and_(pc.is_valid(text), pc.invert(pc.or_(yes, no))), cells.text, "is neither true nor false")
    return pc.if_else(pc.or_(yes, no), yes, pa.scalar(None, BOOL))


def _ranged(values: pa.Array, text: pa.Array, name: str, field: Field_, broken: list[Broken]) -> pa.Array:
    for bound, compare, words in ((field.min, pc.less, "is less than"), (field.max, pc.greater, "is more than")):
        if bound is not None:
            limit = pa.scalar(float(bound), FLOAT)
            _where(broken, f"range:{name}", compare(pc.cast(values, FLOAT), limit), text, f"{words} {bound}")
    return values


_CONVERTERS: dict[str, Callable[[Cells, list[Broken]], pa.Array]] = {
    "string": _string, "id": _id, "int": _int, "number": _number, "money": _money, "date": _date,
    "timestamp": _timestamp, "bool": _bool, "code": _string,
}  # fmt: skip
