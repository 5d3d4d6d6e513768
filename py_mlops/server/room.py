"""The server's open store: opened at the first question, and again when it went and came back."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from py_mlops.commands.catalogue.catalogue import Catalogue, open_catalogue
from py_mlops.errors import MlopsError, NoStore, StoreUnavailable
from py_mlops.settings import Settings, read_settings
from py_mlops.store.opening import LEDGER
from py_mlops.store.patience import Patience
from py_mlops.workspace import Workspace, find_author, open_workspace

_FAILING, _SILENT, _REQUEST = 1.0, 4.0, 5.0
"""Somebody looks on: seconds for a passing failure, a silent database, a bucket's answer."""

_AGAIN = 1.0
"""Seconds between two attempts to open a store that cannot be opened."""


class Room:
    """The workspace of a server and its catalogue, for threads.

    The store is never made by looking at it. It is opened anew when its ledger
    is another file than the one that is open: an SQLite file that was removed
    would go on answering.
    """

    def __init__(self) -> None:
        """Read the settings; nothing is opened."""
        self.settings: Settings = read_settings()
        self.author = find_author()
        self._lock = threading.Lock()
        self._open: tuple[Workspace, Catalogue, object] | None = None
        self._seen = False
        self._failed: tuple[float, StoreUnavailable] | None = None

    @property
    def folder(self) -> Path | None:
        """The store's folder; ``None`` for a team's store."""
        return None if "://" in self.settings.store else Path(self.settings.store)

    def workspace(self) -> Workspace:
        """Return the open workspace.

        Raises:
            InputError: When there is no store yet.
            StoreError: When it cannot be opened.
        """
        return self._opened()[0]

    def catalogue(self) -> Catalogue:
        """Return the catalogue, as new as the log.

        Raises:
            InputError, StoreError: As for `workspace`.
        """
        catalogue = self._opened()[1]
        catalogue.follower.refresh()
        return catalogue

    def is_there(self) -> bool:
        """Say whether a store was ever made.

        One that was open and is gone passes, and so does a team's that cannot
        be asked: opening it says so.
        """
        if self._seen:
            return True
        if self.folder is not None:
            return os.path.lexists(self.folder / LEDGER)
        try:
            self._opened()
        except NoStore:
            return False
        except MlopsError:
            return True
        return True

    def is_writable(self) -> bool:
        """Say whether the store's folder may be written; a team's is asked only by writing."""
        return self.folder is None or os.access(self.folder / LEDGER, os.W_OK)

    def close(self) -> None:
        """Release the store."""
        with self._lock:
            self._close()

    def _opened(self) -> tuple[Workspace, Catalogue]:
        with self._lock:
            try:
                identity = self._identity()
            except StoreUnavailable:
                self._close()  # an open ledger would keep its disk busy
                raise
            if self._open is not None and self._open[2] != identity:
                self._close()
            if self._open is None:
                workspace, catalogue = self._try()
                self._open = workspace, catalogue, self._identity()
                self._seen = True
            return self._open[0], self._open[1]

    def _try(self) -> tuple[Workspace, Catalogue]:
        """Open the store; while it cannot be opened, one caller in a while tries."""
        if self._failed is not None and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        self._failed = None
        try:
            workspace = open_workspace(self.settings.store, create=False, patience=_patience())
            try:
                return workspace, open_catalogue(workspace)
            except BaseException:
                workspace.store.close()
                raise
        except StoreUnavailable as error:
            self._failed = time.monotonic() + _AGAIN, error
            raise

    def _close(self) -> None:
        if self._open is not None:
            with suppress(MlopsError, OSError):
                self._open[1].close()
                self._open[0].store.close()
            self._open = None

    def _identity(self) -> object:
        """Return what tells the ledger's file from one that takes its place."""
        if self.folder is None:
            return None
        try:
            found = os.stat(self.folder / LEDGER)  # noqa: PTH116 - pathlib's is the same, slower
        except (FileNotFoundError, NotADirectoryError) as error:
            if not self._seen:
                return None
            raise StoreUnavailable(
                f"The store in {self.folder} is gone.",
                hint="Put its folder back, or mount its disk; nothing else needs to be done.",
            ) from error
        except OSError as error:
            raise StoreUnavailable(
                f"The store in {self.folder} cannot be read: {error.strerror}.",
                hint="Check that its disk is there and may be read.",
            ) from error
        return found.st_dev, found.st_ino


def _patience() -> Patience:
    """Return how long a panel waits; for a bucket as long as a person says, who knows the line."""
    request = None if os.environ.get("MLOPS_BUCKET_TIMEOUT") else _REQUEST
    return Patience(failing=_FAILING, silent=_SILENT, request=request)
