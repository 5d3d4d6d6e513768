"""The face inside a Jupyter server: kernels are observed, and panels get a REST interface."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell the server where its extension is."""
    from py_mlops.server.extension import Panels  # noqa: PLC0415 - only a server wants it

    return [{"module": "py_mlops.server", "app": Panels}]
