"""The tracer's ring: what the process that reads the log, and its forks, gather in memory."""

from __future__ import annotations

import pytest

from tests.traced import Traced

GATHER = """
import contextlib, ctypes, os, signal, subprocess, sys, threading, time
tracer = ctypes.CDLL(None)
tracer.mlops_trace_news.restype = ctypes.c_ulong
gathers = tracer.mlops_trace_gather()
"""
DRAIN = "\nassert tracer.mlops_trace_drain() == 1"


def gathered(traced: Traced, code: str, end: str = DRAIN, **env: str) -> list[tuple[str, str]]:
    """Run code in a process that gathers and drains; return kinds and names of the files."""
    traced.python(f"{GATHER}assert gathers\n{code}{end}", **env)
    return traced.files()


WAYS = {
    "itself": "for i in range(300): open(f'{i}', 'w').close()",
    "forks": "for i in range(0, 300, 10):\n    if not os.fork():\n"
    "        for j in range(10): open(f'{i + j}', 'w').close()\n"
    "        os._exit(0)\n    os.wait()",
    "threads": "def work(k):\n    for i in range(k, 300, 3): open(f'{i}', 'w').close()\n"
    "threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]\n"
    "[t.start() for t in threads]; [t.join() for t in threads]",
    "a killed fork": "if not os.fork():\n    for i in range(150): open(f'{i}', 'w').close()\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
    "for i in range(150, 300): open(f'{i}', 'w').close()\nos.wait()",
    "closed descriptors": "os.closerange(3, 4096)\nfor i in range(300): open(f'{i}', 'w').close()",
}


@pytest.mark.parametrize("way", WAYS)
def test_each_once(traced: Traced, way: str) -> None:
    """Files of threads, of forks and of a killed fork stand in the log once it was drained."""
    assert sorted(gathered(traced, WAYS[way])) == sorted(("W", str(i)) for i in range(300))


def test_in_the_order_of_their_times(traced: Traced) -> None:
    """What the process itself did stands before what a child did later, though it came later."""
    code = (
        "open('mine').close() if os.path.exists('mine') else open('mine', 'w').close()\n"
        "subprocess.run(['cp', 'mine', 'copy'], check=True)\nopen('copy').close()"
    )
    assert gathered(traced, code) == [("W", "mine"), ("R", "mine"), ("W", "copy"), ("R", "copy")]


def test_more_than_it_holds(traced: Traced) -> None:
    """A ring that is full is emptied into the log by its owner; a fork writes there itself."""
    folder = "x" * 200 + "/" + "y" * 200
    code = (
        f"os.makedirs(far := {folder!r})\n"
        "def fill(kind, count):\n"
        "    for i in range(count): open(f'{far}/{kind}{i}', 'w').close()\n"
        "fill('a', 15000)\nif not os.fork():\n    fill('b', 5000); os._exit(0)\nos.wait()\n"
        "fill('c', 10)\n"
    )
    names = [name.rpartition("/")[2] for _, name in gathered(traced, code)]
    expected = [("a", 15000), ("b", 5000), ("c", 10)]
    assert names == [f"{kind}{i}" for kind, count in expected for i in range(count)]
    assert traced.log.stat().st_size > 9 << 20


def test_the_limit(traced: Traced) -> None:
    """With a ring, too, the log is bounded, and says that it is full."""
    code = "for i in range(2000): open(f'{i}', 'w').close()"
    files = gathered(traced, code, MLOPS_TRACE_LIMIT="30000")
    assert 200 < len(files) < 1000
    assert b"\0X\0" in traced.log.read_bytes()


def test_news(traced: Traced) -> None:
    """Reading is no news, in forks neither; writing, and whatever another program does, is."""
    code = (
        "heard = tracer.mlops_trace_news()\nopen('data').close()\n"
        "if not os.fork(): open('data').close(); os._exit(0)\nos.wait()\n"
        "forked = tracer.mlops_trace_news() - heard; open('data').close()\n"
        "assert tracer.mlops_trace_news() - heard == forked == 1\n"
        "tracer.mlops_trace_drain(); assert tracer.mlops_trace_news() - heard == 1\n"
        "open('new', 'w').close(); assert tracer.mlops_trace_news() - heard == 2\n"
        "subprocess.run(['cat', 'data'], stdout=-3)\nassert tracer.mlops_trace_news() - heard > 9"
    )
    gathered(traced, code)


def test_who_gathers(traced: Traced) -> None:
    """Only the process that the log began with gathers: of others nobody could take it over."""
    nested = f"{GATHER}open('new', 'w').close(); print(gathers)"
    code = f"print(subprocess.run([sys.executable, '-c', {nested!r}], stdout=-1).stdout)"
    assert traced.python(f"{GATHER}assert gathers\n{code}").strip() == r"b'0\n'"
    assert traced.files() == [("W", "new")]


def test_a_program_in_place_of_this(traced: Traced) -> None:
    """What was gathered is in the log before another program takes the process over."""
    code = "open('new', 'w').close()\nos.execv('/bin/cat', ['cat', 'data'])"
    assert gathered(traced, code) == [("W", "new"), ("R", "data")]


def test_a_killed_fork_leaves_a_gap(traced: Traced) -> None:
    """A record that a killed fork never ended hides no other, before it or behind it."""
    tear = (
        "ring = [l for l in open('/proc/self/maps') if '/dev/zero' in l][0].split('-')[0]\n"
        "tail = ctypes.c_uint64.from_address(int(ring, 16))\nopen('before', 'w').close()\n"
        "tail.value += 64\nopen('after', 'w').close(); tracer.mlops_trace_drain()\n"
        "tail.value += 64\nopen('last', 'w').close()\n"
    )
    assert gathered(traced, tear) == [("W", "before"), ("W", "after"), ("W", "last")]
    assert b"\0X\0" not in traced.log.read_bytes()


def test_a_slow_fork_fills_its_gap(traced: Traced) -> None:
    """What was not complete when others were moved to the log is moved there when it is."""
    slow = (
        "at = [l for l in open('/proc/self/maps') if '/dev/zero' in l][0].split('-')[0]\n"
        "ring = int(at, 16)\n"
        "tail = ctypes.c_uint64.from_address(ring); at = tail.value\n"
        "open('slow', 'w').close()\n"
        "mark = ctypes.c_uint64.from_address(ring + 48 + at); done, mark.value = mark.value, 0\n"
        "open('quick', 'w').close(); tracer.mlops_trace_drain()\n"
        "mark.value = done\n"
    )
    assert gathered(traced, slow) == [("W", "slow"), ("W", "quick")]
    log = traced.log.read_bytes()
    assert log.index(b"/quick\0") < log.index(b"/slow\0")


FLOOD = """
import mmap, random, struct
random.seed(1)
made, ended = mmap.mmap(-1, 8 * 100), []
def drain():
    while not ended: tracer.mlops_trace_drain(); time.sleep(random.random() * 0.002)
draining = threading.Thread(target=drain); draining.start()
for fork in range(100):
    child = os.fork()
    for i in range(10**9 if not child else 0):
        os.close(os.open(f'{fork}-{i}', os.O_CREAT | os.O_WRONLY))
        struct.pack_into('q', made, 8 * fork, i + 1)
    time.sleep(random.random() * 0.005); os.kill(child, signal.SIGKILL); os.wait()
ended.append(True); draining.join()
print(*struct.unpack('100q', made))
"""


def test_forks_killed_while_the_ring_is_drained(traced: Traced) -> None:
    """No file that a fork lived to see opened is missing, whenever it is killed."""
    printed = traced.python(f"{GATHER}assert gathers\n{FLOOD}{DRAIN}")
    made = {f"{fork}-{i}" for fork, n in enumerate(map(int, printed.split())) for i in range(n)}
    names = [name for _, name in traced.files()]
    assert made
    assert made <= set(names)
    assert len(names) == len(set(names))
