"""The tracer's library in this process, as it was preloaded: what we tell it, and what it tells."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from .opens import UNSEEN


class Preloaded:
    """The functions that `tracer.c` exports; without the library they do nothing.

    Attributes:
        seeing: Its first element is not 0 as long as the tracer notes what this process
            does; it costs less to ask than a function.
        pause: Tells that work of ours begins (1) or ends (-1) in this thread.
        driver: Tells that a recorded driver begins (1) or has ended (-1) to connect.
        socket: Tells the descriptor that Python is about to connect in this thread.
        drain: Moves what was gathered in memory to the log; returns 0 when it could not.
        news: Returns another number than before once more happened than that files were read.
    """

    def __init__(self) -> None:
        """Begin without the library; `load` looks for it."""
        self.seeing: Sequence[int] = UNSEEN
        self.pause: Callable[[int], int] = _nothing
        self.driver: Callable[[int], int] = _nothing
        self.socket: Callable[[int], int] = _nothing
        self.drain: Callable[[], int] = _nothing
        self.news: Callable[[], int] = _nothing

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
        self.socket = tracer.mlops_trace_socket
        self.drain, self.news = tracer.mlops_trace_drain, tracer.mlops_trace_news
        self.seeing = memoryview(active).cast("B").cast("i")
        tracer.mlops_trace_gather()


def _nothing(*_: Any) -> int:
    return 1
