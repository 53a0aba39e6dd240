"""STUDY.yaml: what a backtest is about, checked as a whole before a row is read. Every fault names the key path and what is allowed."""

from __future__ import annotations

import difflib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.candidates import CANDIDATES
from models.choose import Capacity, Objective, ObjectiveError, capacity, objective

_SPAN = r"^\d+(d|w|m|y)$"


class StudyError(ValueError):
    """The study or its table cannot be used; the message names the place and the remedy (exit 2)."""


def _text(value: Any) -> Any:
    """Column names and the like may look like numbers or dates in YAML."""
    return str(value) if isinstance(value, (int, float, date)) and not isinstance(value, bool) else value


def _days(value: Any) -> Any:
    """A span without a unit counts days."""
    return f"{value}d" if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, BeforeValidator(_text)]
Span = Annotated[str, BeforeValidator(_days), Field(pattern=_SPAN)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rows(_Strict):
    """The table: one row per entity and as-of date."""

    path: Name
    id: Name | None = None
    as_of: Name | None = None
    format: Literal["csv", "parquet", "arff", "delta"] | None = Field(default=None, description="when the file's name does not tell")
    date_format: str | None = Field(default=None, description="strptime format of as_of, where it could be read in two ways")


class Features(_Strict):
    """All columns are features but those dropped and those with another role."""

    drop: tuple[Name, ...] = ()
    categorical: tuple[Name, ...] = ()


class Label(_Strict):
    """What is to be foretold."""

    column: Name
    amount: Name | None = Field(default=None, description="recovered tax, when there is one")
    known_after: Span = Field(default="0d", description="time from as_of until the label is known")
    positive: Name | None = Field(default=None, description="the value that counts as 1, where it is not plain")


class ByFolds(_Strict):
    """Tables without dates."""

    kind: Literal["folds"]
    k: int = Field(default=10, ge=2, le=100)
    group: Name | None = None


class ByTime(_Strict):
    """Windows of time: one (test_from, test_to) or a row of them (first_test, every)."""

    kind: Literal["time"]
    test_from: date | None = None
    test_to: date | None = None
    first_test: date | None = None
    every: Span | None = None
    group: Name | None = None
    embargo: Span = "0d"

    @model_validator(mode="after")
    def _one_way(self) -> ByTime:
        one, many = (self.test_from, self.test_to), (self.first_test, self.every)
        if (any(v is not None for v in one) and any(v is not None for v in many)) or (None in one and None in many):
            raise ValueError("give either test_from and test_to, or first_test and every")
        if self.test_from and self.test_to and self.test_to < self.test_from:
            raise ValueError(f"test_to {self.test_to} lies before test_from {self.test_from}")
        if self.every and span(self.every)[0] == 0:
            raise ValueError("every must be longer than 0")
        return self


class Study(_Strict):
    """The whole study."""

    name: Name
    rows: Rows
    features: Features = Features()
    label: Label
    split: Annotated[ByFolds | ByTime, Field(discriminator="kind")] = ByFolds(kind="folds")
    capacity: tuple[str | int | float, ...] = Field(default=("1%", "5%"), min_length=1, max_length=20)
    candidates: Literal["default"] | tuple[str, ...] = "default"
    rules: Name | None = Field(default=None, description="column of a score that is already in use: becomes the candidate 'rules'")
    objective: str = "precision@5%"
    seed: int = Field(default=0, ge=0)
    allow_leaks: bool = False

    @field_validator("capacity")
    @classmethod
    def _capacities(cls, value: tuple[str | int | float, ...]) -> tuple[str | int | float, ...]:
        for text in value:
            capacity(text)
        return value

    @field_validator("objective")
    @classmethod
    def _objective(cls, value: str) -> str:
        objective(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> Study:
        if isinstance(self.split, ByTime) and self.rows.as_of is None:
            raise ValueError("split.kind time needs rows.as_of, the column that holds each row's date; without dates use kind: folds")
        if objective(self.objective).metric == "value" and self.label.amount is None:
            raise ValueError("objective value@… needs label.amount, the column of recovered tax")
        if self.candidates != "default":
            strange = [c for c in self.candidates if c not in CANDIDATES]
            if strange or not self.candidates:
                raise ValueError(f"candidates: {', '.join(strange) or 'none given'}; known: default, {', '.join(CANDIDATES)}")
            if "rules" in self.candidates and self.rules is None:
                raise ValueError("the candidate rules needs the key rules: the column of the score in use")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The candidates to compare, from simple to flexible."""
        asked = set(CANDIDATES if self.candidates == "default" else self.candidates)
        return tuple(c for c in CANDIDATES if c in asked and (c != "rules" or self.rules is not None))

    @property
    def capacities(self) -> tuple[Capacity, ...]:
        """Capacities in the order given, each once, with that of the objective."""
        aim = self.aim.at
        found = [capacity(c) for c in self.capacity] + ([aim] if aim else [])
        return tuple({c.text: c for c in found}.values())

    @property
    def aim(self) -> Objective:
        """The parsed objective."""
        return objective(self.objective)


def span(text: str) -> tuple[int, str]:
    """`90d`, `2w`, `6m` or `1y` as a number and NumPy's unit ('D', 'M' or 'Y'); weeks become days."""
    number, unit = int(text[:-1]), text[-1]
    return (number * 7, "D") if unit == "w" else (number, {"d": "D", "m": "M", "y": "Y"}[unit])


def load(path: Path) -> Study:
    """Read a study. StudyError with every fault found: file, key path, what is allowed, and near names of an unknown key."""
    if not path.is_file():
        raise StudyError(f"{path}: no such study file")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise StudyError(f"{path.name}: not UTF-8 (byte {fault.start}); save it as UTF-8") from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise StudyError(f"{path.name}{place}: not readable as YAML ({getattr(fault, 'problem', 'syntax')}); correct the line") from fault
    if not isinstance(found, dict):
        raise StudyError(f"{path.name}: must hold the keys name, rows, label, split, …; see docs/backtest.md")
    try:
        return Study.model_validate(found)
    except (ValidationError, ObjectiveError) as fault:
        raise StudyError(_in_words(path, fault)) from fault


_KEYS = {
    "": sorted(Study.model_fields), "rows": sorted(Rows.model_fields), "features": sorted(Features.model_fields),
    "label": sorted(Label.model_fields), "split": sorted(set(ByFolds.model_fields) | set(ByTime.model_fields)),
}  # fmt: skip


def _in_words(path: Path, fault: ValidationError | ObjectiveError) -> str:
    if isinstance(fault, ObjectiveError):
        return f"{path.name}: {fault}"
    lines = []
    for error in fault.errors():
        parts = [str(p) for p in error["loc"] if p not in ("folds", "time")]
        message = re.sub(r"^Value error, ", "", error["msg"])
        if error["type"] == "extra_forbidden":
            known = _KEYS.get(parts[0] if len(parts) > 1 else "", [])
            near = difflib.get_close_matches(parts[-1], known, 1)
            message = f"no such key{f'; did you mean {near[0]}?' if near else ''}; known: {', '.join(known)}"
        elif error["type"] == "missing":
            message = "is missing"
        lines.append(f"{'.'.join(parts) or 'study'}: {message}")
    return f"{path.name}: " + ("" if len(lines) == 1 else "\n  ") + "\n  ".join(lines)
