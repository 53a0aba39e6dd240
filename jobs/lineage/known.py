"""The lake as a published night saw it, by both clocks, read for a few keys at a time.

A file is opened for its key column first; of those that hold none of the keys nothing more is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.conf import Conf
from jobs.lake.buckets import buckets_of
from jobs.lake.kernel import Input, load
from jobs.lake.lake import Lake, Published
from jobs.lake.read import DataFile, files_published, known, latest, read_files, resolve, whole
from jobs.lake.tables import Table, table


@dataclass(frozen=True)
class Known:
    """A lake on a published night."""

    lake: Lake
    night: Published
    books: dict[str, Any] = field(default_factory=dict)  # whatever is counted once for a taxpayer
    _files: dict[str, tuple[DataFile, ...]] = field(default_factory=dict)
    _rows: dict[tuple[str, str, tuple[str, ...], bool], pa.Table] = field(default_factory=dict)

    @cached_property
    def conf(self) -> Conf:
        """The configuration that was in force, from the archive beside the lake. LookupError when it is gone, or this code refuses it."""
        begun = [r for r in whole(self.lake.root, "run").to_pylist() if r["run"] == self.night.run and r["step"] == "begin"]
        archived = Path(self.lake.root) / "conf" / f"{begun[0]['conf_digest']}.json" if begun else None
        if archived is None or not archived.is_file():
            raise LookupError(f"the configuration of the night of {self.night.as_of} is not in the lake's archive (conf/); restore it from a backup")
        try:
            return Conf.model_validate_json(archived.read_text(encoding="utf-8"))
        except ValueError as fault:
            version = begun[0]["code_version"]
            raise LookupError(f"the configuration of the night of {self.night.as_of} is refused by this code; trace it with version {version}, which ran the night ({fault})") from fault

    @cached_property
    def batches(self) -> frozenset[str]:
        """Batches in force at the night's run."""
        return self.lake.batches_in_force(self.night.run)

    def rows(self, name: str, column: str, values: Iterable[str], versions: bool = False) -> pa.Table:
        """Rows of a table in which `column` is one of `values`, as known on the night: of silver what is in force, or every version.

        `column` must be part of what one version covers, or its rows would be resolved without their rivals.
        """
        wanted = tuple(sorted(set(values)))
        if (key := (name, column, wanted, versions)) not in self._rows:
            self._rows[key] = self._read(table(name), column, wanted, versions)
        return self._rows[key]

    def _read(self, contract: Table, column: str, wanted: tuple[str, ...], versions: bool) -> pa.Table:
        name = contract.name
        found = matching(self.lake.root, contract, self._of(name, column, wanted), column, wanted)
        if contract.layer in ("nightly", "control"):
            return found
        silver = contract.layer in ("version", "event")
        seen = known(found, self.night.as_of, self.night.run, self.batches if silver else None)
        return resolve(seen, contract) if silver and not versions else seen

    def latest_links(self, column: str, values: Iterable[str]) -> pa.Table:
        """The decisions in force in `party` about the rows that were ever decided to be of one of `values`."""
        ever = self.rows("party", column, values)
        keys = [k for k in ever["record_key"].to_pylist() if k]
        now = latest(self.rows("party", "record_key", keys), table("party").key)
        return now.filter(pc.is_in(now[column], value_set=pa.array(sorted(set(values)), pa.string())))

    def bucket(self, name: str, taxpayer_id: str) -> pa.Table:
        """A table as its kernel was given it: the whole bucket of a taxpayer."""
        wanted = Input("now", name, self.files(name), self.batches)
        number = int(buckets_of(pa.array([taxpayer_id]), self.lake.buckets)[0])
        return load(self.lake.root, wanted.of_bucket(number), self.night.as_of, self.night.run)

    def whole(self, name: str) -> pa.Table:
        """A table of all buckets, as a driver step was given it."""
        return load(self.lake.root, Input("now", name, self.files(name), self.batches), self.night.as_of, self.night.run)

    def files(self, name: str) -> tuple[DataFile, ...]:
        """The files of a table that the night names; of a nightly table those of its date."""
        if name not in self._files:
            self._files[name] = files_published(self.lake.root, name, self.night.tables.get(name, -1), self.night.as_of, self.night.run)
        return self._files[name]

    def _of(self, name: str, column: str, values: tuple[str, ...]) -> list[DataFile]:
        if table(name).bucket_by != column:
            return list(self.files(name))
        buckets = set(buckets_of(pa.array(values, pa.string()), self.lake.buckets).tolist())
        return [f for f in self.files(name) if f.bucket in buckets]


def nights_until(lake: Lake, as_of: date) -> list[Known]:
    """The published nights up to a date, oldest first."""
    return [Known(lake, n) for n in lake.nights() if n.as_of <= as_of]


def matching(root: str, contract: Table, files: Iterable[DataFile], column: str, values: Iterable[str]) -> pa.Table:
    """The rows of files in which a column is one of some values."""
    wanted = pa.array(sorted(set(values)), pa.string())
    parts = [read_files(root, contract, ())]
    for file in files:
        with pq.ParquetFile(Path(root) / contract.path / file.path) as reader:
            there = pc.is_in(reader.read(columns=[column])[column], value_set=wanted)
        if pc.any(there).as_py():
            parts.append(read_files(root, contract, [file]).filter(there))
    return pa.concat_tables(parts)
