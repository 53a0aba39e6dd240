"""The part of the OpenLineage 2-0-2 specification that Assay's events use, closed: a field we do not mean to send is a fault."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_URI = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:.+"}
_TEXT = {"type": "string", "minLength": 1}
_STAMP = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_UUID = {"type": "string", "format": "uuid"}
_COUNT = {"type": "integer", "minimum": 0}


def _closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": required | (optional or {}), "required": sorted(required), "additionalProperties": False}


def _facet(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return _closed({"_producer": _URI, "_schemaURL": _URI, **required}, optional)


_NAMED = {"namespace": _TEXT, "name": _TEXT}
_FIELD = _closed({"name": _TEXT, "type": _TEXT}, {"description": _TEXT})
_ERROR = _facet({"message": _TEXT, "programmingLanguage": {"const": "PYTHON"}})
_ASSAY = _facet({"run": _COUNT, "runName": _TEXT, "asOf": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}, "revision": _COUNT, "seed": _COUNT, "confDigest": _TEXT,
                 "modelVersion": {"type": ["string", "null"]}})  # fmt: skip
_PARENT = _facet({"run": _closed({"runId": _UUID}), "job": _closed(_NAMED)})
_RUN = _closed({"runId": _UUID, "facets": _closed({"nominalTime": _facet({"nominalStartTime": _STAMP}), "assay_run": _ASSAY}, {"parent": _PARENT, "errorMessage": _ERROR})})
_JOB = _closed({**_NAMED, "facets": _closed({"jobType": _facet({"processingType": {"const": "BATCH"}, "integration": _TEXT, "jobType": _TEXT})})})
_FACETS = _closed(
    {"schema": _facet({"fields": {"type": "array", "minItems": 1, "items": _FIELD}}), "storage": _facet({"storageLayer": {"const": "delta"}, "fileFormat": {"const": "parquet"}})},
    {"version": _facet({"datasetVersion": _TEXT})},
)
_INPUT = _closed(_NAMED, {"facets": _FACETS, "inputFacets": _closed({"inputStatistics": _facet({"rowCount": _COUNT, "fileCount": _COUNT})})})
_OUTPUT = _closed({**_NAMED, "facets": _FACETS}, {"outputFacets": _closed({"outputStatistics": _facet({"rowCount": _COUNT})})})
RUN_EVENT = _closed({
    "eventType": {"enum": ["START", "COMPLETE", "ABORT", "FAIL"]}, "eventTime": _STAMP, "producer": _URI, "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
    "run": _RUN, "job": _JOB, "inputs": {"type": "array", "items": _INPUT}, "outputs": {"type": "array", "items": _OUTPUT},
})  # fmt: skip


def faults(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event; empty when nothing is."""
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(RUN_EVENT, format_checker=FormatChecker()).iter_errors(event)]
