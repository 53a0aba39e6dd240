"""What the DAGs share: the configuration they are built from, the command they call, who may approve."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jobs.conf import ConfError, load

if TYPE_CHECKING:
    from airflow.sdk.execution_time.hitl import HITLUser

CONF = load()
ZONE = CONF.house.zone
ONCE_MORE: dict[str, Any] = {"retries": 1}  # after Airflow's own [core] default_task_retry_delay: five minutes, unless set


def assay(*words: str, more: str = "") -> str:
    """A shell line that runs this environment's `assay` with these words; `more` is shell text that takes values from the task's env."""
    command = Path(sys.prefix) / "bin" / "assay"
    return " ".join(["exec", *map(shlex.quote, [str(command), *words]), more]).rstrip() + " "


def officials() -> list[HITLUser]:
    """Who may approve case lists: ASSAY_OFFICIALS, Airflow user ids separated by commas. ConfError when nobody is named."""
    named = [name.strip() for name in os.environ.get("ASSAY_OFFICIALS", "").split(",") if name.strip()]
    if not named:
        raise ConfError("ASSAY_OFFICIALS is empty: name the Airflow users who may approve case lists, separated by commas")
    return [{"id": name, "name": name} for name in named]


def local(moment: datetime) -> datetime:
    """A moment in the administration's zone."""
    return moment.astimezone(ZoneInfo(ZONE))
