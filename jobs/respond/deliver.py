"""Delivery of an approved night: cases into the store, evidence into the lake, letters and lists into a folder.

Each part may be killed and run again: cases once per (as_of, taxpayer_id), evidence once per night, files written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from jobs.conf import Conf
from jobs.lake.lake import Lake
from jobs.lake.tables import table
from jobs.lake.write import append_once, write_files
from jobs.respond.evidence import evidence
from jobs.respond.handover import hand_over, handed_over
from jobs.respond.letters import letters, write_letters
from jobs.respond.lists import write_lists
from jobs.respond.store import Store


def deliver(lake: Lake, conf: Conf, store: Store, tables: Mapping[str, pa.Table], as_of: date, revision: int, official: str, out: Path) -> str:
    """Deliver a night that `official` approved; what was done, in words.

    tables: taxpayer, selection, risk_point, reason, reminder, score and feature of the published night.
    """
    cases = hand_over(store, conf, tables, as_of, official)
    run = lake.epoch()
    rows = evidence(tables, as_of, run, store)
    files = write_files(lake.root, table("evidence"), rows, buckets=lake.buckets)
    append_once(lake.root, "evidence", files, f"evidence:{as_of}:{revision}", run)
    sent = write_letters(letters(tables, as_of, conf), out / "letters")
    lists = write_lists({**tables, "selection": _numbered(tables["selection"], store, as_of)}, as_of, conf, out / "lists")
    return f"{cases} cases handed over, {rows.num_rows:,} rows of evidence kept, {len(sent)} files of letters and {len(lists)} files of lists in {out}"


def _numbered(selection: pa.Table, store: Store, as_of: date) -> pa.Table:
    """The selections under the number of the case each became: one that joined an open case is worked, and answered, under that one's."""
    became = {taxpayer_id: case_id for taxpayer_id, case_id, _ in handed_over(store, as_of)}
    numbers = [became.get(t, c) for t, c in zip(selection["taxpayer_id"].to_pylist(), selection["case_id"].to_pylist(), strict=True)]
    return selection.set_column(selection.column_names.index("case_id"), "case_id", pa.array(numbers, pa.string()))
