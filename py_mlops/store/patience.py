"""How long a store's servers are waited for; not everybody waits for one that is silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from py_mlops.errors import StoreUnavailable

_PAUSE = 1.0
"""Seconds between two attempts to hear from a server that is silent."""

_NEARLY = 0.9


@dataclass(frozen=True)
class Patience:
    """How long a team's servers are waited for.

    Attributes:
        failing: Seconds for which a database's passing failure is met by trying again.
        silent: Seconds without a word after which a database is taken for gone. The
            database itself ends a statement that takes longer than is allowed; so by
            default it has a little more than that.
        request: Seconds for one request to a bucket; ``None`` for what
            ``MLOPS_BUCKET_TIMEOUT`` says, or a minute.
    """

    failing: float = 15.0
    silent: float = 130.0
    request: float | None = None


class Silence:
    """Notices that a server is silent: from then on one caller finds out, the others do not wait.

    Only who has waited in vain for so long tells silence from a busy server. So
    whatever else happens, an answer or an error, ends it.
    """

    def __init__(self, seconds: float) -> None:
        """Take how long a caller waits in vain."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._said: StoreUnavailable | None = None
        self._next = 0.0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Ask the server in the block, unless it is known to be silent.

        Raises:
            StoreUnavailable: When it is; what the caller was told who noticed.
        """
        start = time.monotonic()
        self._wait_for_nothing(start)
        said = None
        try:
            yield
        except StoreUnavailable as error:
            if time.monotonic() - start >= self._seconds * _NEARLY:
                said = error
            raise
        finally:
            with self._lock:
                self._said, self._next = said, time.monotonic() + _PAUSE

    def _wait_for_nothing(self, now: float) -> None:
        with self._lock:
            if self._said is None:
                return
            if now < self._next:
                # Not passing: who tries again at once learns nothing new.
                raise StoreUnavailable(self._said.message, hint=self._said.hint)
            self._next = now + 3 * self._seconds  # this caller finds out
