"""What a country is like, as data: places, law, industries, evasion, errors, enforcement, third parties, shocks. One YAML file per country.

Read and checked before Spark starts; a fault is named by its key's path and what is allowed. `countries/` holds the ones that come along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from jobs.conf.base import ConfError, Share, Sourced, Strict
from jobs.conf.reading import read_one, unusable
from jobs.economy.agencies import ThirdParties
from jobs.economy.agreement import disagreements, told
from jobs.economy.enforcing import Effects, Enforcement
from jobs.economy.fields import Factor, Percent, Positive, Shares, Span, in_order, sums_to_one
from jobs.economy.kinds import NAMES
from jobs.economy.money import Amounts, Dividends, Money
from jobs.economy.place import Place
from jobs.economy.shocks import Shocks
from jobs.lake.arrays import Flags, Floats, Ints

COUNTRIES = Path(__file__).parent / "countries"
SLOTS = 20  # firms per size rank: industries have their share of firms in twentieths
EXPORTER = 0.2  # of final sales abroad, from which an industry is one of exporters


class Bracket(Strict):
    """A band of a progressive table: above `over` (currency a month, or a ratio) the rate is `rate` per cent."""

    over: Annotated[float, Field(ge=0)]
    rate: Percent
    quick: Annotated[float, Field(ge=0, le=100)] = 0


def _rising(bands: tuple[Bracket, ...]) -> tuple[Bracket, ...]:
    overs = [b.over for b in bands]
    if overs and (overs[0] != 0 or overs != sorted(set(overs))):
        raise ValueError(f"the bands begin over {', '.join(f'{o:g}' for o in overs)}; the first must begin over 0 and each over more than the one before")
    return bands


class Law(Sourced):
    """Main rates while they are in force. Per cent unless said otherwise."""

    vat: dict[str, Percent]
    vat_small: Percent
    vat_general_above: Positive  # sales a year above which a taxpayer is general by law
    vat_rent: Percent
    cit: Percent
    cit_small: Percent
    cit_small_below: Annotated[float, Field(ge=0)] = 0  # profit a year up to which the small rate applies
    pit: Annotated[tuple[Bracket, ...], Field(min_length=1), AfterValidator(_rising)]
    pit_allowance: Annotated[float, Field(ge=0)]  # a month
    pit_dividend: Percent
    social_employer: Annotated[float, Field(ge=0, le=60)]
    social_employee: Annotated[float, Field(ge=0, le=60)]
    stamp_permyriad: Annotated[float, Field(ge=0, le=100)]  # of sales and purchases under contract, per ten thousand
    property_value: Annotated[float, Field(ge=0, le=10)]  # a year, of the original value less the deduction
    property_deduction: Annotated[float, Field(ge=0, le=100)]
    property_rent: Annotated[float, Field(ge=0, le=60)]
    land_vat: Annotated[tuple[Bracket, ...], AfterValidator(_rising)] = ()  # bands of gain over deductible cost, with the quick deduction of each


class Industry(Strict):
    """One industry. Ratios are shares of sales without tax; `buys` weighs the industries it buys from, `firms` is its twentieths of firms."""

    code: Annotated[str, Field(pattern=r"^\d{4}$")]
    word: str
    item: str
    firms: Annotated[int, Field(ge=0, le=SLOTS)]
    scale: Positive
    vat: str
    materials: Share
    wages: Share
    other: Share
    consumers: Share
    inside: Share
    exports: Share = 0.0
    season: Share
    peak: Annotated[int, Field(ge=0, le=11)]
    stock_months: Annotated[float, Field(ge=0, le=24)]
    fixed_months: Annotated[float, Field(ge=0, le=60)] = 3.0  # fixed assets in months of sales
    energy: Share = 0.02
    pay: Positive = 1.0  # wages of an employee, relative to the country's usual
    exempt: Share = 0.0  # firms some of whose sales are exempt from VAT
    goods: bool = True  # trades in things that can be bought on the spot
    buys: Shares
    audited: Factor = 1.0
    burden: Annotated[tuple[Share, Share], AfterValidator(in_order)] = (0.0, 1.0)  # VAT due over sales, published range
    margin: Annotated[tuple[float, float], AfterValidator(in_order)] = (-1.0, 1.0)  # profit over sales, published range
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Industry:
        if self.materials + self.wages + self.other >= 1.25:
            raise ValueError(f"materials, wages and other cost {self.materials + self.wages + self.other:.2f} of sales; below 1.25 some firms live")
        if self.consumers + self.exports > 1:
            raise ValueError(f"consumers and exports take {self.consumers + self.exports:.2f} of final sales; at most 1")
        return self


class Typology(Strict):
    """One way of evading. `weight` is its share of all evaders; `industries` multiplies the chance of firms of an industry (0: never)."""

    on: bool = True
    weight: Share
    intensity: Span
    opportunity: Share = 0.0  # share of its evaders who do it because it is easy; the others intend it
    industries: dict[str, Factor] = Field(default_factory=dict)
    detection: Factor = 1.0  # how well examiners see it: factor on their chance


class Fleeting(Strict):
    """Firms that live for a season: one of each kind in so many size ranks (of twenty firms)."""

    on: bool = True
    every: Annotated[int, Field(ge=1, le=1000)]
    lives: Annotated[tuple[Annotated[int, Field(ge=2, le=60)], Annotated[int, Field(ge=2, le=60)]], AfterValidator(in_order)]  # months
    sells: Amounts  # a month, as far as buyers are found


def _known(typologies: dict[str, Typology]) -> dict[str, Typology]:
    chosen = [n for n in NAMES if n not in ("honest", "invoice_mill", "missing_trader")]
    unknown = sorted(set(typologies) - set(chosen))
    if unknown:
        raise ValueError(f"unknown typology {', '.join(unknown)}; known: {', '.join(chosen)}")
    sums_to_one([t.weight for t in typologies.values()], "weights")
    return typologies


class Evasion(Strict):
    """Who evades and how. `share`: evaders among the firms that live on, without those that exist only for fraud."""

    share: Annotated[float, Field(ge=0, le=0.6)]
    typologies: Annotated[dict[str, Typology], AfterValidator(_known)]
    invoice_mill: Fleeting
    missing_trader: Fleeting
    learns: Share = 0.5  # evaders who do less after a reminder they answered
    below_threshold: Share = 0.3  # of those who do less: who keep just below what was seen instead of stopping
    stops: Span = (0.0, 0.1)  # what is left of the evasion of who stops
    keeps_below: Span = (0.3, 0.6)  # and of who keeps just below


class Lookalikes(Strict):
    """Shares of firms with a lawful habit that looks like evasion (jobs/economy/lookalikes.py)."""

    advances: Share  # companies whose owners hold money for the business over a year's end
    outsourcing: Share
    vouchers: Share
    no_stock: Share
    buys_ahead: Share
    export_agents: Share  # exporters whose goods an agent clears under its own name
    group_services: Share  # firms of a group that pay a sibling for services
    bargains: Share  # buyers who take cheap goods from whoever offers them


class Honest(Strict):
    """Honest failings: careless firms err more often; some pay too much or do not claim what is theirs."""

    careless_firms: Share
    careless: Share  # chance of a mistake in a month's return of a careless firm
    careful: Share
    found_by_itself: Share
    forgets_relief: Share  # firms that do not claim the relief they are due
    tardy_firms: Share
    non_filers: Share
    lookalikes: Lookalikes
    passing_trader: Fleeting  # honest traders that sell from their suppliers' stores and do not last


class Country(Strict):
    """A whole country. `words`: the language of its names; `ids`: the scheme of its taxpayer ids; `trades`: words that firms of an industry bear in their names."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    words: Literal["zh", "latin"]
    ids: Literal["cn_uscc", "it_iva"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    zipf: Annotated[float, Field(gt=0.5, lt=1.5)]
    smallest: Positive  # monthly sales of the smallest firms
    births: Annotated[float, Field(gt=0, le=0.1)]  # new firms a month, share of all
    money: Money
    dividends: Dividends
    place: Place
    law: Annotated[tuple[Law, ...], Field(min_length=1)]
    industries: Annotated[tuple[Industry, ...], Field(min_length=2)]
    wholesale: str
    trades: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    evasion: Evasion
    honest: Honest
    enforcement: Enforcement
    effects: Effects
    third_parties: ThirdParties = ThirdParties()
    shocks: Shocks = Shocks()

    @model_validator(mode="after")
    def _whole(self) -> Country:
        faults = disagreements(self, SLOTS)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Country:
        """A changed copy; what was counted from the old one is counted anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in [n for n, value in vars(type(self)).items() if isinstance(value, cached_property)]:
            copied.__dict__.pop(name, None)
        return copied

    @cached_property
    def digest(self) -> str:
        """What makes two countries the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @cached_property
    def regions(self) -> Ints:
        """District codes in ascending order."""
        return np.array([d.code for d in self.place.districts], dtype=np.int64)

    @cached_property
    def slots(self) -> Ints:
        """Industry number of each of the twenty slots; mixed, so that neighbours in number are of several industries."""
        due = [(k + 0.5) / i.firms + 0.001 * n for n, i in enumerate(self.industries) for k in range(i.firms)]
        which = [n for n, i in enumerate(self.industries) for _ in range(i.firms)]
        return np.array([which[k] for k in np.argsort(due, kind="stable")], dtype=np.int64)

    @cached_property
    def slots_of(self) -> list[Ints]:
        """Slots of each industry."""
        return [np.flatnonzero(self.slots == n) for n in range(len(self.industries))]

    @cached_property
    def buys(self) -> Floats:
        """Share of purchases by [buying industry, selling industry]."""
        return np.array([[i.buys.get(s.code, 0.0) for s in self.industries] for i in self.industries])

    @cached_property
    def trade_words(self) -> list[tuple[str, ...]]:
        """Words for its trade, by industry number; at least one."""
        return [self.trades.get(i.code, (i.word,)) for i in self.industries]

    @cached_property
    def wholesale_number(self) -> int:
        """Number of the industry whose slots hold mills and missing traders."""
        return [i.code for i in self.industries].index(self.wholesale)

    def column(self, name: str) -> np.ndarray:
        """One attribute of all industries, by industry number."""
        return np.array([getattr(i, name) for i in self.industries])

    @cached_property
    def brokers(self) -> Flags:
        """Industries whose firms may stand at the end of a carousel: they export much, and the YAML does not keep them out."""
        exports = np.array([i.exports for i in self.industries])
        return np.asarray((exports > EXPORTER) & (self.propensity("carousel") > 0) & ("carousel" in self.evasion.typologies))

    def propensity(self, typology: str) -> Floats:
        """Factor on the chance of a typology, by industry number."""
        factors = self.evasion.typologies[typology].industries if typology in self.evasion.typologies else {}
        return np.array([factors.get(i.code, factors.get("*", 1.0)) for i in self.industries])


def load_country(named: str) -> Country:
    """The country of a name (a file in countries/) or of a YAML file. ConfError with key path and range when it makes no sense."""
    path = Path(named) if named.endswith((".yaml", ".yml")) else COUNTRIES / f"{named}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in COUNTRIES.glob("*.yaml")))
        raise ConfError(f"{named}: no such country; name a YAML file, or one of: {known}")
    faults: list[str] = []
    found = read_one(path, Country, faults)
    if found is None:
        raise unusable([told(f, Country) for f in faults])
    return found


@lru_cache(maxsize=1)
def usual() -> Country:
    """The country that stands when none is named."""
    return load_country("china")
