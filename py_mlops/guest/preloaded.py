"""The tracer's library in this process, as it was preloaded: what we tell it, and what it tells."""

from __future__ import annotations

import io
import os
from typing import Any, Callable, Iterable, Sequence

from .opens import UNSEEN


class Preloaded:
    """The functions that `tracer.c` exports; without the library they do nothing.

    Attributes:
        seeing: Its first element is not 0 as long as the tracer notes what this process
            does; it costs less to ask than a function.
        pause: Tells that work of ours begins (1) or ends (-1) in this thread.
        driver: Tells that a recorded driver begins (1) or has ended (-1) to connect.
        drivers: The same for every thread of the process.
        socket: Tells the descriptor that Python is about to connect in this thread.
        drain: Moves what was gathered in memory to the log; returns 0 when it could not.
        news: Returns another number than before once more happened than that files were read.
        left: Its first element is set where files that are only read are left to the tracer.
    """

    def __init__(self) -> None:
        """Begin without the library; `load` looks for it."""
        self.seeing: Sequence[int] = UNSEEN
        self.pause: Callable[[int], int] = _nothing
        self.driver: Callable[[int], int] = _nothing
        self.drivers: Callable[[int], int] = _nothing
        self.socket: Callable[[int], int] = _nothing
        self.drain: Callable[[], int] = _nothing
        self.news: Callable[[], int] = _nothing
        self.left: Any = [0]
        self._audit: Any = None

    def load(self) -> None:
        """Take the library's functions, and let it gather this process's records in memory.

        Raises:
            ValueError: When it is not in this process.
        """
        import ctypes

        tracer = ctypes.CDLL(None)
        active = ctypes.c_int.in_dll(tracer, "mlops_trace_active")
        tracer.mlops_trace_news.restype = ctypes.c_ulong
        self.pause, self.driver = tracer.mlops_trace_pause, tracer.mlops_trace_driver
        self.drivers, self.socket = tracer.mlops_trace_drivers, tracer.mlops_trace_socket
        self.drain, self.news = tracer.mlops_trace_drain, tracer.mlops_trace_news
        self.seeing = memoryview(active).cast("B").cast("i")
        left = ctypes.c_int.in_dll(tracer, "mlops_trace_left")
        self.left = memoryview(left).cast("B").cast("i")
        # Called as part of Python, which it asks for its functions.
        self._audit = ctypes.PyDLL(None).mlops_trace_audit
        self._audit.argtypes = [ctypes.c_char_p, ctypes.py_object]
        tracer.mlops_trace_gather()
        self._show_how_python_opens(tracer.mlops_trace_learn)

    @staticmethod
    def _show_how_python_opens(learn: Callable[[bytes | None], Any]) -> None:
        device = os.fsencode(os.devnull)
        learn(device)
        try:
            io.FileIO(device).close()
        finally:
            learn(None)

    def audit(self, hook: Callable[[str, Any], None], events: Iterable[str]) -> bool:
        """Let the library hand on audit events, which costs less than a hook in Python.

        Args:
            hook: What `sys.addaudithook` takes.
            events: The names of those that it wants, beside ``open``; of these it gets
                none that `left` says are left to the tracer.

        Returns:
            Whether it does; ``False`` with an interpreter that does not let it.
        """
        names = "".join(f" {name}" for name in events).encode()
        return self._audit is not None and bool(self._audit(names, hook))


def _nothing(*_: Any) -> int:
    return 1
