"""The model registry: MLflow over SQLite beside the lake, or a server. One registered model, the champion by alias.

What is logged is our own model file (skops) with its SHA-256; nothing is ever unpickled. The digest stands in the version's tags, and
whoever loads the file gives it to models.store, which refuses any other content.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from jobs.lake.step import ModelRef

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME, ALIAS, FILE = "assay-adjusts", "champion", "model.skops"
_EXPERIMENT = "assay-train"

log = logging.getLogger(__name__)


class RegistryError(RuntimeError):
    """The registry cannot be used; the message says what to do."""


def _client(uri: str) -> MlflowClient:
    """A client of the registry. Imported here, because mlflow costs seconds that no kernel should pay; telemetry off."""
    for name, value in (("MLFLOW_DISABLE_TELEMETRY", "true"), ("DO_NOT_TRACK", "true"), ("GIT_PYTHON_REFRESH", "quiet")):
        os.environ.setdefault(name, value)
    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _experiment(client: MlflowClient, uri: str) -> str:
    found = client.get_experiment_by_name(_EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    place = Path(uri.removeprefix("sqlite:///")).resolve().parent / "models" if uri.startswith("sqlite:///") else None
    return str(client.create_experiment(_EXPERIMENT, artifact_location=place.as_uri() if place else None))


def register(
    uri: str, file: Path, digest: str, params: Mapping[str, Any], metrics: Mapping[str, float], artifacts: Mapping[str, Any], crown: bool
) -> ModelRef:
    """Log a trained model file with params, metrics and artifacts (name -> JSON value) as a new version; alias it `champion` when `crown`."""
    from mlflow.exceptions import MlflowException

    client = _client(uri)
    run = client.create_run(_experiment(client, uri))
    number = run.info.run_id
    for name, value in params.items():
        client.log_param(number, name, value)
    for name, figure in metrics.items():
        client.log_metric(number, name, figure)
    for name, value in artifacts.items():
        client.log_dict(number, value, f"{name}.json")
    client.log_artifact(number, str(file))
    try:
        client.create_registered_model(NAME)
    except MlflowException:
        log.debug("registered model %s exists", NAME)
    version = client.create_model_version(
        NAME,
        source=f"{run.info.artifact_uri}/{FILE}",
        run_id=number,
        tags={"sha256": digest, "candidate": str(params.get("candidate", ""))},
    )
    client.set_terminated(number)
    if crown:
        client.set_registered_model_alias(NAME, ALIAS, version.version)
    return _ref(client, uri, version)


def champion(registry_uri: str) -> ModelRef | None:
    """The version aliased `champion`, with a local path to its file and the digest on record; None when there is none.

    Asking creates nothing: a SQLite registry that does not exist has no champion. RegistryError when a version lacks its digest or file.
    """
    from mlflow.exceptions import MlflowException

    if registry_uri.startswith("sqlite:///") and not Path(registry_uri.removeprefix("sqlite:///")).exists():
        return None
    client = _client(registry_uri)
    try:
        version = client.get_model_version_by_alias(NAME, ALIAS)
    except MlflowException as fault:
        if fault.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return _ref(client, registry_uri, version)


def _local(client: MlflowClient, version: Any) -> Path:
    """The file where it lies when the registry's artifacts are on this machine, else a copy of it."""
    source = urlparse(str(version.source))
    if source.scheme in ("", "file"):
        return Path(unquote(source.path))
    return Path(client.download_artifacts(version.run_id, FILE))


def _ref(client: MlflowClient, uri: str, version: Any) -> ModelRef:
    digest = version.tags.get("sha256")
    if not digest:
        raise RegistryError(f"version {version.version} of {NAME} has no sha256 tag: it was not registered by `assay train`; train again")
    path = _local(client, version)
    if not path.is_file():
        raise RegistryError(f"the file of version {version.version} of {NAME} is gone; restore {FILE} or train again")
    return ModelRef(version=f"{NAME}-{version.version}", path=str(path), digest=digest)
