"""`expect:` of a contract: when a delivery should come, and what it should look like beside those before it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from jobs.conf.base import Cron, Share, Strict


class Limits(Strict):
    """Two levels of one measure: from `warn` on it is said, from `stop` on the delivery is not taken until somebody decides. Null: never."""

    warn: float | None = Field(default=None, ge=0)
    stop: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        if self.warn is not None and self.stop is not None and self.warn > self.stop:
            raise ValueError(f"warn ({self.warn:g}) is beyond stop ({self.stop:g}); a delivery is warned of before it is stopped")
        return self


class Volume(Limits):
    """Limits of the number of records, beyond the most of the last deliveries; of a snapshot also below the least. An increment that has
    `few` times fewer than the least is warned of: null where a trickle between large deliveries is usual.
    """

    few: float | None = Field(default=None, ge=1)


class Coverage(Strict):
    """The share of a delivery's ids (those its table is bucketed by) that another table knows; levels are the least that is well."""

    of: str = Field(description="silver table that should know the ids, such as taxpayer")
    warn: Share | None = 0.9
    stop: Share | None = 0.5

    @model_validator(mode="after")
    def _in_order(self) -> Coverage:
        if self.warn is not None and self.stop is not None and self.warn < self.stop:
            raise ValueError(f"warn ({self.warn:g}) is below stop ({self.stop:g}); a share is warned of before it is stopped")
        return self


class Expect(Strict):
    """When a delivery should arrive, and how far it may differ from the last ones before it is warned of or stopped.

    The defaults stop what can hardly be anything but a mistake: a hundred times too many records (of a snapshot also too few), amounts fifty times
    too large or small (ten-thousands taken for ones), most cells of a column or most records suddenly gone. Seasons stay below them:
    a form filed once a year comes seventeen times as often in its month, and quarterly filers leave half of the cells empty in theirs.
    """

    schedule: Cron = Field(description="cron expression of the source's DAG")
    late_after: str = Field(default="3d", pattern=r"^\d+[dh]$")
    policy: Literal["wait", "run_without"] = "run_without"
    after_stop: Literal["go_on", "wait"] = Field(default="go_on", description="what later deliveries do while one is stopped")
    look_back: int = Field(default=8, ge=1, le=100, description="deliveries a new one is compared with: the last so many")
    least: int = Field(default=3, ge=1, le=100, description="deliveries there must have been before number and age of records are judged")
    volume: Volume = Field(default=Volume(warn=20, stop=100), description="records, as a multiple of the most of the deliveries compared with; of a snapshot also as a fraction of the least")
    age: Limits = Field(default=Limits(warn=60), description="days from the newest event to the receipt, beyond the median")
    quarantined: Limits = Field(default=Limits(warn=0.1, stop=0.5), description="share of records that break a rule, beyond the median")
    nulls: Limits = Field(default=Limits(warn=0.6, stop=0.9), description="share of empty cells of a column, beyond the median")
    shift: Limits = Field(default=Limits(warn=10, stop=50), description="all three quartiles of a number's size, as a multiple or a fraction of the median")
    coverage: Coverage | None = None
