"""Letters: one per taxpayer and night, as JSON and as a printable page, Chinese first and English below.

A letter holds only what the reminder table holds: what may be told. It never names score, level, model, list, other taxpayers or a threat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf, in_force
from jobs.respond.pages import page

_CLOSING = ("no_mistake", "correct_changes", "nothing_decided", "whom_to_ask")


@dataclass(frozen=True)
class LetterText:
    """One letter: its number, whom it is for, and its content as plain data."""

    letter_id: str
    taxpayer_id: str
    case_id: str
    content: dict[str, Any]

    @property
    def as_json(self) -> str:
        """The content as JSON, the same text every time."""
        return json.dumps(self.content, sort_keys=True, ensure_ascii=False, indent=1)


TOLD = ("taxpayer.taxpayer_id", "taxpayer.name", "taxpayer.office_id")
"""The silver columns in the head of every letter: their contracts must give them for the purpose `letter`."""


def letters(tables: Mapping[str, pa.Table], as_of: date, conf: Conf) -> list[LetterText]:
    """The letters of a night, by letter number. Reads reminder and taxpayer; suppressed reminders give none."""
    sent = tables["reminder"].filter(pc.is_null(tables["reminder"]["suppressed"]))
    people = tables["taxpayer"]
    people = people.filter(pc.is_in(people["taxpayer_id"], value_set=pa.array(sent["taxpayer_id"].to_pylist(), pa.string())))
    by_id = {p["taxpayer_id"]: p for p in people.select(["taxpayer_id", "name", "office_id"]).to_pylist()}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(sent.to_pylist(), key=lambda r: (r["letter_id"], r["point_id"])):
        rows.setdefault(row["letter_id"], []).append(row)
    return [_letter(number, own, by_id.get(own[0]["taxpayer_id"], {}), as_of, conf) for number, own in rows.items()]


def letter_html(content: Mapping[str, Any]) -> str:
    """One letter as a self-contained page that prints on A4."""
    return page("letter.html.j2", letter=content)


def write_letters(found: list[LetterText], out: Path) -> list[Path]:
    """Write every letter as <number>.html and <number>.json into a folder; returns the pages."""
    out.mkdir(parents=True, exist_ok=True)
    pages = []
    for letter in found:
        (out / f"{letter.letter_id}.json").write_text(letter.as_json + "\n", encoding="utf-8")
        pages.append(out / f"{letter.letter_id}.html")
        pages[-1].write_text(letter_html(letter.content), encoding="utf-8")
    return pages


def _letter(number: str, rows: list[dict[str, Any]], person: dict[str, Any], as_of: date, conf: Conf) -> LetterText:
    words = {w.key: {"zh": w.zh, "en": w.en} for w in in_force(conf.wording, as_of)}
    office = next((o for o in conf.offices if o.id == person.get("office_id")), None)
    points = sorted((_point(json.loads(row["text"]), words) for row in rows), key=lambda p: (p["tax"], p["period_from"], p["zh"]))
    content = {
        "letter_id": number, "date": as_of.isoformat(), "administration": conf.house.name.model_dump(), "currency": conf.house.currency,
        "office": office.name.model_dump() if office else conf.house.name.model_dump(),
        "taxpayer": {"id": rows[0]["taxpayer_id"], "name": person.get("name") or rows[0]["taxpayer_id"]},
        "title": words.get("title", {"zh": "提示函", "en": "Notice"}), "opening": words.get("opening"),
        "points": points, "how_to_correct": _corrections(points), "closing": [words[key] for key in _CLOSING if key in words],
    }
    return LetterText(number, rows[0]["taxpayer_id"], rows[0]["case_id"], content)


def _point(text: dict[str, Any], words: dict[str, dict[str, str]]) -> dict[str, Any]:
    facts = [{**f, "from": words.get(f"source.{f['source']}", {"zh": "—", "en": "—"})} for f in text["facts"]]
    return {"check": words.get("check"), **text, "facts": facts}


def _corrections(points: list[dict[str, Any]]) -> list[dict[str, str]]:
    """How to correct, each way once, in the order of the points."""
    found: list[dict[str, str]] = []
    for way in (p.get("correct") for p in points):
        if way and way not in found:
            found.append(way)
    return found
