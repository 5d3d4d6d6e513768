"""Alters a finished MLflow run in four ways and prints, as JSON, what MLflow then hands out.

It runs in MLflow's own environment, started by `campaigns.beside_mlflow`; its argument is an empty
folder.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
from mlflow import MlflowClient


def main(folder: Path) -> None:
    """Log a run, alter it, and read it as anybody would."""
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = mlflow.create_experiment("flowers", artifact_location=str(folder / "artifacts"))
    model = folder / "model.pkl"
    model.write_bytes(b"the model")
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_metric("accuracy", 0.9)
        mlflow.log_artifact(str(model))
    identifier, client = run.info.run_id, MlflowClient()
    artifact = next((folder / "artifacts").rglob("model.pkl"))

    def edit(statement: str) -> None:
        with sqlite3.connect(folder / "mlflow.db") as database:
            database.execute(statement)

    def metric() -> object:
        return client.get_run(identifier).data.metrics["accuracy"]

    def download() -> object:
        return Path(client.download_artifacts(identifier, "model.pkl")).read_text()

    cases: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "metric": (lambda: client.log_metric(identifier, "accuracy", 0.99), metric),
        "author": (
            lambda: client.set_tag(identifier, "mlflow.user", "Mallory"),
            lambda: client.get_run(identifier).data.tags["mlflow.user"],
        ),
        "database": (lambda: edit("UPDATE latest_metrics SET value = 1.0"), metric),
        "model": (lambda: artifact.write_bytes(b"another model"), download),
    }
    told = {}
    for name, (alter, read) in cases.items():
        before = read()
        try:
            alter()
            told[name] = {"before": before, "after": read(), "noticed": ""}
        except Exception as error:  # noqa: BLE001 - whatever it says, it has noticed
            told[name] = {"before": before, "after": None, "noticed": str(error)}
    print(json.dumps({"version": mlflow.__version__, "told": told}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
