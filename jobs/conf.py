"""The configuration's types: what an administration edits under conf/, validated as a whole before Spark starts.

Every error names the file, the key path and what is allowed (exit 2). Figures of law carry a date and a source;
`in_force` picks the entry valid on an as-of date.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jobs.lake.tables import TABLES

Money = Annotated[Decimal, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
CaseSource = Literal["model", "rule", "campaign", "random", "tip_off", "assigned", "transferred", "self_selected", "back_up"]
Level = Literal["none", "low", "medium", "high"]


class ConfError(Exception):
    """The configuration cannot be used; the message names file, key path and remedy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(_Strict):
    """A figure of law or policy: valid dates and where it is taken from."""

    valid_from: date = date(1900, 1, 1)
    valid_to: date | None = None
    source: str = Field(min_length=3)


S = TypeVar("S", bound=Sourced)


class Text(_Strict):
    """The same words in English and Chinese."""

    en: str
    zh: str


class House(_Strict):
    """conf/assay.yaml: what holds for the whole administration."""

    name: Text
    currency: str = Field(pattern="^[A-Z]{3}$")
    zone: str
    cut_off: str = Field(default="24:00", pattern=r"^([01]\d|2[0-4]):[0-5]\d$", description="receipts after it belong to the next day")
    nightly: str = Field(default="0 6 * * *", description="cron expression of the latest time at which the night starts")
    buckets: int = Field(ge=1, le=65536)
    seed: int = Field(ge=0)
    id_standard: str = Field(default="cn.uscc", description="python-stdnum module that checks taxpayer ids")
    case_store: str | None = Field(default=None, description="SQLAlchemy URL; null: SQLite beside the lake; ASSAY_CASES overrides")


class Field_(_Strict):
    """One target column of a source: where it comes from, its type, what is allowed."""

    from_: str | None = Field(default=None, alias="from", description="column, JSON path (a.b) or XML element of the source")
    type: Literal["string", "id", "int", "number", "money", "date", "timestamp", "bool", "code"] = "string"
    required: bool = False
    formats: tuple[str, ...] = ("%Y-%m-%d",)
    scale: Decimal = Field(default=Decimal(1), gt=0, description="10000 when the agency counts in ten-thousands")
    codes: dict[str, str] | None = None
    masked: tuple[str, ...] = Field(default=(), description="values that stand for a hidden one: read as null")
    min: Decimal | None = None
    max: Decimal | None = None
    constant: str | None = None
    check_digit: bool = False
    purposes: tuple[Literal["risk", "case", "statistics", "letter"], ...] = ("risk", "case")
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _one_origin(self) -> Field_:
        if (self.from_ is None) == (self.constant is None):
            raise ValueError("give exactly one of `from` and `constant`")
        if self.type == "code" and not self.codes:
            raise ValueError("a code column needs `codes`")
        return self


class Files(_Strict):
    """How a source's files are read."""

    pattern: str = "*"
    format: Literal["csv", "jsonl", "parquet", "ubl"]
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", pattern=r"^[\t -~]$", description="one ASCII character")
    preamble: int = Field(default=0, ge=0, le=1000, description="lines above the header")


class Expect(_Strict):
    """When a delivery should arrive."""

    schedule: str = Field(description="cron expression of the source's DAG")
    late_after: str = Field(default="3d", pattern=r"^\d+[dh]$")
    policy: Literal["wait", "run_without"] = "run_without"


class Version(_Strict):
    """What orders the versions of one key."""

    from_: str | None = Field(default=None, alias="from")
    type: Literal["int", "date", "timestamp"] = "int"
    formats: tuple[str, ...] = ("%Y-%m-%d",)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Known(_Strict):
    """The first clock of a delivery declared `history`: the agency's own date plus a delay."""

    from_: str = Field(
        alias="from", description="target column that holds the agency's date; `version`: the version column, when it is a date"
    )
    delay_days: int = Field(default=1, ge=0, le=3650)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Stage(_Strict):
    """One dated stage of a record that becomes a row of its own, such as the stages of a published list."""

    set: dict[str, str]
    columns: dict[str, Field_]


class Source(_Strict):
    """conf/sources/<name>.yaml: the contract of a source."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    revision: int = Field(default=1, ge=1)
    table: str
    agency: Text
    owner: str
    legal_basis: str
    delivery: Literal["increment", "snapshot"] = "increment"
    files: Files
    expect: Expect
    columns: dict[str, Field_]
    lines: dict[str, Field_] | None = Field(default=None, description="unpivot: form line or statement item -> amount column")
    stages: dict[str, Stage] | None = Field(default=None, description="unpivot: one row per dated stage")
    details: dict[str, dict[str, Field_]] | None = Field(
        default=None, description="rows inside a record, such as an invoice's lines: silver table -> columns"
    )
    version: Version = Version()
    event_at: str = Field(description="target column that says when it happened")
    known: Known
    broken: Literal["row", "file"] = Field(default="row", description="quarantine the broken row, or the whole file with it")

    @model_validator(mode="after")
    def _fits_its_table(self) -> Source:
        if self.table not in TABLES or TABLES[self.table].layer not in ("version", "event"):
            raise ValueError(f"table: '{self.table}' is no silver table of jobs/lake/tables.py")
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


class Office(Sourced):
    """One office of the tree."""

    id: str
    name: Text
    kind: Literal["headquarters", "tax_source", "large_business", "inspection", "refund"]
    parent: str | None = None
    regions: tuple[str, ...] = ()


class Treatment(Sourced):
    """conf/treatments.yaml: what may be done, by whom, under which law."""

    id: str
    name: Text
    organ: Text
    legal_basis: str
    levels: tuple[Level, ...]
    must_reply: bool
    opens_procedure: bool
    document: str
    term_days: int | None = Field(default=None, ge=1, description="days from service; null: no term of its own")
    decided_by: Literal["machine", "official", "two_officials"]
    holdout_allowed: bool
    allowed_if_fraud: bool
    office_kind: Literal["tax_source", "large_business", "inspection", "refund"]
    skill: str
    effort_days: float = Field(gt=0, le=365)


class RiskCode(Sourced):
    """conf/register.yaml: one entry of the risk register (风险特征库)."""

    code: str = Field(pattern="^[a-z][a-z0-9_]*$")
    name: Text
    tax: str
    stage: Literal["register", "invoice", "file", "pay", "refund", "deregister"]
    cause: Literal["ignorance", "opportunity", "intent", "inability"]
    treatment: str
    law: str
    fraud: bool = False
    risk_type: Literal["reporting", "fraud", "non_filing", "refund", "payment", "registration"]
    collectability: Share = 0.8
    prevented_per_month: Share = Field(default=0.0, description="loss that goes on if nothing is done, as a share of the amount and month")
    prevented_months: float = Field(default=0, ge=0, le=36)


class IndicatorParameters(Sourced):
    """conf/indicators/*.yaml: the dated parameters of one indicator function."""

    id: str
    state: Literal["draft", "trial", "published", "retired"]
    owner: str
    threshold: float
    floor_amount: Money = Decimal(0)
    peer_rule: Literal["none", "lower_tail", "upper_tail"] = "none"
    weight: float = Field(default=1.0, ge=0, le=100)
    overrides: dict[str, float] = Field(default_factory=dict, description="industry prefix or region -> threshold")
    settings: dict[str, float] = Field(default_factory=dict, description="further named figures of the indicator, such as a rate of tax")


class Band(_Strict):
    """The condition of one risk level."""

    level: Literal["low", "medium", "high"]
    capacity_share: float = Field(ge=0, le=10, description="how many times the capacity of its treatments the level may hold")
    min_probability: Share = 0.0
    min_amount: Money = Decimal(0)


class Levels(Sourced):
    """conf/levels.yaml: dated bands, cut so that each level fits the plan's capacity, and hard rules."""

    approved_by: str
    bands: tuple[Band, ...]
    hard_high: tuple[str, ...] = Field(default=(), description="risk codes that alone make the level high")


class Capacity(_Strict):
    """Inspector-days of one office and treatment over the plan period."""

    office: str
    treatment: str
    days: float = Field(ge=0)


class Plan(Sourced):
    """conf/plan/<year>.yaml: the signed plan."""

    year: int = Field(ge=2000, le=2100)
    signed_by: str
    capacity: tuple[Capacity, ...] = ()
    days_per_thousand: dict[str, float] = Field(
        default_factory=dict, description="treatment -> inspector-days a year per 1,000 taxpayers, where no office figure is given"
    )
    release: Literal["month", "quarter", "year"] = Field(
        default="quarter",
        description="capacity is released at the start of each such part of the year; what a past part did not use is gone",
    )
    random_share: Share = 0.1
    random_cap_per_year: Share = 0.03
    random_rest_years: int = Field(default=3, ge=0)
    contacts_per_year: int = Field(default=3, ge=1)
    floors: dict[str, Share] = Field(default_factory=dict, description="risk type -> least share of the list")
    holdout: dict[str, Share] = Field(default_factory=dict, description="discretionary treatment -> share held out")
    cooling_off_days: int = Field(default=365, ge=0)


class Due(Sourced):
    """conf/calendar.yaml: when a return of a tax and frequency is due after its period."""

    tax: str
    form: str
    frequency: Literal["month", "quarter", "year"]
    due_days: int = Field(ge=1, le=400, description="days after the period's last day")
    grace_days: int = Field(default=0, ge=0, le=90)


class Limitation(Sourced):
    """conf/limitation.yaml: how long tax can still be assessed."""

    tax: str = "*"
    error_years: int = Field(ge=1, le=30)
    evasion_years: int | None = Field(default=None, ge=1, le=50, description="null: no limit")


class Disclosure(_Strict):
    """conf/disclosure.yaml: may a fact of this source be told to the taxpayer."""

    source: str
    allowed: bool
    reason: str


class Post(Sourced):
    """conf/posts.yaml: one post (岗), what it may do and where (编制: its seats)."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    name: Text
    functions: tuple[str, ...]
    span: Literal["own", "below", "any"] = Field(default="own", description="own office, also the offices below it, or any office")
    office_kinds: tuple[Literal["headquarters", "tax_source", "large_business", "inspection", "refund"], ...] = ()
    seats: int = Field(default=0, ge=0, le=10000, description="seats in each office of these kinds")


class Transition(Sourced):
    """conf/workflow.yaml: what an act does to a case, who may do it, and what must hold."""

    act: str = Field(pattern="^[a-z][a-z_]*$")
    from_: tuple[str, ...] = Field(alias="from")
    to: str | None = Field(default=None, description="state after the act; null: unchanged")
    complete_to: str | None = Field(default=None, description="state after the act once every point is answered")
    function: str
    reasons: tuple[str, ...] = Field(default=(), description="reason codes, one of which must be given")
    apart_from: tuple[str, ...] = Field(default=(), description="acts on the same case that must be another person's")
    guards: tuple[Literal["points_answered", "statements_answered"], ...] = ()
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Wording(Sourced):
    """conf/wording.yaml: words an administration puts into letters, by key."""

    key: str
    en: str
    zh: str


class Ranking(_Strict):
    """conf/rank.yaml: how models are compared and chosen."""

    candidates: tuple[str, ...] = ("rules", "single_feature", "logistic", "gradient_boosting")
    objective: str = "value@5%"
    label_lag_days: int = Field(default=180, ge=0)
    calibration_share: Share = 0.25
    min_labels: int = Field(default=60, ge=10)
    forbidden_features: tuple[str, ...] = ()
    snapshot_days: int = Field(default=200, ge=1, description="how old the features may be on the day a case was opened")
    rules_scale: float = Field(default=10.0, gt=0, description="rules score at which the rules alone state a probability of 63 %")
    point_amount_share: Share = Field(default=0.6, description="share of the points' amount expected to stand, until outcomes are learned from")
    segment_effort: dict[str, float] = Field(default_factory=dict, description="segment -> multiple of the treatment's effort")


class Conf(_Strict):
    """The whole configuration."""

    house: House
    sources: dict[str, Source]
    offices: tuple[Office, ...] = ()
    treatments: dict[str, Treatment] = Field(default_factory=dict)
    register_: dict[str, RiskCode] = Field(default_factory=dict, alias="register")
    indicators: tuple[IndicatorParameters, ...] = ()
    levels: tuple[Levels, ...] = ()
    plans: tuple[Plan, ...] = ()
    calendar: tuple[Due, ...] = ()
    limitation: tuple[Limitation, ...] = ()
    disclosure: tuple[Disclosure, ...] = ()
    posts: tuple[Post, ...] = ()
    workflow: tuple[Transition, ...] = ()
    wording: tuple[Wording, ...] = ()
    ranking: Ranking = Ranking()
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def digest(self) -> str:
        """Digest of the whole configuration, stable over key order."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """The configuration as canonical JSON: what is archived beside the lake."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)

    def plan(self, as_of: date) -> Plan:
        """The plan of the as-of date's year. ConfError when none is signed for it."""
        plans = [p for p in self.plans if p.year == as_of.year]
        if not plans:
            raise ConfError(f"conf/plan: no plan for {as_of.year}; add conf/plan/{as_of.year}.yaml (known: {[p.year for p in self.plans]})")
        return plans[-1]

    def levels_on(self, as_of: date) -> Levels:
        """The level bands in force on a date."""
        return _one(self.levels, as_of, "conf/levels.yaml")

    def indicators_on(self, as_of: date) -> dict[str, IndicatorParameters]:
        """Published and trial parameters in force on a date, by indicator."""
        return {p.id: p for p in in_force(self.indicators, as_of) if p.state in ("published", "trial")}


def in_force(entries: tuple[S, ...], as_of: date) -> tuple[S, ...]:
    """The entries whose validity covers the date."""
    return tuple(e for e in entries if e.valid_from <= as_of and (e.valid_to is None or as_of <= e.valid_to))


def period(text: str) -> timedelta:
    """`3d` or `12h` as a timedelta."""
    return timedelta(days=int(text[:-1])) if text.endswith("d") else timedelta(hours=int(text[:-1]))


def _one(entries: tuple[S, ...], as_of: date, where: str) -> S:
    found = in_force(entries, as_of)
    if not found:
        raise ConfError(f"{where}: nothing in force on {as_of}; add an entry whose valid_from is not later")
    return found[-1]


_LISTS = {
    "offices": "offices.yaml",
    "levels": "levels.yaml",
    "calendar": "calendar.yaml",
    "limitation": "limitation.yaml",
    "disclosure": "disclosure.yaml",
    "posts": "posts.yaml",
    "workflow": "workflow.yaml",
    "wording": "wording.yaml",
}


def root() -> Path:
    """The configuration's folder: `ASSAY_CONF`, or conf/ of the checkout."""
    return Path(os.environ.get("ASSAY_CONF") or Path(__file__).parent.parent / "conf")


def load(folder: Path | None = None) -> Conf:
    """Read and check a configuration folder as a whole.

    Raises ConfError naming file, key path and what is allowed, for every fault found at once.
    """
    folder = folder or root()
    if not (folder / "assay.yaml").is_file():
        raise ConfError(f"{folder}: no assay.yaml there; set ASSAY_CONF to a configuration folder")
    faults: list[str] = []
    parts: dict[str, Any] = {"house": _read(folder / "assay.yaml", House, faults)}
    if (folder / "rank.yaml").is_file():
        parts["ranking"] = _read(folder / "rank.yaml", Ranking, faults)
    parts["sources"] = {p.stem: _read(p, Source, faults) for p in sorted((folder / "sources").glob("*.yaml"))}
    for key, name in _LISTS.items():
        parts[key] = _read_list(folder / name, _ITEMS[key], faults)
    parts["treatments"] = {t.id: t for t in _read_list(folder / "treatments.yaml", Treatment, faults)}
    parts["register"] = {r.code: r for r in _read_list(folder / "register.yaml", RiskCode, faults)}
    parts["indicators"] = tuple(
        i for p in sorted((folder / "indicators").glob("*.yaml")) for i in _read_list(p, IndicatorParameters, faults)
    )
    parts["plans"] = tuple(_read(p, Plan, faults) for p in sorted((folder / "plan").glob("*.yaml")))
    if faults:
        raise ConfError("the configuration cannot be used:\n  " + "\n  ".join(faults))
    conf = Conf.model_construct(**{**parts, "register_": parts.pop("register")})
    if faults := _cross_checks(conf):
        raise ConfError("the configuration cannot be used:\n  " + "\n  ".join(faults))
    return conf


_ITEMS: dict[str, type[BaseModel]] = {
    "offices": Office,
    "levels": Levels,
    "calendar": Due,
    "limitation": Limitation,
    "disclosure": Disclosure,
    "posts": Post,
    "workflow": Transition,
    "wording": Wording,
}


def _yaml(path: Path, faults: list[str]) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        faults.append(f"{path.name}{place}: not readable as UTF-8 YAML ({getattr(fault, 'problem', None) or 'encoding'}); correct the line")
        return None


def _read(path: Path, model: type[BaseModel], faults: list[str]) -> Any:
    found = _yaml(path, faults)
    if found is None:
        if not faults:
            faults.append(f"{path.name}: is empty; give the keys of {model.__name__}")
        return None
    return _validated(found, model, path.name, "", faults)


def _read_list(path: Path, model: type[BaseModel], faults: list[str]) -> tuple[Any, ...]:
    if not path.is_file():
        return ()
    before = len(faults)
    found = _yaml(path, faults)
    if not isinstance(found, list):
        if len(faults) == before:
            faults.append(f"{path.name}: must be a list of entries, each starting with '- '")
        return ()
    checked = (_validated(entry, model, path.name, f"[{n}]", faults) for n, entry in enumerate(found))
    return tuple(c for c in checked if c is not None)


def _validated(found: Any, model: type[BaseModel], name: str, prefix: str, faults: list[str]) -> Any:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        for fault in error.errors():
            path = ".".join([p for p in [prefix] if p] + [str(p) for p in fault["loc"]])
            known = (
                f"; known keys: {', '.join(sorted(model.model_fields))}"
                if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1
                else ""
            )
            faults.append(f"{name}: {path or '(whole file)'}: {fault['msg']}{known}")
        return None


def _cross_checks(conf: Conf) -> list[str]:
    faults = [f"sources/{file}.yaml: name: '{s.name}' differs from the file's name" for file, s in conf.sources.items() if s.name != file]
    offices = {o.id for o in conf.offices}
    faults += [f"offices.yaml: {o.id}.parent: no office '{o.parent}'" for o in conf.offices if o.parent and o.parent not in offices]
    faults += [
        f"register.yaml: {r.code}.treatment: no treatment '{r.treatment}' in treatments.yaml"
        for r in conf.register_.values()
        if r.treatment not in conf.treatments
    ]
    for levels in conf.levels:
        faults += [
            f"levels.yaml: hard_high: no risk code '{code}' in register.yaml" for code in levels.hard_high if code not in conf.register_
        ]
    for plan in conf.plans:
        where = f"plan/{plan.year}.yaml"
        faults += [f"{where}: capacity: no office '{c.office}'" for c in plan.capacity if c.office not in offices]
        named = [c.treatment for c in plan.capacity] + list(plan.days_per_thousand) + list(plan.holdout)
        faults += [f"{where}: no treatment '{t}' in treatments.yaml" for t in named if t not in conf.treatments]
        faults += [
            f"{where}: holdout.{t}: the law leaves no holdout for '{t}' (treatments.yaml)"
            for t in plan.holdout
            if t in conf.treatments and not conf.treatments[t].holdout_allowed
        ]
        if sum(plan.floors.values()) > 1:
            faults.append(f"{where}: floors: add up to {sum(plan.floors.values()):.2f}; at most 1")
    return faults
