"""A trace as a page: the figures as the list has them, what each is made of, and the lines as they were received."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.conf import Conf
from jobs.lineage.cell import period
from jobs.lineage.trace import Trace
from jobs.lineage.words import money, written
from jobs.respond.names import Names
from jobs.respond.office_list import risk_name
from jobs.respond.pages import environment

_FEEDS = {"declared": "申报数 declared", "other": "比对数 other", "difference": "差异 difference", "base": "税额 amount"}
_STATES = {
    "same": ("一致", "the inbox holds the same file, by its digest", "low"),
    "changed": ("已变", "the file in the inbox is not the one received", "high"),
    "gone": ("已移走", "the file is no longer in the inbox", ""),
    "unknown": ("无法核对", "no digest of it was kept", "medium"),
}
_COLUMNS = {"declared": "申报数 Declared", "other": "比对数 Compared with", "difference": "差异 Difference", "amount": "涉及税额 Tax at stake"}


def trace_html(trace: Trace, conf: Conf, most: int) -> str:
    """A self-contained page; of each part the first `most` lines, with the record as received."""
    code = trace.point["risk_code"] if trace.point is not None else None
    risk = f"{risk_name(code, conf).zh} {risk_name(code, conf).en}" if code else None
    facts = json.loads(trace.point["facts"]) if trace.point is not None else {}
    content = {"risk": risk, "facts": facts, "names": Names(conf, trace.as_of), "feeds": _FEEDS, "states": _STATES, "columns": _COLUMNS, "most": most}
    tools = {"written": written, "money": money, "period": period}
    return environment(Path(__file__).parent / "templates").get_template("trace.html.j2").render(trace=trace, **content, **tools)
