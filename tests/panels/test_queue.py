"""The queue of jobs: durable, bounded, and in order, whatever happens to servers and processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from py_mlops.errors import InputError, UnknownReference
from py_mlops.server import queue as queues
from py_mlops.server.queue import Queue
from py_mlops.server.work import Job, JobRequest
from py_mlops.settings import read_settings

VERIFY = JobRequest(verb="verify")
REPRODUCE = JobRequest(verb="reproduce", snapshot="sha256:" + "0" * 64)
FOREVER = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue in a home of its own; what still runs at the end is ended."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Queue(read_settings())
    yield made
    for job in made.page().items:
        if job.state in {"queued", "running"}:
            made.cancel(job.id)
    until(lambda: made.page().running == 0)


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def add(queue: Queue, code: str, request: JobRequest = VERIFY) -> Job:
    """Queue a job that runs some Python."""
    return queue.add(request, [sys.executable, "-c", code], "", "Ada")


def ended(queue: Queue, job: Job) -> Job:
    """Wait for a job's end, as a server that looks now and then."""

    def over() -> bool:
        queue.look()
        return queue.job(job.id).ended is not None

    until(over)
    return queue.job(job.id)


def test_steps_lines_and_result(queue: Queue) -> None:
    """What the verb prints is told apart: how far it is, what a person reads, and the result."""
    done = ended(queue, add(queue, """
import json, sys
step = {"stage": "cell", "text": "model.fit(X, y)", "done": 2, "total": 3}
print(json.dumps({"progress": step}, separators=(",", ":")), file=sys.stderr)
print("a warning", file=sys.stderr)
print(json.dumps({"records": 7, "damaged": []}))
"""))  # fmt: skip
    assert (done.state, done.summary) == ("done", "7 records checked; all as written.")
    assert done.step is not None
    assert (done.step.stage, done.step.done, done.step.total) == ("cell", 2, 3)
    assert queue.result(done.id).result == {"records": 7, "damaged": []}
    log = queue.log(done.id, 0)
    assert log.text == "cell 2/3  model.fit(X, y)\na warning\n"
    assert log.ended
    assert queue.log(done.id, log.next).text == ""


def test_the_last_of_many_steps_is_told(queue: Queue) -> None:
    """While a long cell runs, the step that is told is its own, not one from before."""
    job = add(
        queue,
        """
import json, sys, time
for done in range(50):
    step = {"stage": "cell", "text": "c", "done": done, "total": 50}
    print(json.dumps({"progress": step}, separators=(",", ":")), file=sys.stderr, flush=True)
time.sleep(600)
""",
    )

    def done() -> int:
        queue.look()
        step = queue.job(job.id).step
        return step.done if step else -1

    until(lambda: done() == 49)
    assert queue.job(job.id).state == "running"


def test_a_verdict_is_a_result_and_an_error_is_not(queue: Queue) -> None:
    """A rerun that came out different is done; one that could not be asked failed, and says why."""
    said = {"level": "different", "reason": "It is."}
    code = "import json, sys; print(json.dumps({})); sys.exit({})"
    done = ended(queue, add(queue, code.format(said, 10), REPRODUCE))
    assert (done.state, done.level, done.summary) == ("done", "different", "It is.")
    error = {"kind": "NotTrusted", "message": "It is another's.", "hint": "Say yes."}
    failed = ended(queue, add(queue, code.format({"error": error}, 1)))
    assert failed.state == "failed"
    assert failed.problem is not None
    assert (failed.problem.code, failed.problem.hint) == ("not-trusted", "Say yes.")
    crashed = ended(queue, add(queue, "raise SystemError('no memory')"))
    assert crashed.problem is not None
    assert (crashed.state, "no memory" in crashed.problem.message) == ("failed", True)


def test_one_at_a_time_in_order(queue: Queue, tmp_path: Path) -> None:
    """A second job waits for the first one's end, and begins by itself."""
    first = add(queue, f"import pathlib, time; p = pathlib.Path({str(tmp_path / 'go')!r})\n"
                       "while not p.exists(): time.sleep(0.02)")  # fmt: skip
    second = add(queue, "pass")
    assert (queue.job(first.id).state, second.state) == ("running", "queued")
    assert [job.id for job in queue.page().items] == [second.id, first.id]
    assert (queue.page().running, queue.page().waiting) == (1, 1)
    (tmp_path / "go").touch()
    one, two = ended(queue, first), ended(queue, second)
    assert one.ended is not None
    assert two.started is not None
    assert one.ended <= two.started


def test_cancelling_ends_everything_it_started(queue: Queue, tmp_path: Path) -> None:
    """A kernel in a session of its own, which ignores being asked, ends with its job."""
    pids = tmp_path / "pid"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    job = add(queue, f"""
import subprocess, sys, time, pathlib
child = subprocess.Popen([sys.executable, "-c", {stubborn!r}], start_new_session=True)
pathlib.Path({str(pids)!r}).write_text(str(child.pid))
time.sleep(600)
""")  # fmt: skip
    until(lambda: pids.exists() and pids.read_text())
    queue.cancel(job.id)
    assert ended(queue, job).state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)
    assert queue.cancel(job.id).state == "cancelled"


def test_a_waiting_job_is_cancelled_unstarted(queue: Queue) -> None:
    """It never runs."""
    add(queue, FOREVER)
    waiting = add(queue, "pass")
    assert queue.cancel(waiting.id).state == "cancelled"
    assert queue.job(waiting.id).started is None


def test_it_outlives_the_server(queue: Queue) -> None:
    """Another server on the same store finds the job running, with its log, and can cancel it."""
    job = add(queue, FOREVER)
    other = Queue(read_settings())
    assert other.job(job.id).state == "running"
    other.cancel(job.id)
    assert ended(other, job).state == "cancelled"


def test_a_killed_process_is_told(queue: Queue) -> None:
    """A job whose process died in whatever way is lost, says so, and frees its place."""
    job = add(queue, FOREVER)
    next_one = add(queue, "pass")
    pid = int((queue.folder / job.id / "pid").read_text())
    until(lambda: _children(pid))
    for child in _children(pid):
        os.kill(child, signal.SIGKILL)
    # Even the guardian is killed, with no chance to say anything.
    os.kill(pid, signal.SIGKILL)
    until(lambda: queue.job(job.id).state != "running")
    lost = queue.job(job.id)
    if lost.state == "failed":  # the guardian saw its child's end before its own
        return
    assert lost.state == "lost"
    assert lost.problem is not None
    assert "Start it again" in lost.problem.hint
    assert ended(queue, next_one).state in {"done", "failed"}


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in found]


def test_limits(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many wait, a log is read in pieces, and ended jobs are forgotten, oldest first."""
    monkeypatch.setattr(queues, "WAITING", 1)
    monkeypatch.setattr(queues, "_KEPT", 1)
    first = ended(queue, add(queue, "import sys\nfor n in range(20000): print(n, file=sys.stderr)"))
    offset, text = 0, ""
    while piece := queue.log(first.id, offset).text:
        text += piece
        assert len(piece) <= 65536
        offset = queue.log(first.id, offset).next
    assert text.split() == [str(number) for number in range(20000)]
    second = ended(queue, add(queue, "pass"))
    add(queue, FOREVER)
    with pytest.raises(UnknownReference, match="no job"):
        queue.job(first.id)
    assert queue.job(second.id).ended is not None
    add(queue, "pass")
    with pytest.raises(InputError, match="wait already"):
        add(queue, "pass")


@pytest.mark.parametrize("identifier", ["../../etc", "", "x", "20260101T000000000000-00000000"])
def test_an_id_is_no_path(queue: Queue, identifier: str) -> None:
    """What is no job's id finds nothing."""
    with pytest.raises(UnknownReference):
        queue.job(identifier)
