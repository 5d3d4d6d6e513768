"""Which cells a kernel executed, in order, with what they showed."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import time
from typing import Any

from .printed import Printed

TEXT_LIMIT = 4096
OUTPUTS_LIMIT = 200
_STREAMS = {"out_stream": "stdout", "err_stream": "stderr", "execute_result": "result"}
_LOADS_US_FIRST = re.compile(r"(\s*(#[^\n]*)?\n)*\s*%(re)?load_ext\s+py_mlops\b")


class CellWatch:
    """Records every stored execution of a shell, through IPython's own events.

    Works from IPython 7 on. What a cell showed is known from IPython 9 on,
    which keeps its streams; before that the results, in a kernel the displays,
    and, ahead of both, what was printed to ``sys.stdout``.
    """

    def __init__(self) -> None:
        """Begin with an empty record; `attach` starts it."""
        self._shell: Any = None
        self._observer: Any = None
        self._earlier: list[str] = []  # what ran before us; its last cell may still be running
        self._attaching = False  # until the first event, that last cell's end is not known
        self._done: list[dict[str, Any]] = []
        self._running: list[_Running] = []
        self._displays: list[tuple[tuple[int, int], str]] = []
        self._printed = Printed()

    def attach(self, shell: Any, observer: Any) -> None:
        """Start to record.

        Args:
            shell: The IPython shell.
            observer: Its ``cell`` attribute is set to the running cell's count.
        """
        self._shell, self._observer = shell, observer
        self._earlier = list(shell.history_manager.input_hist_raw[1:])
        self._attaching = bool(self._earlier)
        observer.cell = len(self._earlier)
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)
        if hasattr(shell.display_pub, "register_hook"):
            shell.display_pub.register_hook(self._displayed)
        if not hasattr(shell.history_manager, "outputs"):
            self._printed.listen(sys.stdout)

    def cells(self, including_current: bool = True) -> list[dict[str, Any]]:
        """Return what was executed, in order.

        Args:
            including_current: Whether the cells that are still running come
                last, without outputs.

        Returns:
            Dicts in the shape of ``records.program.ExecutedCell``.
        """
        before = [self._unseen(i, text) for i, text in enumerate(self._earlier, 1)]
        if self._attaching:
            before[-1]["outputs"] = []
            before = before if including_current else before[:-1]
        running = [cell.record() for cell in self._running] if including_current else []
        return before + self._done + running

    def _before(self, info: Any) -> None:
        try:
            if info.store_history and not info.silent and not self._inside():
                count = self._shell.displayhook.prompt_count
                self._attaching = False
                self._displays = []
                self._printed.take()
                self._observer.cell = count
                self._running.append(_Running(info, count, self._cell_id(info), self._mark(count)))
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass

    def _after(self, result: Any) -> None:
        try:
            if result is None:  # an awaiting cell that was cancelled
                if self._running:
                    self._finish(self._running.pop(), "CancelledError: interrupted")
            elif result.info.store_history and not result.info.silent:
                cell = self._running_cell(result)
                if cell is not None:
                    self._finish(cell, _described(result.error_before_exec or result.error_in_exec))
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass

    def _inside(self) -> bool:
        """Say whether a running cell itself runs this one; its replay will run it again."""
        return any(cell.thread == threading.get_ident() for cell in self._running)

    def _finish(self, cell: _Running, error: str | None) -> None:
        outputs = self._outputs(cell.count, cell.mark, self._displays, self._printed.take())
        self._done.append(dict(cell.record(), outputs=outputs, error=error))

    def _running_cell(self, result: Any) -> _Running | None:
        """Return the running cell that ended, the one we were loaded in included."""
        for cell in reversed(self._running):
            # An error in IPython's own handling of an error brings another info, of equal code.
            again = result.execution_count is None and cell.info.raw_cell == result.info.raw_cell
            if again or cell.info is result.info:
                self._running.remove(cell)
                return cell
        if self._attaching and result.execution_count == len(self._earlier):
            self._attaching = False
            source = self._earlier.pop()
            cell = _Running(result.info, result.execution_count, self._cell_id(result.info), (0, 0))
            cell.started = 0.0
            cell.watched = _LOADS_US_FIRST.match(source) is not None
            return cell
        return None

    def _cell_id(self, info: Any) -> str | None:
        cell_id = getattr(info, "cell_id", None)
        if cell_id is None:
            parent = getattr(self._shell, "parent_header", None)
            if isinstance(parent, dict):
                cell_id = (parent.get("metadata") or {}).get("cellId")
        return _clean(cell_id) if isinstance(cell_id, str) else None

    def _unseen(self, count: int, source: str) -> dict[str, Any]:
        return {
            "count": count,
            "cell_id": None,
            "source": _clean(source),
            "outputs": self._outputs(count, (0, 0), [], ""),
            "error": None,
            "seconds": 0.0,
            "watched": False,
        }

    def _displayed(self, message: Any) -> Any:
        """Keep the text of a display; IPython itself keeps it only outside of kernels."""
        try:
            if self._running:
                cell = self._running[-1]
                if message["msg_type"] == "clear_output":
                    self._displays, cell.mark = [], self._mark(cell.count)
                    self._printed.take()
                elif message["msg_type"] == "display_data":
                    text = message["content"]["data"].get("text/plain")
                    if isinstance(text, str) and len(self._displays) < OUTPUTS_LIMIT:
                        self._displays.append((self._mark(cell.count), text))
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass
        return message

    def _mark(self, count: int) -> tuple[int, int]:
        """Return how many outputs IPython holds for a cell, and chunks in the last of them."""
        kept = self._kept(count)
        return (len(kept), len(kept[-1].bundle.get("stream", ()))) if kept else (0, 0)

    def _kept(self, count: int) -> list[Any]:
        # Never outputs[count]: the empty list that would create breaks the user's next print.
        outputs = getattr(self._shell.history_manager, "outputs", None)
        return outputs.get(count, []) if outputs is not None else []

    def _outputs(
        self,
        count: int,
        mark: tuple[int, int],
        displays: list[tuple[tuple[int, int], str]],
        printed: str,
    ) -> list[dict[str, str]]:
        """Return a cell's outputs from a mark on, the displays at their places."""
        found: list[tuple[int, str, str]] = [(m[0], "display", text) for m, text in displays]
        if printed:
            found.append((-1, "stdout", printed))
        hooked = hasattr(self._shell.display_pub, "register_hook")
        for place, output in enumerate(self._kept(count)[: mark[0] + OUTPUTS_LIMIT]):
            stream = _STREAMS.get(output.output_type, "display")
            if place < mark[0] - 1 or (hooked and stream == "display"):
                continue
            text = _text(output.bundle, mark[1] if place < mark[0] else None)
            if text:
                found.append((place, stream, text))
        if not hasattr(self._shell.history_manager, "outputs"):
            result = self._shell.history_manager.output_hist_reprs.get(count)
            if isinstance(result, str):
                found.append((0, "result", result))
        # Stable: a display made when IPython held n outputs stands behind the n-th.
        found.sort(key=lambda item: item[0] - 0.5 if item[1] == "display" else item[0])
        return [_output(stream, text) for _, stream, text in found[:OUTPUTS_LIMIT]]


class _Running:
    """A cell between its start and its end."""

    def __init__(self, info: Any, count: int, cell_id: str | None, mark: tuple[int, int]) -> None:
        self.info = info
        self.count = count
        self.cell_id = cell_id
        self.mark = mark
        self.thread = threading.get_ident()
        self.started = time.perf_counter()
        self.watched = True

    def record(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "cell_id": self.cell_id,
            "source": _clean(self.info.raw_cell),
            "outputs": [],
            "error": None,
            "seconds": time.perf_counter() - self.started if self.started else 0.0,
            "watched": self.watched,
        }


def _text(bundle: dict[str, Any], skipped: int | None) -> str:
    """Return an output's text; of one that stands before a mark only the chunks behind it."""
    if "stream" in bundle:
        return "".join(bundle["stream"][skipped or 0 :])
    plain = bundle.get("text/plain")
    return plain if isinstance(plain, str) and skipped is None else ""


def _output(stream: str, text: str) -> dict[str, str]:
    text = _clean(text)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return {"stream": stream, "text": text[:TEXT_LIMIT], "digest": digest}


def _described(error: BaseException | None) -> str | None:
    if error is None:
        return None
    try:
        text = str(error)
    except Exception:
        text = "(its message cannot be shown)"
    return _clean(f"{type(error).__name__}: {text}")[:TEXT_LIMIT]


def _clean(text: str) -> str:
    """Return text without lone surrogates, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
