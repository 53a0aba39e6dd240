"""The one Spark session of a run, and the two Delta jars it needs.

Jars are resolved once, at set-up (`python -m jobs.lake.session`), never when a session starts.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
JARS = ("io.delta_delta-spark_4.2_2.13-4.4.0.jar", "io.delta_delta-storage-4.4.0.jar")


class JarsMissing(Exception):
    """Delta's jars are not there; the message says how to get them."""


def jar_folder() -> Path:
    """Where set-up puts the jars: `ASSAY_JARS`, or .jars/ of the checkout."""
    return Path(os.environ.get("ASSAY_JARS") or Path(__file__).parents[2] / ".jars")


def jars() -> list[Path]:
    """The two jars a session needs. JarsMissing when set-up has not been run."""
    found = [jar_folder() / "jars" / name for name in JARS]
    if missing := [p.name for p in found if not p.is_file()]:
        raise JarsMissing(f"{', '.join(missing)} not in {jar_folder() / 'jars'}; run `make setup` once, with network")
    return found


def session(app: str = "assay", cores: str = "local[2]", memory: str = "2g") -> SparkSession:
    """A local session for small data, or the cluster's own when `ASSAY_SPARK_MASTER` names one."""
    from pyspark.sql import SparkSession

    # Workers must run the driver's Python, or no import of ours works in them.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # Without this Spark asks the resolver for the machine's own name: seconds where there is none.
    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    settings = {
        "spark.jars": ",".join(str(p) for p in jars()),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.memory": memory,
        "spark.ui.enabled": "false",  # nobody looks at it; it costs a port and a second
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",  # two cores; a cluster sets its own
        "spark.databricks.delta.snapshotPartitions": "1",  # small logs: one task replays one
        "spark.sql.session.timeZone": "UTC",  # dates must not move with the machine
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # delta-rs reads no INT96
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / f"assay-warehouse-{os.getpid()}"),
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.appName(app).master(os.environ.get("ASSAY_SPARK_MASTER", cores))
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def resolve_jars() -> None:
    """Let a throw-away session fetch Delta's jars into the jar folder. A no-op when they are there."""
    try:
        jars()
        return
    except JarsMissing:
        pass
    from pyspark.sql import SparkSession

    folder = jar_folder()
    folder.mkdir(parents=True, exist_ok=True)
    home = tempfile.mkdtemp()
    # Java takes user.home from the password file; another user's half-filled Maven folder makes Ivy fail.
    os.environ["SPARK_SUBMIT_OPTS"] = f"{os.environ.get('SPARK_SUBMIT_OPTS', '')} -Duser.home={home}"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    builder = SparkSession.builder.master("local[1]").config("spark.jars.packages", DELTA)
    builder.config("spark.jars.ivy", str(folder)).config("spark.ui.enabled", "false").getOrCreate().stop()
    shutil.rmtree(home, ignore_errors=True)
    jars()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    resolve_jars()
    log.info("Delta's jars are in %s", jar_folder())
