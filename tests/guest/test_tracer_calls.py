"""Files that a program opens, or gives a second name, otherwise than most do."""

from __future__ import annotations

import os
import platform

import pytest

from tests.traced import Traced

LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
CALLS = {
    "x86_64": {"open": 2, "mmap": 9, "getpid": 39, "openat": 257},
    "aarch64": {"openat": 56, "getpid": 172, "mmap": 222},
}.get(platform.machine(), {})
"""Numbers of system calls; where there are none the tracer has no stand-in for `syscall`."""

OPENS = {
    "open": "libc.syscall({open}, b'data', 0)",
    "openat": "libc.syscall({openat}, -100, b'data', 0, 0)",
    "openat2": "libc.syscall(437, -100, b'data', (ctypes.c_uint64 * 3)(), 24)",
}
by_number = pytest.mark.skipif(not CALLS, reason="not covered: system calls by their number")


def test_another_name_for_a_file(traced: Traced) -> None:
    """A file that gets a second name is read, and the name is one that the program made."""
    traced.python("import os; os.link('data', 'hard'); open('hard').close()")
    traced.run("ln", "data", "of a child")
    assert traced.files() == [
        *[("R", "data"), ("W", "hard"), ("R", "hard")],
        *[("R", "data"), ("W", "of a child")],
    ]


def test_the_same_relative_path_in_two_folders(traced: Traced) -> None:
    """What a relative path means in each folder is told: listed, made, or a name of one file."""
    for name in ("a", "b"):
        (traced.folder / name / "sub").mkdir(parents=True)
        os.link(traced.folder / "data", traced.folder / name / "sub" / "data")
    traced.run("find", ".")
    traced.run("grep", "-rc", "b", ".")
    traced.python(
        "import os\nfor name in 'ab':\n"
        "    os.chdir(name); os.listdir('.'); open('made', 'w').close(); os.chdir('..')"
    )
    start = os.fsencode(traced.folder) + b"/"
    listed = [fields[3][len(start) :] for fields in traced.records() if fields[0] == b"D"]
    assert {b"a/sub", b"b/sub", b"a/.", b"b/."} <= set(listed)
    assert sorted(traced.files()) == [
        *[("R", "a/sub/data"), ("R", "b/sub/data"), ("R", "data")],
        *[("W", "a/made"), ("W", "b/made")],
    ]


@by_number
@pytest.mark.parametrize("way", sorted({"openat2", *CALLS} & OPENS.keys()))
def test_files_opened_by_number(traced: Traced, way: str) -> None:
    """What asks the system by the number of a call is seen as any other."""
    traced.python(LIBC + OPENS[way].format(**CALLS))
    assert traced.files() == [("R", "data")]


@by_number
def test_system_calls_by_number(traced: Traced) -> None:
    """Calls that open nothing come out as ever, and who asks for io_uring is told."""
    wrong = [(9999,), (CALLS["openat"], -100, 0, 0)]
    wrong += [(CALLS["open"], 0, 0)] if "open" in CALLS else []
    said = traced.python(
        LIBC + "import os; word = ctypes.c_long; libc.syscall.restype = word\n"
        "def ask(*words): return libc.syscall(*map(word, words))\n"
        f"place = ask({CALLS['mmap']}, 0, 4096, 3, 0x22, -1, 0); ctypes.memset(place, 1, 4096)\n"
        f"errors = [(ask(*words), ctypes.get_errno()) for words in {wrong}]\n"
        f"print(ask({CALLS['getpid']}) == os.getpid(), errors)\n"
        "print(libc.syscall(425, 8, (ctypes.c_char * 240)()) > 0)"
    )
    as_ever, ring = said.splitlines()
    assert as_ever == f"True {[(-1, 38), *[(-1, 14)] * (len(wrong) - 1)]}"
    told = [fields for fields in traced.records() if fields[0] == b"U"]
    assert bool(told) == (ring == "True")  # a container may forbid it
