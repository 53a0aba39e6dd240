"""Named points at which a test may kill the process: the tests that really kill need to say where."""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Die by SIGKILL here when `ASSAY_FAULT` names this point: `name`, or `name#3` for the third time it is passed.

    A file named by `ASSAY_FAULT_TRACE` gets the name as a line: tests learn from it which points a run passes. Else nothing ever happens.
    """
    wanted, trace = os.environ.get("ASSAY_FAULT"), os.environ.get("ASSAY_FAULT_TRACE")
    if trace:
        with open(trace, "a", encoding="utf-8") as lines:
            lines.write(f"{name}\n")
    if wanted:
        _passed[name] += 1
        if wanted in (name, f"{name}#{_passed[name]}"):
            os.kill(os.getpid(), signal.SIGKILL)
