"""Texts and amounts that stand in attributes, as Mexico's documents write them; names of older versions begin small."""

from __future__ import annotations

from decimal import Decimal

from lxml import etree

from jobs.sources.standards.nodes import missing
from jobs.sources.standards.values import number_of


def said(element: etree._Element | None, *names: str) -> str | None:
    """The first attribute of these names that is not empty, whatever the case of its letters."""
    if element is None:
        return None
    for name in names:
        for spelt in (name, name[0].lower() + name[1:], name.lower()):
            if text := (element.get(spelt) or "").strip():
                return text
    return None


def money(element: etree._Element | None, *names: str) -> Decimal | None:
    """The first of these attributes as an amount. Refused when it is no number."""
    text = said(element, *names)
    return number_of(element, text, names[0]) if text is not None and element is not None else None


def needed(element: etree._Element, name: str) -> str:
    """An attribute that must be there. Refused when it is not."""
    found = said(element, name)
    if found is None:
        raise missing(element, name)
    return found
