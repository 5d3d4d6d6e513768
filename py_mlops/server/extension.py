"""The extension as a Jupyter server sees it: its routes, its event, its beginning and its end."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import IOLoop

from py_mlops.errors import MlopsError
from py_mlops.server import events
from py_mlops.server.desk import Desk
from py_mlops.server.endpoint import handlers
from py_mlops.server.observing import observe_kernels
from py_mlops.server.queue import Queue
from py_mlops.server.room import Room
from py_mlops.server.routes import ROUTES
from py_mlops.server.watcher import Watcher

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


class Panels(ExtensionApp):
    """Observes kernels, and answers the panels in JupyterLab."""

    name = "py_mlops"
    _watcher: Watcher | None = None
    _desk: Desk | None = None

    def _link_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        observe_kernels(serverapp)
        super()._link_jupyter_server_extension(serverapp)

    def initialize_handlers(self) -> None:
        """Add the routes, the event and the watcher.

        Settings that cannot be read leave a server without panels, and its log
        says why; kernels are started all the same.
        """
        app = self.serverapp
        if app is None or app.event_logger is None:
            return
        try:
            room = Room()
        except MlopsError as error:
            self.log.warning("py_mlops | no panels: %s %s", error.message, error.hint)
            return
        self._desk = Desk(room, Queue(room.settings), app.contents_manager)
        self.handlers.extend(handlers(ROUTES, "", self._desk))
        events.register(app.event_logger)
        tell = functools.partial(events.emit, app.event_logger)
        self._watcher = Watcher(self._desk, tell, self.log)
        IOLoop.current().add_callback(self._watcher.start)

    async def stop_extension(self) -> None:
        """End the watching; jobs go on."""
        if self._watcher is not None:
            await self._watcher.stop()
        if self._desk is not None:
            self._desk.close()
