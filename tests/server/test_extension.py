from __future__ import annotations

import logging

import pytest
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from py_mlops.server.observing import observe_kernels

CHOSEN = {"KernelProvisionerFactory": {"default_provisioner_name": "another"}}


def default_of(app: ServerApp) -> object:
    """Return the name of the provisioner that a server starts kernels with."""
    observe_kernels(app)
    return app.config.get("KernelProvisionerFactory", {}).get("default_provisioner_name")


def test_a_server_observes_by_default() -> None:
    """Nobody has to configure anything."""
    assert default_of(ServerApp()) == "mlops-provisioner"


def test_a_chosen_provisioner_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has chosen how kernels start keeps the choice, and the log says what that means."""
    app = ServerApp(config=Config(CHOSEN))
    with caplog.at_level(logging.INFO):
        app.log.propagate = True
        app.log.setLevel(logging.INFO)
        assert default_of(app) == "another"
        monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "third")
        assert default_of(ServerApp()) is None
    assert "started by another, so they are not observed" in caplog.text
