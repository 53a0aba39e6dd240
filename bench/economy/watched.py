"""A command run with its whole session watched: time of processors and memory of all its processes, JVM and Python workers among them.

Memory is the sum of PSS: what processes share is counted once.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.5  # seconds between looks
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """What was seen: (moment, seconds of processor so far, PSS in bytes) at each look, and what the command printed."""

    began: float
    printed: str = ""
    looks: list[tuple[float, float, int]] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """Most memory of all processes together, in bytes."""
        return max((m for _, _, m in self.looks), default=0)

    def cpu(self, first: float, last: float) -> float:
        """Seconds of processor between two moments."""
        before = [c for t, c, _ in self.looks if t <= first] or [0.0]
        until = [c for t, c, _ in self.looks if t <= last] or [0.0]
        return max(until) - max(before)


def watch(command: list[str], folder: Path) -> Watched:
    """Run a command in a session of its own. RuntimeError with its last words when it fails."""
    found = Watched(time.time())
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        used: dict[tuple[int, str], float] = {}
        while running.poll() is None:
            memory = 0
            for pid in _session(running.pid):
                start, seconds = _spent(pid)
                if start:
                    used[pid, start] = seconds
                    memory += _pss(pid)
            found.looks.append((time.time(), sum(used.values()), memory))
            time.sleep(EVERY)
        out, err = running.communicate()
    if running.returncode:
        raise RuntimeError(f"{command}: {err[-2000:]}")
    found.printed = out
    return found


def _session(leader: int) -> list[int]:
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and _stat(int(p))[3:4] == [str(leader)]]


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return []


def _spent(pid: int) -> tuple[str, float]:
    """When a process began (which tells two of one number apart) and the seconds of processor it has used."""
    fields = _stat(pid)
    return (fields[19], (int(fields[11]) + int(fields[12])) / _TICK) if fields else ("", 0.0)


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
