"""What a magic shows: a page as HTML and as text, progress while it is not there yet."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from IPython.core.getipython import get_ipython
from IPython.display import display

from py_mlops.report.page import Page

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

    from py_mlops.progress import Progress

_PATIENCE = 0.7


class Shown:
    """A page that a front end shows as it can: HTML in a notebook, text in a terminal."""

    def __init__(self, page: Page) -> None:
        """Keep the page."""
        self._page = page

    def __repr__(self) -> str:
        """Return the page as text."""
        from py_mlops.report.terminal import text

        return text(self._page)

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from py_mlops.report.html import html

        return {"text/html": html(self._page), "text/plain": repr(self)}


class Ticker:
    """Progress of one magic: silent while it is quick, then one line that changes."""

    def __init__(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._handle: DisplayHandle | None = None

    def __call__(self, progress: Progress) -> None:
        """Show one step, once the magic has taken longer than a person notices."""
        if time.monotonic() - self._began < _PATIENCE:
            return
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        self.line(f"{progress.stage}{count}: {progress.text}")

    def line(self, text: str) -> None:
        """Show a line, in a notebook in the place of the last one."""
        if not hasattr(get_ipython(), "kernel"):
            sys.stderr.write(f"mlops: {text}\n")
            return
        page = Page("mlops", "", "", text)
        if self._handle is None:
            self._handle = display(Shown(page), display_id=True)
        else:
            self._handle.update(Shown(page))

    def finish(self, page: Page) -> None:
        """Show the result; the progress goes when there was any.

        The result is an output of its own: clients that only read (``jupyter run``,
        ``jupyter console``) take no notice of what is put in an output's place.
        """
        if self._handle is not None:
            self._handle.update({}, raw=True)
            self._handle = None
        display(Shown(page))
