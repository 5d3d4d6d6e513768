"""Has a Jupyter server start its kernels under observation, unless somebody chose otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

PROVISIONER = "mlops-provisioner"
_FACTORY = "KernelProvisionerFactory"
_TRAIT = "default_provisioner_name"
_VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"


def observe_kernels(app: ServerApp) -> None:
    """Make our provisioner the default of this server, unless somebody has chosen another.

    This comes before the server makes its kernel manager. Kernels that are
    started by anything else than this server are not touched.
    """
    chosen = app.config.get(_FACTORY, {}).get(_TRAIT) or os.environ.get(_VARIABLE)
    if chosen:
        app.log.info("py_mlops | kernels are started by %s, so they are not observed", chosen)
        return
    app.config[_FACTORY][_TRAIT] = PROVISIONER
