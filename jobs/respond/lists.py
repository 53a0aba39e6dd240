"""The inspectors' lists: per office a workbook to fill in and a page to read, written from a published and approved night."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from jobs.conf import Conf, in_force
from jobs.respond.office_list import LEVELS, OfficeList, office_lists
from jobs.respond.pages import TEMPLATES, page
from jobs.respond.workbook import OUTCOMES, write_workbook


def write_lists(tables: Mapping[str, pa.Table], as_of: date, conf: Conf, out: Path) -> list[Path]:
    """Write <office>.xlsx and <office>.html into a folder for every office with work; returns the paths.

    Reads selection, risk_point, reason and taxpayer. Cases whose treatment is a letter are not work and are left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    codes = sorted({r for t in in_force(conf.workflow, as_of) if t.act in OUTCOMES for r in t.reasons})
    written = []
    for found in office_lists(tables, as_of, conf):
        written += [out / f"{found.office_id}.xlsx", out / f"{found.office_id}.html"]
        write_workbook(found, written[-2], codes)
        written[-1].write_text(list_html(found), encoding="utf-8")
    return written


def list_html(found: OfficeList) -> str:
    """One office's list as a self-contained page: sorted by a click on a heading, with the points of each case under it."""
    script = (TEMPLATES / "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page("list.html.j2", found=found, levels=LEVELS, script=Markup(script), script_digest=digest)
