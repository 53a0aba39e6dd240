"""The contract compiled to one pass: cells become the silver table's own columns, and every broken rule of a record is named.

A record is whole or broken as a whole. What becomes of a whole one: a row, or a row per line (`lines`), per dated stage
(`stages`), and rows inside it (`details`); all of them carry the record's file line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Field_, House, Source
from jobs.lake.arrays import day_numbers
from jobs.lake.tables import DATE, LONG, STRING, Table, table
from jobs.sources.cells import Broken, Mask, as_text, convert, mask, parse_dates, parse_times
from jobs.sources.code_tables import NO_TABLES, WORDS, Tables
from jobs.sources.digest import row_digests
from jobs.sources.part import Part

RECORDS = pa.schema(
    [pa.field("line", LONG), pa.field("raw", STRING), pa.field("rules", pa.list_(STRING)), pa.field("reason", STRING), pa.field("id", STRING)]
)


@dataclass(frozen=True)
class Receipt:
    """What a delivery says of itself: the day it counts as received, and whether it is history (known by the agency's dates)."""

    day: date
    history: bool = False


@dataclass(frozen=True)
class Checked:
    """Records with the rules they break (none: null), and the rows of those that break none.

    `records`: line, raw, rules, reason, id (what its bucket is made from; null: not readable). `rows` and each table of
    `details`: the silver table's own columns, line, event_at, known_at, version (null: the contract names none), row_digest.
    """

    records: pa.Table
    rows: pa.Table
    details: dict[str, pa.Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spread:
    """One kind of row a record gives: a stage, a line, or the record itself; `there` says which records give it."""

    columns: Mapping[str, pa.Array]
    there: Mask


def check(part: Part, source: Source, house: House, receipt: Receipt, codes: Tables = NO_TABLES) -> Checked:
    """Check the records of a part against the contract of their source; `codes`: the code tables its columns name."""
    contract, count = table(source.table), len(part.line)
    if count == 0:
        return Checked(_unread(part), _no_rows(contract), {t: _no_rows(table(t)) for t in source.details or {}}, part.notes)
    pass_ = _Pass(part, source, house, contract, receipt)
    base = pass_.coded(pass_.columns(source.columns, contract.key), codes)
    spreads = pass_.spreads(base)
    version = pass_.version()
    clocks = [pass_.clocks({**base, **s.columns}, version, s.there) for s in (spreads if source.stages else spreads[:1])]
    clocks *= len(spreads) // len(clocks)
    pass_.nothing(spreads)
    inner = {name: pass_.details(name, fields, base) for name, fields in (source.details or {}).items()}
    bad = pass_.bad()
    content = row_digests({**base, **pass_.lines})
    rows = [_rows(contract, part.line, base, s, c, version, content if not source.stages else None, bad) for s, c in zip(spreads, clocks, strict=True)]
    made = {name: _inner_rows(table(name), inner[name], part.line, clocks[0], version, bad) for name in inner}
    return Checked(pa.concat_tables([_records(pass_, base, bad), _unread(part)]), pa.concat_tables(rows), made, part.notes)


class _Pass:
    """The broken rules gathered while a part's columns are converted."""

    def __init__(self, part: Part, source: Source, house: House, contract: Table, receipt: Receipt) -> None:
        self.part, self.source, self.house, self.contract, self.receipt = part, source, house, contract, receipt
        self.count = len(part.line)
        self.broken: list[Broken] = []
        self.lines: dict[str, pa.Array] = {}

    def columns(self, fields: Mapping[str, Field_], key: tuple[str, ...], label: str = "") -> dict[str, pa.Array]:
        """Target columns of the records, by the fields of the contract."""
        types = {c.name: c.type for c in self.contract.own}
        return {name: self._one(f, label + name, types[name], name in key) for name, f in fields.items()}

    def coded(self, base: dict[str, pa.Array], codes: Tables) -> dict[str, pa.Array]:
        """The columns with what their codes stand for on the day of the event; a record without that day is broken anyway."""
        for name, f in self.source.columns.items():
            if f.code_table is None:
                continue
            table_, given = codes[f.code_table], base[name]
            day = base[self.source.event_at]
            base[name], rules = table_.read(pc.if_else(pc.is_valid(day), given, pa.scalar(None, STRING)), day_numbers(day, 0))
            for rule in WORDS:
                if (where := rules == rule).any():
                    self.broken.append(Broken(f"{rule}:{name}", where, given, WORDS[rule].format(f.code_table)))
        return base

    def _one(self, f: Field_, name: str, target: pa.DataType, key: bool) -> pa.Array:
        cells = self.part.cells[f.from_] if f.from_ is not None else pa.repeat(pa.scalar(f.constant, STRING), self.count)
        found = convert(cells, name, f, target, self.house.zone, self.house.id_standard, key)
        self.broken += found.broken
        for flaw in self.part.flaws:
            if flaw.column == f.from_ and flaw.only in (None, f.type):
                self.broken.append(Broken(f"{flaw.rule}:{name}", flaw.where, as_text(cells), flaw.words))
        return found.values

    def spreads(self, base: Mapping[str, pa.Array]) -> list[Spread]:
        """The rows each record gives. A null amount gives no line, a stage without its date no row."""
        if self.source.lines:
            name = "return_line" if self.source.table == "return_line" else "item"
            amount = next(c.type for c in self.contract.own if c.name == "amount")
            self.lines = {line: self._one(f, line, amount, False) for line, f in self.source.lines.items()}
            return [Spread({name: pa.repeat(pa.scalar(line, STRING), self.count), "amount": v}, mask(pc.is_valid(v))) for line, v in self.lines.items()]
        if self.source.stages:
            return [self._stage(name) for name in self.source.stages]
        return [Spread({}, np.ones(self.count, dtype=bool))]

    def _stage(self, name: str) -> Spread:
        stage = (self.source.stages or {})[name]
        columns = {**{n: pa.repeat(pa.scalar(v, STRING), self.count) for n, v in stage.set.items()}, **self.columns(stage.columns, (), f"{name}.")}
        dated = columns.get(self.source.event_at)
        return Spread(columns, np.ones(self.count, dtype=bool) if dated is None else mask(pc.is_valid(dated)))

    def nothing(self, spreads: list[Spread]) -> None:
        """A record that gives no row at all would be lost without a trace; it is broken, unless a rule says so already."""
        empty = ~np.any([s.there for s in spreads], axis=0) & ~self.bad()
        if empty.any():
            what = "amount" if self.source.lines else "dated stage"
            self.broken.append(Broken("nothing", empty, pa.nulls(self.count, STRING), f"has no {what}; a record must say something"))

    def version(self) -> pa.Array:
        """The version of each record as int64: number, days or microseconds since 1970; null where the contract names none."""
        of = self.source.version
        if of.from_ is None:
            return pa.nulls(self.count, LONG)
        if of.type == "int":
            return self._one(Field_.model_validate({"from": of.from_, "type": "int", "required": True}), "version", LONG, True)
        cells = self.part.cells[of.from_]
        text = pc.cast(cells, STRING)
        if pa.types.is_temporal(cells.type):
            values = pc.cast(cells, DATE if of.type == "date" else pa.timestamp("us"), safe=False)
        else:
            values = parse_dates(text, of.formats) if of.type == "date" else parse_times(text, of.formats, self.house.zone)
        wrong = mask(pc.is_null(values))
        if wrong.any():
            self.broken.append(Broken("version", wrong, text, f"orders no version: no {of.type} written {' or '.join(of.formats)}"))
        return pc.cast(pc.cast(values, pa.int32()) if of.type == "date" else values, LONG)

    def clocks(self, columns: Mapping[str, pa.Array], version: pa.Array, there: Mask) -> tuple[pa.Array, pa.Array]:
        """event_at and known_at of one kind of row. A record dated after its receipt is broken."""
        event_at = columns[self.source.event_at]
        agency = columns.get(self.source.known.from_)
        if agency is None:  # the version's own date
            days = pc.divide(version, 86_400_000_000) if self.source.version.type == "timestamp" else version
            agency = pc.cast(pc.cast(days, pa.int32()), DATE)
        day = pa.scalar(self.receipt.day, DATE)
        late = mask(pc.greater(event_at, day)) | mask(pc.greater(agency, day))
        late &= there if self.source.stages else np.ones(self.count, dtype=bool)
        if late.any():
            latest = pc.max_element_wise(event_at, agency)
            self.broken.append(Broken("future", late, pc.cast(latest, STRING), f"is later than the receipt on {self.receipt.day}; correct the date"))
        if not self.receipt.history:
            return event_at, pa.repeat(day, self.count)
        told = pc.cast(pc.add(pc.cast(agency, pa.int32()), pa.scalar(self.source.known.delay_days, pa.int32())), DATE)
        return event_at, pc.fill_null(pc.min_element_wise(told, day, skip_nulls=False), day)

    def details(self, name: str, fields: Mapping[str, Field_], base: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Rows inside the records, with the record's own key columns; `record` is the position of the record."""
        rows, contract = self.part.details[name], table(name)
        order = np.argsort(self.part.line.to_numpy(), kind="stable")
        record = order[np.searchsorted(self.part.line.to_numpy()[order], rows["line"].to_numpy())]
        found: dict[str, pa.Array] = {"record": pa.array(record, LONG)}
        for c in contract.own:
            if c.name in fields:
                f = fields[c.name]
                cells = rows[f.from_].combine_chunks() if f.from_ is not None else pa.repeat(pa.scalar(f.constant, STRING), rows.num_rows)
                part = convert(cells, f"{name}.{c.name}", f, c.type, self.house.zone, self.house.id_standard, c.name in contract.key)
                found[c.name] = part.values
                self.broken += [_lifted(b, record, self.count) for b in part.broken]
            elif c.name in contract.key and c.name in base:
                found[c.name] = base[c.name].take(found["record"])
        return found

    def bad(self) -> Mask:
        """Which records break a rule."""
        return np.any([b.where for b in self.broken], axis=0) if self.broken else np.zeros(self.count, dtype=bool)


def _lifted(broken: Broken, record: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> Broken:
    """A rule broken by an inner row, as one broken by its record: the first offending cell is shown."""
    where = np.zeros(count, dtype=bool)
    first = np.zeros(count, dtype=np.int64)
    positions = np.flatnonzero(broken.where)[::-1]
    where[record[positions]] = True
    first[record[positions]] = positions
    return Broken(broken.rule, where, broken.cells.take(pa.array(first)) if len(broken.cells) else pa.nulls(count, STRING), broken.words)


def _rows(contract: Table, line: pa.Array, base: Mapping[str, pa.Array], spread: Spread, clocks: tuple[pa.Array, pa.Array],
          version: pa.Array, content: pa.Array | None, bad: Mask) -> pa.Table:  # fmt: skip
    columns = {**base, **spread.columns}
    digests = content if content is not None else row_digests(columns)
    keep = spread.there & ~bad
    return _shaped(contract, {**columns, "line": line, "event_at": clocks[0], "known_at": clocks[1], "version": version, "row_digest": digests}, keep)


def _inner_rows(contract: Table, columns: dict[str, pa.Array], line: pa.Array, clocks: tuple[pa.Array, pa.Array], version: pa.Array, bad: Mask) -> pa.Table:
    record = columns.pop("record")
    keep = ~bad[record.to_numpy()]
    own = {"event_at": clocks[0].take(record), "known_at": clocks[1].take(record), "version": version.take(record)}
    return _shaped(contract, {**columns, **own, "line": line.take(record), "row_digest": row_digests(columns)}, keep)


def row_schema(contract: Table) -> pa.Schema:
    """The columns a checked row has: the table's own, then line, event_at, known_at, version and row_digest."""
    own = [pa.field(c.name, c.type) for c in contract.own]
    return pa.schema([*own, ("line", LONG), ("event_at", DATE), ("known_at", DATE), ("version", LONG), ("row_digest", STRING)])


def _no_rows(contract: Table) -> pa.Table:
    return row_schema(contract).empty_table()


def _shaped(contract: Table, columns: Mapping[str, pa.Array], keep: Mask) -> pa.Table:
    schema = row_schema(contract)
    found = pa.table([columns[f.name] if f.name in columns else pa.nulls(len(keep), f.type) for f in schema], schema=schema)
    return found if keep.all() else found.filter(pa.array(keep))


def _records(pass_: _Pass, base: Mapping[str, pa.Array], bad: Mask) -> pa.Table:
    rules, reasons = _explained(pass_.broken, bad)
    bucket_by = pass_.contract.bucket_by or ""
    return pa.table([pass_.part.line, pass_.part.raw, rules, reasons, base[bucket_by]], schema=RECORDS)


def _explained(broken: list[Broken], bad: Mask) -> tuple[pa.Array, pa.Array]:
    """The rules each record breaks and the reason in words; null for whole records."""
    count = len(bad)
    if not broken:
        return pa.nulls(count, pa.list_(STRING)), pa.nulls(count, STRING)
    records, rules, words = [], [], []
    for b in broken:
        where = np.flatnonzero(b.where)
        name = b.rule.split(":", 1)[1] + ": " if ":" in b.rule else ""
        shown = pc.fill_null(pc.binary_join_element_wise("'", b.cells.take(pa.array(where)), "' ", ""), "")
        records.append(where)
        rules += [b.rule] * len(where)
        words.append(pc.binary_join_element_wise(name, shown, b.words, ""))
    record = np.concatenate(records)
    order = pa.array(np.argsort(record, kind="stable"))
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.bincount(record, minlength=count))]), pa.int32())
    whole = pa.array(~bad)
    texts = pa.concat_arrays([w.combine_chunks() if isinstance(w, pa.ChunkedArray) else w for w in words]).take(order)
    lists = pa.ListArray.from_arrays(offsets, pa.array(rules, STRING).take(order), mask=whole)
    return lists, pc.if_else(whole, pa.scalar(None, STRING), pc.binary_join(pa.ListArray.from_arrays(offsets, texts), "; "))


def _unread(part: Part) -> pa.Table:
    return pa.table([*(part.broken[c] for c in ("line", "raw", "rules", "reason")), pa.nulls(part.broken.num_rows, STRING)], schema=RECORDS)
