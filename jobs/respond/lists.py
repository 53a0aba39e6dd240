"""The inspectors' lists: per office a workbook to fill in and a page to read, written from a published and approved night."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from jobs.conf import Conf, in_force
from jobs.respond.names import Names
from jobs.respond.office_list import LEVELS, OfficeList, office_lists
from jobs.respond.pages import STATES_ZH, TEMPLATES, page
from jobs.respond.returned_csv import ALONE, CASE_SHEET, COLUMNS, HEADINGS, NEEDED, NEW_SHEET, POINT_SHEET, locked_cells
from jobs.respond.workbook import OUTCOMES, sheets, write_workbook

_GROUP = {"result": "finding", "reason_code": "reason", "outcome_reason": "reason"}  # column -> the group of names its codes belong to


def write_lists(tables: Mapping[str, pa.Table], as_of: date, conf: Conf, out: Path) -> list[Path]:
    """Write <office>.xlsx and <office>.html into a folder for every office with work; returns the paths.

    Reads selection, risk_point, reason and taxpayer. Cases whose treatment is a letter are not work and are left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    names = Names(conf, as_of)
    codes = sorted({r for t in in_force(conf.workflow, as_of) if t.act in OUTCOMES for r in t.reasons})
    written = []
    for found in office_lists(tables, as_of, conf):
        written += [out / f"{found.office_id}.xlsx", out / f"{found.office_id}.html"]
        write_workbook(found, written[-2], codes)
        written[-1].write_text(list_html(found, names, codes), encoding="utf-8")
    return written


def list_html(found: OfficeList, names: Names, reasons: Sequence[str]) -> str:
    """One office's list as a self-contained page: sorted by a click on a heading, with the points of each case under it and the workbook's columns to fill in.

    `reasons`: the codes a dropped or returned case may give. What was filled in is saved by the page's own script as the CSV that returned_csv.py reads.
    """
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("sort.js", "fill.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {sheet: [h for h in heads if h.fill] for sheet, heads in sheets(reasons).items()}

    def label(key: str, code: str) -> str:
        return f"{STATES_ZH[code]} {code}" if key == "outcome" else names.of(_GROUP[key], code)

    return page(
        "list.html.j2", found=found, levels=LEVELS, script=Markup(script), script_digest=digest, label=label, locked=locked_cells, needed=NEEDED, alone=ALONE,
        of_case=(CASE_SHEET, own[CASE_SHEET]), of_point=(POINT_SHEET, own[POINT_SHEET]), of_new=(NEW_SHEET, [h for h in own[NEW_SHEET] if h.key != "case_id"]),
        columns=json.dumps(COLUMNS), headings=json.dumps(HEADINGS, ensure_ascii=False),
    )
