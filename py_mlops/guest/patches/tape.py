"""What came from outside, answer by answer: written to a folder once, and given back from it."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import threading
import weakref
from typing import Any, Union

from ..observe import observer
from .recording import Recording

FOLDER = "MLOPS_TAPE"
OPEN = "MLOPS_TAPE_OPEN"
"""Set in a rerun that may ask a source what is not on the tape."""
LIMIT = "MLOPS_TAPE_LIMIT"
"""Most bytes of one answer; all together may have eight times as many."""
INDEX = "index.jsonl"
SUFFIX = ".answer"
ONE_ANSWER = 256 << 20
MOST_ANSWERS = 100_000
MOST_UNRECORDED = 1000
TEXT_LIMIT = 4096
_Key = Union[bytes, str]
_ANEW = "Run the notebook again where the source is, and take a new snapshot"
_WAYS_OUT = {
    "http": f"{_ANEW}, or let the rerun ask the server: mlops reproduce --network.",
    "input": "In a rerun nobody is there to answer.",
    "sql": f"{_ANEW}: no rerun connects to a recorded database, with --network neither.",
}
"""What to do about a question that is not on the tape."""


class Unrecorded(ConnectionError):  # noqa: N818 - as in our own errors, the name is what happened
    """A rerun asked for an answer that the recorded run never got, or that could not be kept."""


class Tape:
    """The folder of a session's answers from outside.

    ``index.jsonl`` has a line for each answer (the shape of
    ``records.handover.SeenAnswer``); its bytes are in the file the line names.
    Equal questions are told apart by their ``occurrence``, counted from 0.

    Attributes:
        mode: ``record`` or ``replay``.
        folder: Where the answers are.
        limit: Most bytes of one answer.
        failures: How often a recording itself failed.
        passes_through: Whether a web request that is not on the tape goes to its server.
        unrecorded: The questions of a replay that are not on the tape, each once; the
            first thousand.
    """

    def __init__(
        self, folder: str, mode: str, limit: int = ONE_ANSWER, *, passes_through: bool = False
    ) -> None:
        """Make an empty folder ready for recording, or read the index of one to replay."""
        self.mode, self.folder, self.limit = mode, os.path.abspath(folder), limit
        self.passes_through = passes_through
        self.unrecorded: list[str] = []
        self.failures = 0
        # Reentrant: a collected recording ends itself wherever this thread may be.
        self._lock = threading.RLock()
        self._counts: dict[tuple[str, str], int] = {}
        self._total = 0
        self._left = 8 * limit
        self._files = 0
        self._open: weakref.WeakSet[Recording] = weakref.WeakSet()
        self._kept: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        observer().exclude(self.folder)
        with observer().paused():
            if mode == "record":
                self._clear()
            else:
                self._load()
        os.register_at_fork(after_in_child=self._forked)

    def record(self, kind: str, source: str, request: str, key: _Key) -> Recording:
        """Begin an answer.

        Args:
            kind: ``sql``, ``http`` or ``input``.
            source: Where it comes from, without credentials: ``https://host``.
            request: What was asked, for people; cut at 4,096 characters.
            key: What makes two questions equal; it is hashed.
        """
        digest = _digest(key)
        occurrence, total = self._next(kind, digest)
        line = {
            "kind": kind,
            "source": source,
            "request": request[:TEXT_LIMIT],
            "key": digest,
            "occurrence": occurrence,
            "cell": observer().cell,
        }
        recording = Recording(self, line, silent=total > MOST_ANSWERS + 1)
        if total == MOST_ANSWERS + 1:
            recording.abandon(f"More than {MOST_ANSWERS:,} answers; none is kept from here on.")
        with self._lock:
            self._open.add(recording)
        return recording

    def replay(self, kind: str, source: str, request: str, key: _Key) -> str:
        """Return the path of the next answer to a question.

        Asked more often than it was recorded, a question whose answer never
        changed gets it again.

        The arguments are those of `record`.

        Raises:
            Unrecorded: When the answer is not on the tape.
        """
        digest = _digest(key)
        occurrence, _ = self._next(kind, digest)
        kept = self._kept.get((kind, digest), {})
        question = f"{request[:TEXT_LIMIT]}\n({kind}, {source})"
        if not kept:
            missing = (
                f"This was not asked when the notebook was recorded: {question}\n"
                f"A rerun knows only the answers that were recorded. {_WAYS_OUT[kind]}"
            )
        elif occurrence not in kept and not self._all_equal(list(kept.values())):
            missing = (
                f"This was asked {len(kept)} times when the notebook was recorded, with "
                f"different answers, and is now asked once more: {question}\n{_WAYS_OUT[kind]}"
            )
        else:
            line = kept.get(occurrence, kept[max(kept)])
            path = os.path.join(self.folder, os.path.basename(str(line["file"])))
            if line["file"] and os.path.isfile(path):
                return path
            missing = f"The answer was seen but could not be kept: {question}\n{line['problem']}"
        self.miss(source, request)
        raise Unrecorded(missing)

    def knows(self, kind: str, key: _Key) -> bool:
        """Say whether a question was asked at all when the tape was recorded."""
        return (kind, _digest(key)) in self._kept

    def nth(self, kind: str, key: _Key) -> int:
        """Return how often this was counted before, see `record`."""
        return self._count(kind, _digest(key))

    def miss(self, source: str, request: str) -> None:
        """Note a question that is not on the tape: the program may swallow the error.

        Args:
            source: As for `record`.
            request: As for `record`.
        """
        text = f"{source}: {request[:TEXT_LIMIT]}"
        with self._lock:
            if len(self.unrecorded) < MOST_UNRECORDED and text not in self.unrecorded:
                self.unrecorded.append(text)

    def seen(self) -> list[dict[str, Any]]:
        """Return the answers so far in the shape of ``records.handover.SeenAnswer``.

        Two processes forked from the kernel may have asked the same at the same
        time; the first answer stands, and is named as a problem if they differ,
        or if it was taken back.
        """
        with observer().paused():
            lines = self._lines()
        with self._lock:
            lines += [one.unfinished() for one in self._open if not one.ended]
        return self._merged(lines)

    def _merged(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        first: dict[Any, dict[str, Any]] = {}
        for line in lines:
            before = first.setdefault((line["kind"], line["key"], line["occurrence"]), line)
            if before is not line and before["file"] and not self._same(before, line):
                different = "Processes side by side got different answers to it."
                problem = different if line["file"] else line["problem"]
                before.update(file="", size=-1, problem=problem)
        return list(first.values())

    def take(self, size: int, so_far: int) -> bool:
        """Reserve room for more bytes of an answer; ``False`` when there is none."""
        with self._lock:
            if so_far + size > self.limit or size > self._left:
                return False
            self._left -= size
            return True

    def open(self) -> tuple[str, Any]:
        """Create the file of an answer; return its name and the binary stream."""
        with self._lock:
            self._files += 1
            name = f"{os.getpid()}-{self._files:06d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = os.open(os.path.join(self.folder, name), flags, 0o600)
        # Unbuffered, or a forked child would write the parent's buffer a second time.
        return name, os.fdopen(descriptor, "wb", buffering=0)

    def append(self, line: dict[str, Any]) -> None:
        """Add a line to the index, whole even where several processes write."""
        try:
            with observer().paused():
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                descriptor = os.open(os.path.join(self.folder, INDEX), flags, 0o600)
                try:
                    os.write(descriptor, json.dumps(line).encode() + b"\n")
                finally:
                    os.close(descriptor)
        except Exception:
            self.failures += 1

    def _next(self, kind: str, digest: str) -> tuple[int, int]:
        with self._lock:
            self._total += 1
            return self._count(kind, digest), self._total

    def _count(self, kind: str, digest: str) -> int:
        with self._lock:
            count = self._counts.get((kind, digest), 0)
            self._counts[kind, digest] = count + 1
            return count

    def _clear(self) -> None:
        # A restarted kernel begins anew: the names of its cells and counts would collide.
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        os.chmod(self.folder, 0o700)
        for name in os.listdir(self.folder):
            if name == INDEX or name.endswith(SUFFIX):
                os.unlink(os.path.join(self.folder, name))

    def _lines(self) -> list[dict[str, Any]]:
        try:
            with open(os.path.join(self.folder, INDEX), "rb") as stream:
                return [json.loads(line) for line in stream]
        except FileNotFoundError:
            return []

    def _load(self) -> None:
        for line in self._merged(self._lines()):
            occurrences = self._kept.setdefault((line["kind"], line["key"]), {})
            occurrences.setdefault(int(line["occurrence"]), line)

    def _all_equal(self, kept: list[dict[str, Any]]) -> bool:
        with observer().paused():
            return all(self._same(kept[0], line) for line in kept[1:])

    def _same(self, one: dict[str, Any], other: dict[str, Any]) -> bool:
        if not one["file"] or not other["file"] or one["size"] != other["size"]:
            return False
        left, right = (os.path.join(self.folder, line["file"]) for line in (one, other))
        return filecmp.cmp(left, right, shallow=False)

    def _forked(self) -> None:
        # Another thread of the parent may have held the lock; here it would never let go.
        self._lock = threading.RLock()
        for recording in list(self._open):
            recording.forget()
        self._files = 0


_tape: Tape | None = None


def start(mode: str) -> bool:
    """Open the process's tape in the folder that ``MLOPS_TAPE`` names.

    Args:
        mode: ``record`` or ``replay``.

    Returns:
        Whether it was opened now: ``False`` without a folder, and the second time.
    """
    global _tape  # noqa: PLW0603 - a process has one tape
    folder = os.environ.get(FOLDER)
    if _tape is not None or not folder:
        return False
    limit = os.environ.get(LIMIT, "")
    most = int(limit) if limit.isdigit() else ONE_ANSWER
    _tape = Tape(folder, mode, most, passes_through=bool(os.environ.get(OPEN)))
    return True


def opened() -> Tape | None:
    """Return the process's tape, also while this thread does work of ours; to read it."""
    return _tape


def tape() -> Tape | None:
    """Return the process's tape; ``None`` without one, and while this thread does work of ours."""
    return None if _tape is None or observer().silent else _tape


def _digest(key: _Key) -> str:
    data = key if isinstance(key, bytes) else key.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()
