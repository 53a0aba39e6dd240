"""Where a command works: lake, inbox, configuration, case store, registry; and the session it runs in."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import conf as configuration
from jobs.cli.fitting import must_fit
from jobs.cli.purposes import must_be_permitted
from jobs.lake.kernel import Input, load
from jobs.lake.lake import IDENTITY, Lake, Published
from jobs.lake.read import DataFile, files_published, read_files, whole
from jobs.lake.session import session
from jobs.lake.tables import table
from jobs.pipeline import STEPS
from jobs.rank.registry import champion
from jobs.respond.store import Store
from jobs.runner import Refused, Runner

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """One administration's working place."""

    lake: Lake
    conf: configuration.Conf
    inbox: Path
    cases: str

    @staticmethod
    def there(lake: Path | None = None, inbox: Path | None = None) -> Place:
        """As `here`, for those who look at a lake: ConfError when there is none. Nothing is made."""
        root = _root(lake)
        if not (root / IDENTITY).is_file():
            raise configuration.ConfError(f"{root} holds no lake; name one in ASSAY_LAKE, or fill a new one with `assay ingest` or `assay nightly`")
        return Place.here(root, inbox)

    @staticmethod
    def here(lake: Path | None = None, inbox: Path | None = None) -> Place:
        """From arguments, then ASSAY_LAKE, ASSAY_INBOX, ASSAY_CASES, ASSAY_CONF, then the working folder.

        For those who fill a lake: a missing one is made. ConfError when the folder it would stand in is missing too: a slip of the pen.
        """
        conf = configuration.load()
        must_fit(conf)
        must_be_permitted(conf)
        root = _root(lake)
        must_have_parent(root, "ASSAY_LAKE")
        found = (inbox or Path(os.environ.get("ASSAY_INBOX", "inbox"))).resolve()
        cases = os.environ.get("ASSAY_CASES") or conf.house.case_store or f"sqlite:///{root.parent / (root.name + '-cases.sqlite')}"
        return Place(Lake.open(root, conf.house.buckets), conf, found, cases)

    @property
    def registry(self) -> str:
        """MLflow's tracking and registry URI: sqlite beside the lake unless MLFLOW_TRACKING_URI names a server."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.lake.root}-models.sqlite"

    @contextmanager
    def runner(self) -> Iterator[Runner]:
        """A runner with its own Spark session and the champion in force."""
        spark = session()
        try:
            yield self.runner_on(spark)
        finally:
            spark.stop()

    def runner_on(self, spark: object) -> Runner:
        """A runner on a session that is already there."""
        return Runner(self.lake, spark, self.conf, STEPS, self.inbox, champion(self.registry))

    def published(self, as_of: date | None = None) -> Published:
        """The published night of a date (default: the last). Refused when there is none."""
        nights = self.lake.nights()
        found = nights[-1:] if as_of is None else [n for n in nights if n.as_of == as_of]
        if not found:
            raise Refused(f"no published night{f' of {as_of}' if as_of else ''}; run `assay nightly --as-of DATE` first")
        return found[0]

    def read(self, night: Published, name: str) -> pa.Table:
        """A table as its published night names it: of nightly tables that date's rows, of others all rows."""
        return read_files(self.lake.root, table(name), self._files(night, name))

    def known(self, night: Published, name: str) -> pa.Table:
        """A table as its published night saw it: silver resolved as of its date and run, a nightly table of its date."""
        wanted = Input("now", name, self._files(night, name), self.lake.batches_in_force(night.run))
        return load(self.lake.root, wanted, night.as_of, night.run)

    def remarks(self, night: Published) -> list[str]:
        """What a published night noted when it received: late sources, then what came oddly, a line each."""
        found = [r["note"] for r in whole(self.lake.root, "run").to_pylist() if r["run"] == night.run and r["step"] == "ingest"]
        return (found[-1] or "").splitlines() if found else []

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The case store, closed when the block ends."""
        found = Store.open(self.cases)
        try:
            yield found
        finally:
            found.close()

    def _files(self, night: Published, name: str) -> tuple[DataFile, ...]:
        return files_published(self.lake.root, name, night.tables.get(name, -1), night.as_of, night.run)


def _root(lake: Path | None) -> Path:
    return (lake or Path(os.environ.get("ASSAY_LAKE", "lake"))).resolve()


def must_have_parent(folder: Path, named_by: str) -> None:
    """ConfError when neither the folder nor the one it would be made in is there."""
    if not folder.exists() and not folder.parent.is_dir():
        raise configuration.ConfError(f"{folder}: neither it nor the folder above it is there; correct {named_by}, or create {folder.parent} first")


def quiet() -> None:
    """Plain progress lines on standard error; libraries only when they warn."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("jobs").setLevel(os.environ.get("ASSAY_LOG", "WARNING").upper())
    logging.getLogger("py4j").setLevel(logging.ERROR)
