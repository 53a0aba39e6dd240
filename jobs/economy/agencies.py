"""What the agencies beside the tax service are like, as data: how much each knows, how late, and how it errs about who is meant.

One section of a country's YAML. An agency that is not described does not exist in that country and sends nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from jobs.conf.base import Share, Strict
from jobs.economy.fields import Days, Positive, sums_to_one
from jobs.economy.money import Amount, Amounts


class Feed(Strict):
    """An agency: share of what exists that it knows, days from the fact to the file, errors about the party, figures it sends again corrected."""

    coverage: Share
    delay_days: Days = (0, 30)
    wrong_id: Share = 0.05
    no_id: Share = 0.1
    misspelt: Share = 0.15
    restated: Share = 0.0

    @model_validator(mode="after")
    def _shares(self) -> Feed:
        if self.wrong_id + self.no_id > 1:
            raise ValueError(f"wrong_id and no_id sum to {self.wrong_id + self.no_id:.2f}; at most 1")
        return self


class Currency(Strict):
    """A currency of trade: how much of the country's own one unit is worth, and the share of entries in it."""

    rate: Positive
    weight: Share


class Customs(Feed):
    """Goods code of each industry that trades in goods abroad, destinations and currencies with their weights, share of goods firms that import."""

    goods: dict[str, Annotated[str, Field(pattern=r"^\d{6,10}$")]]
    partners: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Share]
    currencies: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Currency]
    importers: Share = 0.1

    @model_validator(mode="after")
    def _weights(self) -> Customs:
        sums_to_one(list(self.partners.values()), "weights of the partners")
        sums_to_one([c.weight for c in self.currencies.values()], "weights of the currencies")
        return self


class Electricity(Feed):
    """Firms that use the meter of the first firm of their yard, and small firms whose meter runs in their owner's name."""

    shared: Annotated[float, Field(ge=0, le=0.75)] = 0.0
    private_holder: Share = 0.0


class SocialSecurity(Feed):
    """The contribution base of an insured head lies between a floor and a cap (currency a month)."""

    base_floor: Positive
    base_cap: Positive

    @model_validator(mode="after")
    def _bounds(self) -> SocialSecurity:
        if self.base_floor > self.base_cap:
            raise ValueError(f"base_floor {self.base_floor} lies above base_cap {self.base_cap}")
        return self


class Rating(Feed):
    """Ratings name a taxpayer by his id alone, so that none is ever left out; `delay_days` counts from the end of the year rated.

    `start`: points of a hundred before anything is taken off; `luck`: how far they are off by chance (standard deviation); `grave`: what an
    inspection must find for the worst grade by itself.
    """

    no_id: Annotated[float, Field(ge=0, le=0)] = 0.0
    grave: Amount
    start: Annotated[float, Field(ge=0, le=100)] = 93.0
    luck: Annotated[float, Field(ge=0, le=50)] = 4.0


class Penalties(Feed):
    """`fine`: from the lightest to the heaviest, in whole hundreds."""

    fine: Amounts


class Bank(Feed):
    """Private accounts are reported in months with an inflow from `private_above` on. `own_income`: what owners have a month beside their firms."""

    own_income: Amounts
    private_above: Annotated[float, Field(ge=0)] = 0.0


class TipOff(Feed):
    """`coverage` is the chance a year that an evader is told on; `malicious` the share of all tips that accuse an honest firm."""

    malicious: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Licensing(Feed):
    """Kind of licence each industry needs (of codes known to the contract), years it is valid, chance a year that it is revoked."""

    kinds: dict[str, str]
    years: Annotated[int, Field(ge=1, le=20)] = 5
    revoked: Share = 0.0


class ThirdParties(Strict):
    """The agencies of a country, by the name of the source they send."""

    land: Feed | None = None
    penalty: Penalties | None = None
    licence: Licensing | None = None
    customs: Customs | None = None
    electricity: Electricity | None = None
    social_security: SocialSecurity | None = None
    credit_rating: Rating | None = None
    bank_month: Bank | None = None
    tip_off: TipOff | None = None

    @property
    def industries(self) -> set[str]:
        """Industries that are named."""
        return set(self.customs.goods if self.customs else ()) | set(self.licence.kinds if self.licence else ())
