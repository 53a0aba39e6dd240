"""Where a country lies, as data: its districts, its tree of tax offices, how many of its firms share an address or an accountant, how invoices are numbered.

One section of a country's YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from jobs.conf.base import Share, Strict
from jobs.economy.fields import Factor, sums_to_one

Code = Annotated[int, Field(ge=100000, le=999999)]


class District(Strict):
    """A district: code of six digits, word in names and addresses, share of firms, and its habits of audit (1 = usual). `branches` of its tax office."""

    code: Code
    word: Annotated[str, Field(min_length=1)]
    weight: Share
    audited: Factor = 1.0
    executes: Share = 0.85
    branches: Annotated[int, Field(ge=0, le=99)] = 0


def _apart(districts: tuple[District, ...]) -> tuple[District, ...]:
    sums_to_one([d.weight for d in districts], "weights")
    codes = [d.code for d in districts]
    if codes != sorted(set(codes)):
        raise ValueError(f"the codes {', '.join(map(str, codes))} must differ and stand in ascending order")
    return districts


class Sharing(Strict):
    """Who shares what with strangers. Firms that exist only for fraud do so much more often."""

    centre: Share = 0.2  # small firms in a business centre, each in a room of its own
    virtual: Share = 0.04  # small firms at one desk of a centre that only hosts them
    virtual_mills: Share = 0.7
    group: Share = 0.4  # blocks of one owner that sit at one address
    agent: Share = 0.6  # small firms whose books an agent keeps
    agent_phone: Share = 0.3  # of them, those that give the agent's telephone
    clients: Annotated[int, Field(ge=2, le=2000)] = 60  # taxpayers to each agent
    tenants: Annotated[int, Field(ge=2, le=5000)] = 400  # taxpayers to each business centre


class Moving(Strict):
    """Chance a year that a firm moves, and the share of moves that lead to another district and its tax office."""

    yearly: Annotated[float, Field(gt=0, le=0.5)] = 0.04
    away: Share = 0.35


@dataclass(frozen=True)
class Office:
    """A tax office: id, the office above it, kind as the administration names it, and the districts it serves."""

    id: str
    parent: str | None
    kind: str
    regions: tuple[str, ...] = ()


class Place(Strict):
    """Where the country lies: codes, words and the special offices that serve large firms, inspections and refunds.

    `prefix`: four digits that every number of an authority begins with. `electronic_from`: the day from which invoices are all-electronic;
    before it they are on paper forms, with a code and a number. Null: numbered by each seller himself.
    """

    prefix: Annotated[str, Field(pattern=r"^\d{4}$")]
    city: Annotated[str, Field(min_length=2)]
    utc_offset_hours: Annotated[int, Field(ge=-12, le=14)]
    province_office: Code
    city_office: Code
    large_office: Code
    inspection_office: Code
    refund_office: Code | None = None
    large_executes: Share = 0.92
    inspection_executes: Share = 0.82
    districts: Annotated[tuple[District, ...], Field(min_length=1), AfterValidator(_apart)]
    sharing: Sharing = Sharing()
    moving: Moving = Moving()
    electronic_from: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Place:
        ids = [o.id for o in self.offices]
        if len(ids) != len(set(ids)):
            raise ValueError(f"office {next(i for i in ids if ids.count(i) > 1)} stands twice; every office needs an id of its own")
        return self

    @property
    def zone(self) -> timezone:
        """The country's clock."""
        return timezone(timedelta(hours=self.utc_offset_hours))

    @property
    def executes(self) -> dict[str, float]:
        """Share of its list that each office works, by office id."""
        special = {self.large_office: self.large_executes, self.inspection_office: self.inspection_executes}
        return {str(code): share for code, share in ({d.code: d.executes for d in self.districts} | special).items()}

    @property
    def offices(self) -> tuple[Office, ...]:
        """The tree of offices: province, city, one per district, the special ones, and the branches under the districts'. Parents come first."""
        province, city = str(self.province_office), str(self.city_office)
        special = {"large_business": self.large_office, "inspection": self.inspection_office, "refund": self.refund_office}
        return (
            Office(province, None, "headquarters"), Office(city, province, "headquarters"),
            *(Office(str(d.code), city, "tax_source", (str(d.code),)) for d in self.districts),
            *(Office(str(code), city, kind) for kind, code in special.items() if code is not None),
            *(Office(f"{d.code}{n + 1:02d}", str(d.code), "tax_source") for d in self.districts for n in range(d.branches)),
        )  # fmt: skip
