"""The pipeline as data: rooms contiguous, order follows from what steps take, one writer per table."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from jobs.lake.step import Kind
from jobs.lake.tables import STATES, TABLES, table
from jobs.pipeline import STEPS

NIGHT = [s for s in STEPS if s.kind is not Kind.DELIVER]


def test_the_steps_of_a_room_stand_together_in_the_order_of_the_loop() -> None:
    rooms = [room for room, _ in groupby(STEPS, key=lambda s: s.room)]
    assert rooms == ["sources", "link", "analyse", "rank", "respond", "evaluate"]


def test_every_step_stands_after_those_whose_tables_it_takes() -> None:
    written_by = {name: n for n, s in enumerate(NIGHT) for name in s.outputs}
    for n, step in enumerate(NIGHT):
        for name in (*step.reads, *step.changes, *step.versions):
            assert written_by.get(name, -1) < n, f"{step.name} takes {name} before it is written"


def test_every_table_but_those_of_ingest_and_control_has_one_writer() -> None:
    writers = Counter(name for s in NIGHT for name in s.outputs)
    expected = {n for n, t in TABLES.items() if t.layer in ("link", "additive", "nightly")} - {t.name for t in STATES}  # upkeep writes those
    assert set(writers) == expected
    assert max(writers.values()) == 1


def test_only_nightly_tables_are_asked_for_as_previous_or_history() -> None:
    for step in NIGHT:
        assert all(table(n).layer == "nightly" for n in (*step.previous, *step.history)), step.name
        assert all(table(n).layer in ("version", "event", "link") for n in step.changes), step.name


def test_a_step_that_applies_changes_writes_one_append_only_table() -> None:
    # its mark of what is applied rides on that one commit: with two tables a kill between them would lose the second
    for step in NIGHT:
        if step.changes:
            assert len(step.outputs) == 1 and table(step.outputs[0]).layer in ("additive", "link"), step.name


def test_names_are_unique_and_functions_importable_by_tasks() -> None:
    assert len({s.name for s in STEPS}) == len(STEPS)
    assert all(s.run.__name__ != "<lambda>" for s in STEPS)
