"""conf/sources/<name>.yaml: the contract of a source, held against the table it fills."""

from __future__ import annotations

import codecs
import fnmatch
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from jobs.conf.base import Strict, Text, Zone
from jobs.conf.expect import Expect
from jobs.conf.pull import Pull, misfits
from jobs.lake.tables import TABLES

Purpose = Literal["risk", "case", "statistics", "letter"]
UNITS = {"元": 1, "千元": 1_000, "万元": 10_000, "百万元": 1_000_000, "亿元": 100_000_000}
"""Units of money that say by themselves what an amount is multiplied with."""
VAULT = "@vault"
"""What a column comes `from` that holds the reference into the vault."""


class Field_(Strict):
    """One target column of a source: where it comes from, its type, what is allowed."""

    from_: str | None = Field(default=None, alias="from", description="column, JSON path (a.b) or XML element of the source")
    type: Literal["string", "id", "int", "number", "money", "date", "timestamp", "bool", "code"] = "string"
    required: bool = False
    formats: tuple[str, ...] = ("%Y-%m-%d",)
    zone: Zone | None = Field(default=None, description="of times without an offset, such as UTC; null: the administration's own")
    unit: str | None = Field(default=None, description="what the agency counts in, such as 万元, kWh or m2; null: as the table's column says")
    scale: Decimal = Field(default=Decimal(1), gt=0, description="10000 when the agency counts in ten-thousands; a unit of UNITS gives its own")
    codes: dict[str, str] | None = None
    code_table: str | None = Field(default=None, description="table of conf/codes/ by which codes are read, as valid on the day of the event")
    masked: tuple[str, ...] = Field(default=(), description="values that stand for a hidden one: read as null")
    min: Decimal | None = None
    max: Decimal | None = None
    constant: str | None = None
    check_digit: bool = False
    pattern: str | None = Field(default=None, description="id columns: a regular expression that the whole id must match, such as \\d{14}")
    purposes: tuple[Purpose, ...] = Field(default=("risk", "case"), description="what the column may be used for; default: the source's")
    legal_basis: str | None = Field(default=None, description="where the column has another one than its source")
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _scaled_by_its_unit(cls, said: Any) -> Any:
        if isinstance(said, dict) and said.get("unit") in UNITS and "scale" not in said:
            return {**said, "scale": UNITS[said["unit"]]}
        return said

    @model_validator(mode="after")
    def _one_unit(self) -> Field_:
        if self.unit in UNITS and self.scale != UNITS[self.unit]:
            raise ValueError(f"unit {self.unit} multiplies with {UNITS[self.unit]}, scale says {self.scale}; leave `scale` out")
        if self.scale != 1 and self.unit is None:
            raise ValueError(f"scale {self.scale} needs the `unit` the agency counts in, such as 万元")
        if self.scale != 1 and self.type not in ("money", "number"):
            raise ValueError(f"scale is for money and numbers, not for {self.type}")
        return self

    @model_validator(mode="after")
    def _one_origin(self) -> Field_:
        if (self.from_ is None) == (self.constant is None):
            raise ValueError("give exactly one of `from` and `constant`")
        if self.pattern is not None:
            if self.type != "id":
                raise ValueError("`pattern` is for columns of type id")
            try:
                re.compile(self.pattern)
            except re.error as fault:
                raise ValueError(f"pattern: no regular expression ({fault})") from fault
        if self.type == "code" and bool(self.codes) == bool(self.code_table):
            raise ValueError("a code column needs either `codes` or a `code_table`")
        if self.code_table and self.type != "code":
            raise ValueError(f"code_table is for code columns, not for {self.type}")
        return self


class Files(Strict):
    """How a source's files are read. ZIP archives and gzip files of the format are opened by what they begin with."""

    pattern: str = "*"
    format: Literal["csv", "fixed", "jsonl", "parquet", "xlsx", "arff", "einvoice", "ubl", "cii", "fatturapa", "cfdi", "ofd"]
    encoding: str = Field(default="utf-8", description="a Python codec, or `auto`: UTF-8, UTF-16, GB18030 or cp1252, told by the file's bytes")
    delimiter: str = Field(default=",", pattern=r"^([\t -~]|auto)$", description="one ASCII character, or `auto`")
    preamble: Annotated[int, Field(ge=0, le=1000)] | Literal["auto"] = Field(default=0, description="lines above the header, or `auto`")
    fixed: dict[str, tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]] | None = Field(
        default=None, description="fixed width: column -> first position (from 1) and width"
    )
    counted_in: Literal["characters", "bytes"] = Field(default="characters", description="what positions of `fixed` count; old systems count bytes of GB18030")
    width: int | None = Field(default=None, ge=1, description="fixed width: the length of every record, when it is known")
    sheet: str | None = Field(default=None, description="worksheet; the first visible one by default")
    parquet: bool = Field(default=False, description="files may also come as Parquet with the same columns, under the pattern's name with .parquet for its suffix")

    @model_validator(mode="after")
    def _fits_its_format(self) -> Files:
        if self.parquet and self.format in ("parquet", "ubl"):
            raise ValueError(f"parquet: says nothing beside format {self.format}")
        if (self.format == "fixed") != (self.fixed is not None):
            raise ValueError("`fixed` names the columns of format `fixed`, and of no other")
        if self.format == "fixed" and self.encoding == "auto":
            raise ValueError("encoding: positions of fixed width need a declared encoding")
        if self.preamble == "auto" and self.format not in ("csv", "xlsx"):
            raise ValueError("preamble: `auto` looks for a header, which only csv and xlsx have")
        if self.encoding != "auto":
            try:
                codecs.lookup(self.encoding)
            except LookupError as fault:
                raise ValueError(f"encoding: Python has no codec '{self.encoding}'; examples: utf-8, gb18030, cp1252, utf-16") from fault
        return self

    def takes(self, name: str) -> bool:
        """Whether a file's name fits the pattern."""
        return fnmatch.fnmatchcase(name, self.pattern) or (self.parquet and fnmatch.fnmatchcase(name, f"{self.pattern.rpartition('.')[0] or '*'}.parquet"))


class Version(Strict):
    """What orders the versions of one key."""

    from_: str | None = Field(default=None, alias="from")
    type: Literal["int", "date", "timestamp"] = "int"
    formats: tuple[str, ...] = ("%Y-%m-%d",)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Known(Strict):
    """The first clock of a delivery declared `history`: the agency's own date plus a delay."""

    from_: str = Field(
        alias="from", description="target column that holds the agency's date; `version`: the version column, when it is a date"
    )
    delay_days: int = Field(default=1, ge=0, le=3650)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Stage(Strict):
    """One dated stage of a record that becomes a row of its own, such as the stages of a published list."""

    set: dict[str, str]
    columns: dict[str, Field_]


class Source(Strict):
    """conf/sources/<name>.yaml: the contract of a source."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    revision: int = Field(default=1, ge=1)
    table: str
    agency: Text
    owner: str
    legal_basis: str
    purposes: tuple[Purpose, ...] = Field(default=("risk", "case"), description="of every column that says nothing else")
    retention: str | None = Field(default=None, pattern=r"^\d+[dmy]$", description="how long rows may be kept after the event: days, months or years")
    delivery: Literal["increment", "snapshot"] = "increment"
    files: Files
    expect: Expect
    pull: Pull | None = Field(default=None, description="where the files are fetched from; null: they are brought")
    columns: dict[str, Field_]
    vault: dict[str, str] | None = Field(default=None, description="kept out of the lake, such as who told: name in the vault -> source column")
    lines: dict[str, Field_] | None = Field(default=None, description="unpivot: form line or statement item -> amount column")
    stages: dict[str, Stage] | None = Field(default=None, description="unpivot: one row per dated stage")
    details: dict[str, dict[str, Field_]] | None = Field(
        default=None, description="rows inside a record, such as an invoice's lines: silver table -> columns"
    )
    version: Version = Version()
    event_at: str = Field(description="target column that says when it happened")
    known: Known
    broken: Literal["row", "file"] = Field(default="row", description="quarantine the broken row, or the whole file with it")

    @model_validator(mode="before")
    @classmethod
    def _purposes_of_its_columns(cls, said: Any) -> Any:
        """What the source may be used for holds for each of its columns that says nothing else."""
        if not isinstance(said, dict) or "purposes" not in said:
            return said

        def given(columns: Any) -> Any:
            if not isinstance(columns, dict):
                return columns
            return {n: {"purposes": said["purposes"], **f} if isinstance(f, dict) else f for n, f in columns.items()}

        found = {**said, **{part: given(said[part]) for part in ("columns", "lines") if part in said}}
        if isinstance(said.get("details"), dict):
            found["details"] = {name: given(columns) for name, columns in said["details"].items()}
        if isinstance(said.get("stages"), dict):
            found["stages"] = {n: {**s, "columns": given(s.get("columns"))} if isinstance(s, dict) else s for n, s in said["stages"].items()}
        return found

    @model_validator(mode="after")
    def _pulls_what_it_reads(self) -> Source:
        if self.pull and (found := list(misfits(self.pull, self.files.model_dump(), self.delivery))):
            raise ValueError("; ".join(found))
        return self

    @model_validator(mode="after")
    def _fits_its_table(self) -> Source:
        if self.table not in TABLES or TABLES[self.table].layer not in ("version", "event"):
            raise ValueError(f"table: '{self.table}' is no silver table of jobs/lake/tables.py")
        of = TABLES.get(self.expect.coverage.of) if self.expect.coverage else None
        if self.expect.coverage and (of is None or of.layer not in ("version", "event")):
            raise ValueError(f"expect.coverage.of: '{self.expect.coverage.of}' is no silver table of jobs/lake/tables.py")
        contract = TABLES[self.table]
        own = {c.name for c in contract.own}
        given = set(self.columns)
        for stage in (self.stages or {}).values():
            given |= set(stage.set) | set(stage.columns)
        if self.lines:
            given |= {"return_line" if self.table == "return_line" else "item", "amount"}
        if unknown := given - own:
            raise ValueError(f"columns: {sorted(unknown)} are not in table '{self.table}'; it has {sorted(own)}")
        if missing := set(contract.key) - {"source"} - given:
            raise ValueError(f"columns: key column(s) {sorted(missing)} of table '{self.table}' are not mapped")
        dated = {"version"} if self.version.from_ and self.version.type != "int" else set()
        for name, columns in (self.details or {}).items():
            inner = {c.name for c in TABLES[name].own} if name in TABLES else set()
            if unknown := set(columns) - inner:
                raise ValueError(f"details.{name}: {sorted(unknown)} are not in that table; it has {sorted(inner)}")
            if missing := set(TABLES[name].key) - {"source"} - set(columns) - given:
                raise ValueError(f"details.{name}: key column(s) {sorted(missing)} are mapped neither here nor in `columns`")
        for label, name in (("event_at", self.event_at), ("known.from", self.known.from_)):
            if name not in given | (dated if label == "known.from" else set()):
                raise ValueError(f"{label}: '{name}' is not a mapped column")
        return self

    @model_validator(mode="after")
    def _codes_have_their_day(self) -> Source:
        """A code table is asked as of the event's day, which the record itself must say."""
        coded = {name for name, f in self.columns.items() if f.code_table}
        if len(coded) < sum(1 for _, _, f in self.fields() if f.code_table) or (coded and self.event_at not in self.columns):
            raise ValueError("code_table: only a column of the record itself can have one, and event_at must be such a column too")
        return self

    @model_validator(mode="after")
    def _vault_is_apart(self) -> Source:
        """What belongs into the vault reaches no column, not even inside another one."""
        mapped = [f for _, _, f in self.fields() if f.from_ is not None]
        pointing = [f for f in mapped if f.from_ == VAULT]
        if len(pointing) != int(bool(self.vault)) or (pointing and VAULT not in {f.from_ for f in self.columns.values()}):
            raise ValueError(f"vault: a source with a vault has exactly one column with from: '{VAULT}', any other none")
        if self.vault and (self.details or self.stages or self.files.format not in ("csv", "fixed", "jsonl", "parquet", "xlsx", "arff")):
            raise ValueError("vault: only sources of one record a row can have one: no details, no stages, no XML")
        origins = [*(f.from_ for f in mapped if f.from_ is not None), *([self.version.from_] if self.version.from_ else [])]
        for name, secret in (self.vault or {}).items():
            for other in origins:
                if (other + ".").startswith(secret + ".") or (secret + ".").startswith(other + "."):
                    raise ValueError(f"vault.{name}: '{secret}' also reaches the lake through '{other}'; map one or the other")
        return self

    def fields(self) -> Iterator[tuple[str, str, Field_]]:
        """Every mapped column and form line: silver table, name, field; a column of several stages once for each."""
        for name, f in {**self.columns, **(self.lines or {})}.items():
            yield self.table, name, f
        for stage in (self.stages or {}).values():
            yield from ((self.table, name, f) for name, f in stage.columns.items())
        for table, columns in (self.details or {}).items():
            yield from ((table, name, f) for name, f in columns.items())


def period(text: str) -> timedelta:
    """`3d`, `12h`, `5m` or `30s` as a timedelta."""
    unit = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}[text[-1]]
    return timedelta(**{unit: int(text[:-1])})
