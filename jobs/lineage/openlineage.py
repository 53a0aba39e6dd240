"""The shapes of OpenLineage 2-0-2 that a run gives: events, jobs, datasets and their facets, as plain values.

Jobs are `<room>.<step>` in the namespace `assay`, with the night as parent; datasets are the lake's tables by their folder
(`silver/invoice`), and `inbox/<source>` for what was received. Source of the shapes: the specification's JSON schemas.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.metadata import version as package_version
from typing import Any, Literal
from uuid import UUID, uuid5

from jobs.lake.step import Night
from jobs.lake.tables import Table

Event = dict[str, Any]
EventType = Literal["START", "COMPLETE", "ABORT", "FAIL"]

NAMESPACE = "assay"
NIGHT = "night"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_OWN = UUID("6f5b9a52-7d0c-5b8e-9a39-0f6f2b6f3c11")  # the root of Assay's run ids


@cache
def producer() -> str:
    """The URI of the code that tells."""
    return f"urn:assay:{package_version('assay')}"


def run_uuid(lake_id: str, run: int, job: str) -> str:
    """The same for every event of a job in a run of one lake, and for no other."""
    return str(uuid5(_OWN, f"{lake_id}/{run}/{job}"))


def event(kind: EventType, at: datetime, lake_id: str, night: Night, job: str, inputs: Iterable[Event] = (), outputs: Iterable[Event] = (), error: str | None = None) -> Event:
    """One run event. `job` is NIGHT, `<room>.<step>` or another name of a run; steps of a night name it as their parent."""
    facets = {"nominalTime": _facet("1-0-1/NominalTimeRunFacet", nominalStartTime=f"{night.as_of}T00:00:00Z"), "assay_run": _assay_run(night)}
    if job != NIGHT and night.run_id.startswith(NIGHT):
        parent = {"run": {"runId": run_uuid(lake_id, night.run, NIGHT)}, "job": {"namespace": NAMESPACE, "name": NIGHT}}
        facets["parent"] = _facet("1-2-0/ParentRunFacet", **parent)
    if error is not None:
        facets["errorMessage"] = _facet("1-0-1/ErrorMessageRunFacet", message=error, programmingLanguage="PYTHON")
    job_type = _facet("2-0-4/JobTypeJobFacet", processingType="BATCH", integration="ASSAY", jobType="DAG" if job == NIGHT else "TASK")
    return {
        "eventType": kind, "eventTime": at.isoformat(), "producer": producer(), "schemaURL": SPEC,
        "run": {"runId": run_uuid(lake_id, night.run, job), "facets": facets},
        "job": {"namespace": NAMESPACE, "name": job, "facets": {"jobType": job_type}},
        "inputs": list(inputs), "outputs": list(outputs),
    }  # fmt: skip


def lake_table(contract: Table, version: int | None = None, described: bool = False) -> Event:
    """A table as a dataset: schema, Delta version where known, storage; `described` adds what each column means."""
    fields = [{"name": c.name, "type": str(c.type)} | ({"description": c.meaning} if described else {}) for c in contract.columns]
    facets = {"schema": _facet("1-2-0/SchemaDatasetFacet", fields=fields), "storage": _facet("1-0-1/StorageDatasetFacet", storageLayer="delta", fileFormat="parquet")}
    if version is not None and version >= 0:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=str(version))
    return {"namespace": NAMESPACE, "name": contract.path, "facets": facets}


def written(dataset: Event, rows: int | None) -> Event:
    """A dataset as an output, with the rows added to it where they could be counted."""
    if rows is None:
        return dataset
    return dataset | {"outputFacets": {"outputStatistics": _facet("1-0-2/OutputStatisticsOutputDatasetFacet", rowCount=rows)}}


def received(source: str, rows: int, files: int) -> Event:
    """What came in from a source in a run: lines or documents, and files."""
    counts = _facet("1-0-0/InputStatisticsInputDatasetFacet", rowCount=rows, fileCount=files)
    return {"namespace": NAMESPACE, "name": f"inbox/{source}", "inputFacets": {"inputStatistics": counts}}


def _assay_run(night: Night) -> Event:
    model = night.model.version if night.model else None
    said = {"run": night.run, "runName": night.run_id, "asOf": night.as_of.isoformat(), "revision": night.revision, "seed": night.seed, "confDigest": night.conf.digest}
    return {"_producer": producer(), "_schemaURL": "urn:assay:facets:run:1", **said, "modelVersion": model}


def _facet(schema: str, **said: Any) -> Event:
    revision, name = schema.split("/")
    return {"_producer": producer(), "_schemaURL": f"{_FACETS}/{revision}/{name}.json#/$defs/{name}", **said}
