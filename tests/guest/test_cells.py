from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from py_mlops.guest import cells
from py_mlops.records import ExecutedCell

ROOT = Path(__file__).parents[2]
ATTACH = f"""
import sys, types
sys.path.insert(0, {str(ROOT)!r})
from py_mlops.guest.cells import CellWatch
observer = types.SimpleNamespace(cell=0)
watch = CellWatch()
watch.attach(get_ipython(), observer)
"""
STAND_IN = f"""
import sys, types
sys.path.insert(0, {str(ROOT)!r})
from py_mlops.guest.cells import CellWatch
observer = types.SimpleNamespace(cell=0)
watch = CellWatch()
sys.modules["py_mlops"] = types.ModuleType("py_mlops")
sys.modules["py_mlops"].load_ipython_extension = lambda shell: watch.attach(shell, observer)
get_ipython().extension_manager.loaded.discard("py_mlops")
"""
OLD = f"""
import sys, types
sys.path.insert(0, {str(ROOT)!r})
from py_mlops.guest.cells import CellWatch
observer = types.SimpleNamespace(cell=0)
watch = CellWatch()
ip = get_ipython()
kept = ip.history_manager
history = types.SimpleNamespace(
    input_hist_raw=kept.input_hist_raw, output_hist_reprs=kept.output_hist_reprs)
shell = types.SimpleNamespace(
    history_manager=history, events=ip.events, display_pub=ip.display_pub,
    displayhook=ip.displayhook)
"""
CELLS = "__import__('json').dumps([observer.cell, watch.cells({})])"


class Kernel:
    """A real kernel whose cells are watched from `attach` on."""

    def __init__(self, client: BlockingKernelClient) -> None:
        """Talk to a started kernel."""
        self.client = client

    def run(self, code: str, *, cell_id: str | None = None, **options: Any) -> None:
        """Execute a cell as a front end does."""
        request = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        request |= {"user_expressions": {}, "stop_on_error": False} | options
        message = self.client.session.msg("execute_request", request)
        message["metadata"] = {"cellId": cell_id} if cell_id else {}
        self.client.shell_channel.send(message)
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                self.reply = reply["content"]
                return

    def cells(self, arguments: str = "") -> list[ExecutedCell]:
        """Return what was watched, decoded as the record that it becomes."""
        expression = CELLS.format(arguments)
        self.run("", silent=True, store_history=False, user_expressions={"cells": expression})
        text = ast.literal_eval(self.reply["user_expressions"]["cells"]["data"]["text/plain"])
        self.count, cells = json.loads(text)
        return msgspec.convert(cells, list[ExecutedCell])


@pytest.fixture(scope="module")
def started() -> Iterator[BlockingKernelClient]:
    """Start one kernel for all tests of this file."""
    kernel, client = start_new_kernel()
    yield client
    client.stop_channels()
    kernel.shutdown_kernel(now=True)
    kernel.cleanup_resources()


@pytest.fixture
def kernel(started: BlockingKernelClient) -> Kernel:
    """Return a kernel with a session as good as new."""
    fresh = Kernel(started)
    fresh.run("%reset -f", silent=True, store_history=False)
    fresh.run(
        "ip = get_ipython(); ip.history_manager.reset(); ip.execution_count = 1\n"
        "[ip.events.unregister(name, each) for name in ('pre_run_cell', 'post_run_cell')"
        " for each in list(ip.events.callbacks[name]) if 'CellWatch' in repr(each)]\n"
        "ip.display_pub._hooks.clear(); del ip",
        silent=True, store_history=False,
    )  # fmt: skip
    return fresh


def attach(kernel: Kernel) -> None:
    """Attach before any cell ran, as the observed kernel does."""
    kernel.run(ATTACH, silent=True, store_history=False)


def shown(cell: ExecutedCell) -> list[tuple[str, str]]:
    """Return the outputs as stream and text."""
    return [(output.stream, output.text) for output in cell.outputs]


def test_counts_sources_and_ids(kernel: Kernel) -> None:
    """Each execution is recorded with its number, its code as typed and the cell's id."""
    attach(kernel)
    kernel.run("%time x = 1", cell_id="a1")
    kernel.run("x + 1", cell_id="b2")
    kernel.run("%time x = 1", cell_id="a1")
    cells = kernel.cells()
    assert [(cell.count, cell.cell_id, cell.source) for cell in cells] == [
        (1, "a1", "%time x = 1"), (2, "b2", "x + 1"), (3, "a1", "%time x = 1"),
    ]  # fmt: skip
    assert all(cell.watched and cell.error is None for cell in cells)
    assert kernel.count == 3


def test_outputs_in_order(kernel: Kernel) -> None:
    """Streams, displays and the result stand in the order in which they appeared."""
    attach(kernel)
    kernel.run("import sys\nfrom IPython.display import display, HTML")
    kernel.run(
        "print('one'); display('two'); print('three', file=sys.stderr)\n"
        "display(HTML('<b>four</b>')); 5"
    )
    cell = kernel.cells()[-1]
    assert shown(cell) == [
        ("stdout", "one\n"), ("display", "'two'"), ("stderr", "three\n"),
        ("display", "<IPython.core.display.HTML object>"), ("result", "5"),
    ]  # fmt: skip


def test_outputs_of_an_ipython_that_keeps_none(kernel: Kernel) -> None:
    """Before IPython 9 what is printed is heard as it is printed, and stands first."""
    attaching = {"attach": "watch.attach(shell, observer)"}  # IPython 9 undoes it inside a cell
    kernel.run(OLD, silent=True, store_history=False, user_expressions=attaching)
    kernel.run("import sys\nprint('one')\nfrom IPython.display import clear_output")
    kernel.run("display('two'); print('three'); print('err', file=sys.stderr)\n5")
    kernel.run("print('old'); clear_output(); print('new')")
    kernel.run("6;")
    heard = [shown(cell) for cell in kernel.cells()]
    kernel.run(
        "",
        silent=True,
        store_history=False,
        user_expressions={"x": "vars(sys.stdout).pop('write')"},
    )
    assert heard[0] == [("stdout", "one\n")]
    assert heard[1][:2] == [("stdout", "three\n"), ("display", "'two'")]
    assert heard[2:] == [[("stdout", "new\n")], []]


def test_errors(kernel: Kernel) -> None:
    """A cell that failed carries the error's class and message, also when it never compiled."""
    attach(kernel)
    kernel.run("print('before'); int('x')")
    kernel.run("1 +")
    kernel.run("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd")
    failed = kernel.cells()
    assert failed[0].error == "ValueError: invalid literal for int() with base 10: 'x'"
    assert shown(failed[0]) == [("stdout", "before\n")]
    assert failed[1].error is not None
    assert failed[1].error.startswith("SyntaxError: ")
    assert failed[2].error == "ValueError: "  # IPython itself stumbles over that message


def test_silent_executions_are_left_out(kernel: Kernel) -> None:
    """What a front end executes behind the user's back is no cell, nor are blank cells."""
    attach(kernel)
    kernel.run("print('hidden')", silent=True, store_history=False)
    kernel.run("print('unstored')", store_history=False)
    kernel.run("  \n")
    kernel.run("print('seen')")
    cells = kernel.cells()
    assert [cell.source for cell in cells] == ["print('seen')"]
    assert shown(cells[0]) == [("stdout", "seen\n")]


def test_nested_executions_are_left_out(kernel: Kernel) -> None:
    """Code that a cell gives to IPython to run is that cell's business, not a cell of its own."""
    attach(kernel)
    kernel.run("r = get_ipython().run_cell('print(1)', store_history=True)")
    kernel.run("2")
    cells = kernel.cells()
    assert [cell.source for cell in cells][1:] == ["2"]
    assert shown(cells[0]) == [("stdout", "1\n")]


def test_the_asking_cell_is_last(kernel: Kernel) -> None:
    """The cell that is running when someone asks comes last, without outputs, or not at all."""
    attach(kernel)
    kernel.run("x = 1")
    kernel.run("print('now'); kept = watch.cells(); without = watch.cells(False)")
    kernel.run("[c['source'] for c in kept], kept[-1]['outputs'], len(without)")
    result = ast.literal_eval(shown(kernel.cells()[-1])[0][1])
    assert result == (["x = 1", kernel.cells()[1].source], [], 1)


def test_cells_before_the_extension_was_loaded(kernel: Kernel) -> None:
    """Cells that ran before are taken from IPython's history and marked as not watched."""
    kernel.run("early = 1")
    kernel.run("early")
    kernel.run("# comment\n" + ATTACH)
    kernel.run("late = 2")
    cells = kernel.cells()
    assert [(c.count, c.watched) for c in cells] == [(1, False), (2, False), (3, False), (4, True)]
    assert cells[1].source == "early"
    assert shown(cells[1]) == [("result", "1")]


@pytest.mark.parametrize(("above", "watched"), [("# models\n\n", True), ("y = 1\n", False)])
def test_the_loading_cell(kernel: Kernel, above: str, watched: bool) -> None:
    """The cell that loads the extension counts as watched when nothing ran above that line."""
    kernel.run(STAND_IN, silent=True, store_history=False)
    kernel.run(above + "%load_ext py_mlops\nprint('x')")
    kernel.run("del sys.modules['py_mlops']", silent=True, store_history=False)
    kernel.run("2")
    cells = kernel.cells()
    assert [(cell.count, cell.watched) for cell in cells] == [(1, watched), (2, True)]
    assert shown(cells[0]) == [("stdout", "x\n")]


def test_long_outputs_are_cut(kernel: Kernel) -> None:
    """A long text is cut at 4,096 characters, and its digest is of the whole."""
    attach(kernel)
    kernel.run("print('é' * 10_000, end='')")
    output = kernel.cells()[0].outputs[0]
    assert output.text == "é" * 4096
    assert output.digest == hashlib.sha256(("é" * 10_000).encode()).hexdigest()


def test_many_outputs_are_bounded(kernel: Kernel) -> None:
    """Of a cell that shows thousands of things, the first two hundred are kept."""
    attach(kernel)
    kernel.run("from IPython.display import display\nfor i in range(1000): display(i)")
    outputs = kernel.cells()[0].outputs
    assert [output.text for output in outputs] == [str(i) for i in range(200)]


def test_cleared_outputs_are_forgotten(kernel: Kernel) -> None:
    """What a cell cleared again is no output of it."""
    attach(kernel)
    kernel.run(
        "from IPython.display import clear_output, display\n"
        "print('old'); display('old')\nclear_output()\nprint('new'); display('new')"
    )
    assert shown(kernel.cells()[0]) == [("stdout", "new\n"), ("display", "'new'")]


def test_unspeakable_errors() -> None:
    """An error whose message is no text, or fails when asked for, is described all the same."""

    class Odd(Exception):  # noqa: N818 - a user's own name
        def __str__(self) -> str:
            raise ValueError

    assert cells._described(ValueError(chr(0xD800))) == "ValueError: ?"
    assert cells._described(Odd()) == "Odd: (its message cannot be shown)"


def test_never_disturbs_the_user(kernel: Kernel) -> None:
    """A failure of ours inside an event prints nothing and stops nothing."""
    attach(kernel)
    kernel.run("watch._displays = watch._running = None")
    kernel.run("from IPython.display import display\nprint('a'); display('b')")
    assert kernel.reply["status"] == "ok"
    messages = []
    while True:
        message = kernel.client.get_iopub_msg(timeout=5)
        messages.append(message["content"])
        done = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
        if done and any("'b'" in str(content) for content in messages):
            break
    assert "Error in callback" not in str(messages)


def test_awaiting_cells(kernel: Kernel) -> None:
    """A cell that awaits is a cell like any other."""
    attach(kernel)
    kernel.run("import asyncio\nawait asyncio.sleep(0.01)\n3")
    cell = kernel.cells()[0]
    assert (cell.count, cell.error, cell.seconds > 0.01) == (1, None, True)
    assert ("result", "3") in shown(cell)
