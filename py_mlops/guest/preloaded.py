"""The tracer's library in this process, as it was preloaded: what we tell it, and what it tells."""

from __future__ import annotations

from typing import Any, Sequence

from .opens import UNSEEN


class Preloaded:
    """The functions that `tracer.c` exports; without the library they do nothing.

    Attributes:
        seeing: Its first element is not 0 as long as the tracer notes what this process
            does; it costs less to ask than a function.
    """

    def __init__(self) -> None:
        """Begin without the library; `load` looks for it."""
        self.seeing: Sequence[int] = UNSEEN
        self.pause = self.driver = self.socket = _nothing
        self.drain = self.news = _nothing

    def load(self) -> None:
        """Take the library's functions, and let it gather this process's records in memory.

        Raises:
            AttributeError: When it is not in this process.
        """
        import ctypes

        tracer = ctypes.CDLL(None)
        self.pause = tracer.mlops_trace_pause
        """Tells that work of ours begins (1) or ends (-1) in this thread."""
        self.driver = tracer.mlops_trace_driver
        """Tells that a recorded driver begins (1) or has ended (-1) to connect."""
        self.socket = tracer.mlops_trace_socket
        """Tells the descriptor that Python is about to connect in this thread."""
        self.drain = tracer.mlops_trace_drain
        """Moves what was gathered to the log; returns 0 when something was left behind."""
        self.news = tracer.mlops_trace_news
        """Returns another number than before once more happened than that files were read."""
        self.news.restype = ctypes.c_ulong
        self.seeing = (
            memoryview(ctypes.c_int.in_dll(tracer, "mlops_trace_active")).cast("B").cast("i")
        )
        tracer.mlops_trace_gather()


def _nothing(*_: Any) -> int:
    return 1
