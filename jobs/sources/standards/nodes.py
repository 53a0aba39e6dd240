"""Reaching into a document by local names: whatever prefix or namespace its writer chose, the standard's words are the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lxml import etree

from jobs.sources.standards.xml import Refused


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple("{*}" + name for name in path.split("/"))


def first(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of local names such as `Party/Name`, trying every branch; None when there is none."""
    steps = _steps(path)
    if len(steps) == 1:
        return next(element.iterchildren(steps[0]), None)
    return next(_walk(element, steps), None)


def each(element: etree._Element, path: str) -> Iterator[etree._Element]:
    """All elements at a path of local names, in document order."""
    steps = _steps(path)
    return element.iterchildren(steps[0]) if len(steps) == 1 else _walk(element, steps)


def _walk(element: etree._Element, steps: tuple[str, ...]) -> Iterator[etree._Element]:
    if len(steps) == 1:
        yield from element.iterchildren(steps[0])
        return
    for child in element.iterchildren(steps[0]):
        yield from _walk(child, steps[1:])


def said(element: etree._Element | None) -> str | None:
    """The element's own text, stripped; None when there is none."""
    text = element.text if element is not None else None
    return text.strip() or None if text else None


def text_at(element: etree._Element, path: str) -> str | None:
    """The first text that is not empty at a path; None when there is none."""
    for found in each(element, path):
        if text := said(found):
            return text
    return None


def any_text(element: etree._Element, *paths: str) -> str | None:
    """The text at the first of several paths that has one."""
    for path in paths:
        if text := text_at(element, path):
            return text
    return None


def needed(element: etree._Element, *paths: str) -> str:
    """The text at the first of several paths that has one. Refused when none has: it names the first."""
    found = any_text(element, *paths)
    if found is None:
        raise missing(element, paths[0])
    return found


def missing(element: etree._Element, path: str, what: str = "") -> Refused:
    """The refusal of a document that lacks a part without which nobody can say what it is."""
    name = path.rsplit("/", 1)[-1]
    return Refused(f"missing:{name}", f"no {path} in {etree.QName(element).localname}{what}", "without it this is no invoice: have it sent again", place(element))


def place(element: etree._Element) -> str:
    """Where an element stands: `line 12, TaxAmount`."""
    return f"line {element.sourceline or 0}, {etree.QName(element).localname}"
