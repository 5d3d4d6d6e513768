"""What is printed, for an IPython that does not keep it (before version 9)."""

from __future__ import annotations

from typing import Any

MOST = 1 << 20


class Printed:
    """Listens to a stream; of each stretch it keeps the beginning, a million characters."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._chunks: list[str] = []
        self._size = 0

    def listen(self, stream: Any) -> None:
        """Hear what is written to a stream from now on, which is written as ever.

        Args:
            stream: Such as ``sys.stdout``; a kernel's lives as long as the kernel.
        """
        original = stream.write

        def write(text: Any) -> Any:
            if isinstance(text, str) and self._size < MOST:
                self._chunks.append(text)
                self._size += len(text)
            return original(text)

        stream.write = write

    def take(self) -> str:
        """Return what was heard since the last call, and forget it."""
        chunks, self._chunks, self._size = self._chunks, [], 0
        return "".join(chunks)[:MOST]
