"""What the sections of a country's YAML say of each other: every industry that is named is described, every class of VAT has a rate, dates stand in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from jobs.economy.setting import Country

LEAST_WHOLESALE = 3  # mills and missing traders take two of the slots
MOST_BROKERS = 4  # slots of a rank that one buffer sells to


def disagreements(country: Country, slots: int) -> list[str]:
    """Every fault with its key's path and what is allowed. `slots`: parts of the firms that industries have their share in."""
    codes = [i.code for i in country.industries]
    found = [f"industries.{n}.code: {c} stands twice; every industry needs a code of its own" for n, c in enumerate(codes) if c in codes[:n]]
    firms = sum(i.firms for i in country.industries)
    if firms != slots:
        found.append(f"industries: the twentieths of firms (firms) sum to {firms}; they must sum to {slots}")
    found += [f"{path}: industry {code} is not described; those that are: {', '.join(codes)}" for path, code in _named(country) if code not in codes]
    found += [
        f"wholesale: industry {i.code} has {i.firms} twentieths of the firms; it needs at least {LEAST_WHOLESALE}"
        for i in country.industries
        if i.code == country.wholesale and i.firms < LEAST_WHOLESALE
    ]
    brokers = sum(i.firms for i, may in zip(country.industries, country.brokers, strict=True) if may)
    if brokers > MOST_BROKERS:
        found.append(f"evasion.typologies.carousel.industries: lets in exporters with {brokers} twentieths of the firms; at most {MOST_BROKERS}")
    classes = {i.vat for i in country.industries}
    found += [f"law.{n}.vat: no rate for {', '.join(sorted(classes - set(law.vat)))}, which industries are taxed by" for n, law in enumerate(country.law) if classes - set(law.vat)]
    starts = [entry.valid_from for entry in country.law]
    found += [f"law.{n}.valid_from: {b} is not after {a}; entries stand in order, each from a day of its own" for n, (a, b) in enumerate(pairwise(starts), 1) if b <= a]
    return found


def _named(country: Country) -> Iterator[tuple[str, str]]:
    """Every industry that some key names: its path and code."""
    yield from ((f"industries.{n}.buys", code) for n, i in enumerate(country.industries) for code in i.buys)
    yield from ((f"evasion.typologies.{name}.industries", code) for name, t in country.evasion.typologies.items() for code in t.industries if code != "*")
    yield "wholesale", country.wholesale
    yield from (("trades", code) for code in country.trades)
    yield from ((f"shocks.recessions.{n}.industry", r.industry) for n, r in enumerate(country.shocks.recessions))
    yield from (("third_parties", code) for code in sorted(country.third_parties.industries))


def told(fault: str, model: type[BaseModel]) -> str:
    """A fault as a reader wants it: the key's path, what is wrong, what is allowed; without what only the library means by it."""
    plain = fault.replace("(whole file): Value error, ", "").replace("Value error, ", "").replace(".[key]", "")
    head, found, rest = plain.partition(": Extra inputs are not permitted")
    if not found or "known keys" in rest:
        return plain
    inner: Any = model
    for key in head.rpartition(": ")[2].split(".")[:-1]:
        inner = _model_in(inner.model_fields[key].annotation) if key in getattr(inner, "model_fields", {}) else inner
    return f"{plain}; known keys: {', '.join(sorted(inner.model_fields))}"


def _model_in(annotation: Any) -> Any:
    """The model that an annotation speaks of, inside whatever tuple, dictionary or union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for found in map(_model_in, get_args(annotation)) if found), None)
