"""Ingest of a folder into a lake of its own: `python -m bench.ingest.ours INBOX LAKE BUCKETS FORMAT`; prints moments and counts as JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path

from jobs.conf import load
from jobs.lake.lake import Lake
from jobs.lake.session import session
from jobs.lake.step import Night
from jobs.sources.ingest import ingest

CONF = Path(__file__).parents[2] / "conf"


def main(inbox: Path, lake: Path, buckets: int, form: str) -> None:
    conf = load(CONF)
    source = conf.sources["invoice"]
    files = source.files.model_copy(update={"format": form, "pattern": f"invoice_*.{form}"})
    conf = conf.model_copy(update={"sources": {"invoice": source.model_copy(update={"files": files})}, "house": conf.house.model_copy(update={"buckets": buckets})})
    spark = session("bench")
    spark.sparkContext.parallelize([0, 1], 2).map(lambda n: __import__("jobs.sources.route") and n).count()  # workers are there, imports done
    opened = Lake.open(lake, buckets)
    run = opened.take_lease("ingest")
    began = time.time()
    (row,) = ingest(opened, spark, Night(date(2026, 2, 1), run, conf), inbox)
    ended = time.time()
    counts = {k: row[k] for k in ("received", "accepted", "superseded", "duplicate", "quarantined")}
    print(json.dumps({"began": began, "ended": ended, **counts}))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
