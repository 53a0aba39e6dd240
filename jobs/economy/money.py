"""Figures in a country's own currency that no law states: wages, prices, usual amounts. One section of its YAML."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from jobs.conf.base import Share, Strict
from jobs.economy.fields import Span, in_order

Amount = Annotated[float, Field(gt=0, le=1e9)]
Amounts = Annotated[tuple[Amount, Amount], AfterValidator(in_order)]


class Money(Strict):
    """Usual amounts. A month's figures where they are flows; each firm draws its own between the ends of a range."""

    wage: Amounts  # of an employee in an industry that pays the usual (industries.*.pay = 1)
    individual_below: Amount  # sales below which a third of firms are businesses of one person
    least_order: Annotated[float, Field(ge=0, le=1e6)]  # below it nobody sends an invoice
    least_capital: Amount  # registered
    shell_capital: Amount  # registered by firms that exist only for fraud
    kilowatt_hour: Annotated[float, Field(gt=0, le=1e4)]  # price, taxes aside


class Dividends(Strict):
    """Companies whose owners take a dividend after a year with profit, and the part of the profit after tax that they take."""

    firms: Share
    payout: Span
