"""One country written in a process of its own, so that time and memory are its alone: python -m bench.economy.one TAXPAYERS MONTHS SEED PARTITIONS OUT."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path


def main() -> None:
    from jobs.cli.place import quiet
    from jobs.economy.country import generate
    from jobs.economy.portrait import portrait
    from jobs.lake.session import session

    quiet()
    taxpayers, months, seed, partitions = (int(a) for a in sys.argv[1:5])
    out = Path(sys.argv[5])
    spark = session()
    ready = time.time()
    try:
        generate(spark, out, taxpayers, months, seed, date(2023, 1, 1), partitions)
    finally:
        spark.stop()
    written = time.time()
    portrait(out)
    sys.stdout.write(json.dumps({"ready": ready, "written": written, "reported": time.time()}) + "\n")


if __name__ == "__main__":
    main()
