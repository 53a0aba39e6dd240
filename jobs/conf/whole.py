"""The other parts of conf/, and the whole: offices, treatments, risk register, plan, levels, calendar, posts, workflow, words."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field

from jobs.conf.base import ConfError, Cron, Level, Money, S, Share, Sourced, Strict, Text, Zone, in_force
from jobs.conf.codes import CodeSystem
from jobs.conf.source import Source

COMPREHENSIVE = "comprehensive"  # the risk code of whoever is examined without a point: chosen by the model alone, or drawn
_LETTER = "reminder_letter"  # the document of a reminder
_SILENT_DAYS = 30  # where a treatment that asks for no answer has no term


class House(Strict):
    """conf/assay.yaml: what holds for the whole administration."""

    name: Text
    currency: str = Field(pattern="^[A-Z]{3}$")
    zone: Zone
    cut_off: str = Field(default="24:00", pattern=r"^([01]\d|2[0-4]):[0-5]\d$", description="receipts after it belong to the next day")
    nightly: Cron = Field(default="0 6 * * *", description="cron expression of the latest time at which the night starts")
    upkeep: Cron = Field(default="0 13 * * 6", description="cron expression of when the lake is looked after")
    buckets: int = Field(ge=1, le=65536)
    seed: int = Field(ge=0)
    id_standard: str = Field(default="cn.uscc", description="python-stdnum module that checks taxpayer ids")
    case_store: str | None = Field(default=None, description="SQLAlchemy URL; null: SQLite beside the lake; ASSAY_CASES overrides")


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

    @property
    def is_letter(self) -> bool:
        """Whether it is a reminder: a letter, no procedure, no answer asked, and no work of an office."""
        return self.document == _LETTER

    @property
    def silent_days(self) -> int:
        """Where no answer is asked: the days after which a file that nobody took up closes by itself."""
        return self.term_days or _SILENT_DAYS


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


class Band(Strict):
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


class Capacity(Strict):
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


class Disclosure(Strict):
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


class Ranking(Strict):
    """conf/rank.yaml: how models are compared and chosen."""

    candidates: tuple[str, ...] = ("rules", "single_feature", "logistic", "gradient_boosting")
    objective: str = "value@5%"
    label_lag_days: int = Field(default=180, ge=0)
    calibration_share: Share = 0.25
    min_labels: int = Field(default=60, ge=10)
    forbidden_features: tuple[str, ...] = ()
    snapshot_days: int = Field(default=200, ge=1, description="how old the features may be on the day a case was opened")
    rules_scale: float = Field(default=10.0, gt=0, description="rules score at which the rules alone state a probability of 63 %")
    point_amount_share: Share = Field(
        default=0.6, description="share of the points' amount expected to stand, until outcomes are learned from"
    )
    segment_effort: dict[str, float] = Field(default_factory=dict, description="segment -> multiple of the treatment's effort")


class Conf(Strict):
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
    codes: CodeSystem = Field(default_factory=CodeSystem)
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

    @property
    def letters(self) -> frozenset[str]:
        """The treatments that are letters."""
        return frozenset(t.id for t in self.treatments.values() if t.is_letter)

    def levels_on(self, as_of: date) -> Levels:
        """The level bands in force on a date."""
        return _one(self.levels, as_of, "conf/levels.yaml")

    def indicators_on(self, as_of: date) -> dict[str, IndicatorParameters]:
        """Published and trial parameters in force on a date, by indicator."""
        return {p.id: p for p in in_force(self.indicators, as_of) if p.state in ("published", "trial")}


def _one(entries: tuple[S, ...], as_of: date, where: str) -> S:
    found = in_force(entries, as_of)
    if not found:
        raise ConfError(f"{where}: nothing in force on {as_of}; add an entry whose valid_from is not later")
    return found[-1]
