"""What every notebook begins with: the published night it reads, the configuration that night ran under, and its list.

Only published nights are read, and a notebook never writes to the lake.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.io.formats.style import Styler

from jobs.cli.place import Place
from jobs.conf import Conf
from jobs.lake.lake import IDENTITY, Published
from jobs.lake.read import whole
from jobs.lake.step import ModelRef, Night, Tables
from jobs.pipeline import STEPS
from jobs.respond.blind import Entry, entries
from jobs.runner import Refused

_LISTED = ("selection", "risk_point", "reason")
_SHORT = 24  # text up to this length stays on one line


@dataclass(frozen=True)
class OpenNight:
    """A published night, open for reading; `conf` is the configuration archived with its run, not what the folder says today."""

    place: Place
    published: Published
    conf: Conf
    night: Night

    def tables(self, *names: str) -> dict[str, pa.Table]:
        """Tables as the night saw them, by name."""
        return {name: self.place.known(self.published, name) for name in names}

    def seen_by(self, step: str) -> Tables:
        """What a step of the pipeline read that night."""
        return Tables(now=self.tables(*next(s for s in STEPS if s.name == step).reads))

    @property
    def model(self) -> str:
        """The model behind the list: its version, or `rules` when no model had been trained."""
        return self.night.model.version if self.night.model else "rules"

    def entries(self) -> list[Entry]:
        """The list as work exports show it (blind to the random slice): the heaviest treatment first, then rank and office."""
        weight = {name: t.effort_days for name, t in self.conf.treatments.items()}
        return sorted(entries(self.tables(*_LISTED)), key=lambda e: (-weight.get(e.treatment, 0.0), e.treatment, e.rank, e.office_id))


def open_night(as_of: str | None = None) -> OpenNight:
    """The published night of a date such as 2026-04-20 (default: the last) in the lake that ASSAY_LAKE names. Refused when there is none."""
    root = Path(os.environ.get("ASSAY_LAKE", "lake")).resolve()
    if not (root / IDENTITY).is_file():  # asked first: opening an empty folder would make a lake of it
        raise Refused(
            f"{root} holds no lake. Start the notebook with ASSAY_LAKE naming one by its full path: after `make demo` that is <checkout>/demo/lake, "
            "with ASSAY_CASES=sqlite:///<checkout>/demo/cases.sqlite (docs/notebooks.md)"
        )
    place = Place.here()
    published = place.published(date.fromisoformat(as_of) if as_of else None)
    begun = next(r for r in whole(place.lake.root, "run").to_pylist() if r["run"] == published.run and r["step"] == "begin")
    conf = Conf.model_validate_json((root / "conf" / f"{begun['conf_digest']}.json").read_text(encoding="utf-8"))
    model = json.loads(begun["note"])["model"]
    previous = place.lake.night_before(published.as_of)
    return OpenNight(place, published, conf, Night(published.as_of, published.run, conf, begun["run_id"], published.revision, begun["seed"], previous, ModelRef(**model) if model else None))


def show(frame: pd.DataFrame, formats: dict[str, str] | None = None, wide: str | None = None) -> Styler:
    """A frame as a table for reading: text escaped (names come from outside), money with separators, `wide` over several lines."""
    plain = {c: "{:,.0f}" for c in frame.columns if pd.api.types.is_float_dtype(frame[c])}
    table = frame.style.format({**plain, **(formats or {})}, na_rep="—", escape="html").hide(axis="index")
    text = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    short = [c for c in text if frame[c].map(str).str.len().max() <= _SHORT]
    table = table.set_properties(subset=text, **{"text-align": "left"}).set_properties(subset=short, **{"white-space": "nowrap"})
    table = table.set_table_styles({c: [{"selector": "th", "props": "text-align: left"}] for c in text}, overwrite=False)
    if frame.empty:
        table = table.set_caption("none")
    return table.set_properties(subset=[wide], **{"white-space": "pre-line", "min-width": "30em"}) if wide else table
