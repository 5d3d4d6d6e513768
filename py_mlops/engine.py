"""The papermill engine ``mlops``: papermill runs as always, and snapshots at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger


class MlopsEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """Executes a notebook in its own kernel, observed, and snapshots what it came to."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        **options: Any,
    ) -> None:
        """Execute a notebook for papermill.

        Args:
            nb_man: papermill's state of the run.
            kernel_name: The kernel papermill chose.
            options: papermill's; ``input_path`` is the notebook's identity.
        """
        from py_mlops.commands.run import headless
        from py_mlops.report.page import short
        from py_mlops.workspace import open_workspace

        source = options.pop("input_path", None)
        name = Path(str(source)) if source else Path("notebook.ipynb")
        workspace = open_workspace()
        with tempfile.TemporaryDirectory(prefix="mlops-run-") as held:
            taken = headless(workspace, nb_man, name.absolute(), Path(held), options)
        for identifier in taken:
            logger.info(
                "Snapshot %s; retrain it with: mlops reproduce %s", identifier, short(identifier)
            )
        del kernel_name  # the notebook's own kernelspec names it
