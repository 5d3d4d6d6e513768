"""The face inside a Jupyter server: every kernel it starts is observed, unless switched off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

PROVISIONER = "mlops-provisioner"
_FACTORY = "KernelProvisionerFactory"
_TRAIT = "default_provisioner_name"
_VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell the server where its extension is."""
    return [{"module": "py_mlops.server"}]


def _link_jupyter_server_extension(app: ServerApp) -> None:
    """Make our provisioner the default of this server, unless somebody has chosen another.

    This comes before the server makes its kernel manager. Kernels that are
    started by anything else than this server are not touched.
    """
    chosen = app.config.get(_FACTORY, {}).get(_TRAIT) or os.environ.get(_VARIABLE)
    if chosen:
        app.log.info("py_mlops | kernels are started by %s, so they are not observed", chosen)
        return
    app.config[_FACTORY][_TRAIT] = PROVISIONER


def _load_jupyter_server_extension(_app: ServerApp) -> None:
    """Do nothing more: the provisioner is imported when the first kernel starts."""
