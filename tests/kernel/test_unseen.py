"""What a kernel could not see is told in plain words."""

from __future__ import annotations

from tests.live import LiveKernel
from tests.projects import mlops


def test_a_failure_of_the_watcher_is_told(kernel: LiveKernel) -> None:
    """When watching itself failed, the snapshot says how often, and the user's code ran on."""
    kernel.run("%load_ext py_mlops")
    shown = kernel.run("import sys\nsys.audit('open', object(), 'r', 0)\nx = 1")
    assert "Error" not in shown
    shown = kernel.run("%mlops snapshot one --metric x")
    assert "The watcher failed once; files may be missing." in shown


def test_a_fork_is_told_in_plain_words(kernel: LiveKernel) -> None:
    """A cell that forks is named, with what its children hide."""
    kernel.run("%load_ext py_mlops")
    kernel.run(
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    x = sum(pool.map(abs, [-1, -2]))"
    )
    shown = kernel.run("%mlops snapshot one --metric x")
    assert "Cell [2] split the kernel's process" in shown
    assert "were not seen" in shown


def test_the_process_behind_a_difference_is_named(kernel: LiveKernel) -> None:
    """When the first cell that varies ran a shell command, the likely cause names that command."""
    kernel.run("%load_ext py_mlops")
    # Nobody closes a pipe on another here: what that one says of it comes in any order.
    kernel.run("!head -c 4096 /dev/urandom | tr -dc a-z | cut -c1-12")
    kernel.run("%mlops snapshot drawn")
    ended = mlops("reproduce", "drawn", "--json")
    assert ended.value["level"] == "within tolerance", ended.out
    assert ended.value["cause"].startswith("shell: ")
    assert "tr -dc a-z" in ended.value["cause"]
