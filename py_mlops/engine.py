"""The papermill engine ``mlops``: papermill runs as always, and snapshots at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from papermill.engines import NotebookExecutionManager


class MlopsEngine:
    """Executes a notebook in its own kernel, observed, and snapshots what it came to.

    It has the methods of papermill's ``Engine`` without being one: papermill
    loads this module while it is imported itself, so that neither may need the
    other to be there first.
    """

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> Any:
        """Execute a notebook as every engine does, see ``papermill.engines.Engine``."""
        from papermill.engines import Engine

        return Engine.execute_notebook.__func__(cls, nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """Return the name of the notebook's kernel, or another one that was asked for."""
        from papermill.engines import Engine

        return str(Engine.nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """Return the notebook's language, or another one that was asked for."""
        from papermill.engines import Engine

        return str(Engine.nb_language(nb, language))

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
        from papermill.log import logger

        from py_mlops.commands.reruns.run import headless
        from py_mlops.report.page import short
        from py_mlops.workspace import open_workspace

        source = options.pop("input_path", None)
        name = Path(str(source)) if source else Path("notebook.ipynb")
        workspace = open_workspace()
        with tempfile.TemporaryDirectory(prefix="mlops-run-", ignore_cleanup_errors=True) as held:
            taken = headless(workspace, nb_man, name.absolute(), Path(held), options)
        for identifier in taken:
            logger.info(
                "Snapshot %s; retrain it with: mlops reproduce %s", identifier, short(identifier)
            )
        del kernel_name  # the notebook's own kernelspec names it
