from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from py_mlops.cli.ending import orderly
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take


@pytest.fixture
def taken(store_folder: Path, tmp_path: Path) -> str:
    """The id of a snapshot in the store that the command line finds by itself."""
    workspace = open_workspace(store_folder)
    try:
        identifier = take(workspace, tmp_path / "h", a_project(tmp_path / "ada"), model=MODEL)
        bundle(workspace, identifier, tmp_path / "flowers.mlops")
    finally:
        workspace.store.close()
    return identifier


@pytest.mark.parametrize(
    "words",
    [
        *(["log"], ["log", "--json"], ["show", "flowers"], ["verify"], ["gc"], ["--help"]),
        *(["diff", "flowers", "flowers"], ["restore", "flowers", "back"], ["log", "--help"]),
        *(["bundle", "flowers", "a.zip", "--json"], ["--version"]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("both", [False, True], ids=["stdout", "stderr too"])
def test_a_verb_whose_output_nobody_reads_ends_as_git_does(
    taken: str, tmp_path: Path, words: list[str], both: bool
) -> None:
    """``mlops log | head -1``: exit code 141, and not a word about a pipe."""
    code, said = unread(words, tmp_path, both=both)
    assert code == 128 + signal.SIGPIPE
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert taken


@pytest.mark.parametrize("words", [["show", "nothing"], ["nothing"], ["log", "-n", "x"]])
def test_an_error_that_nobody_reads_ends_likewise(tmp_path: Path, words: list[str]) -> None:
    """With standard error closed there is nobody to tell."""
    assert unread(words, tmp_path, both=True)[0] == 128 + signal.SIGPIPE


def unread(words: list[str], folder: Path, *, both: bool) -> tuple[int, str]:
    """Run the command line into a pipe that nobody reads; return its code and what it said."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "py_mlops", *words],
        cwd=folder,
        stdout=writing,
        stderr=writing if both else subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    return ended.returncode, (ended.stderr or b"").decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_verb_that_is_asked_to_end_leaves_nothing_behind(
    taken: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Stopped while it unpacks a bundle, it removes what it unpacked."""
    cache = tmp_path / "cache"
    home = {**os.environ, "MLOPS_CACHE": str(cache), "MLOPS_STORE": str(tmp_path / "other")}
    # Its progress is made to wait, so that the signal meets it in the midst of unpacking.
    fifo = tmp_path / "progress"
    os.mkfifo(fifo)
    code = (
        # Whoever runs the tests in the background ignores Ctrl-C for them, too.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys, time\nfrom py_mlops.cli import main\n"
        "from py_mlops.cli.output import Output\n"
        "def wait(self, step):\n"
        "    if step.stage == 'bundle' and step.done == 2:\n"
        "        open(sys.argv.pop(), 'w').close(); time.sleep(60)\n"
        "Output.progress = wait\n"
        "main(['reproduce', sys.argv[1]])\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "flowers.mlops"), str(fifo)]
    with subprocess.Popen(argv, env=home, stderr=subprocess.PIPE, text=True) as process:
        with fifo.open():
            pass  # it is unpacking now
        assert len(list((cache / "bundles").iterdir())) == 1
        process.send_signal(number)
        said = process.communicate()[1]
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert "Traceback" not in said
    assert list((cache / "bundles").iterdir()) == []
    assert taken


def test_a_signal_that_somebody_ignores_or_handles_stays_theirs() -> None:
    """``nohup mlops …`` outlives its terminal; a program that calls us keeps its own handler."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with orderly():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(SystemExit) as ended:
                signal.raise_signal(signal.SIGTERM)
        assert ended.value.code == 143
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
