"""What Python opens is noted when Python asks how it looks; nothing else waits for that."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.traced import Traced

LEARN = """
import ctypes, io, os, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.mlops_trace_learn(b"/dev/null"); io.FileIO("/dev/null").close()
learned = libc.mlops_trace_learn(None)
"""
AGAIN = """
for _ in range(3): open("data").close()
open("data", "a").write("more")
open("data").close()
"""

IN_FRONT = """
#define _GNU_SOURCE
#include <dlfcn.h>
int open64(const char *path, int flags, int mode) {
  return ((int (*)(const char *, int, int))dlsym(RTLD_NEXT, "open64"))(path, flags, mode);
}
int open(const char *path, int flags, int mode) { return open64(path, flags, mode); }
"""

MOVES = """
for name in ("one", "two"):
    os.mkdir(name); open(f"{name}/data", "w").close()
home, ended = os.getcwd(), []
sys.setswitchinterval(1e-6)
def move():
    while not ended: os.chdir(home + "/one"); os.chdir(home + "/two")
os.chdir("one")
moving = threading.Thread(target=move); moving.start()
for i in range(8000):
    for name in ("one", "two"): os.utime(f"{home}/{name}/data", ns=(i, i))
    opened()
ended.append(True); moving.join()
"""
WAYS = {
    "open": "def opened(): open('data').close()",
    "os.open": "def opened(): os.close(os.open('data', os.O_RDONLY))",
}


def test_each_version_once(traced: Traced) -> None:
    """A file that Python opens again and again is noted once, and again when it changed."""
    traced.python(LEARN + "assert learned" + AGAIN)
    assert traced.files() == [("R", "data"), ("A", "data"), ("R", "data")]
    sizes = [fields[4] for fields in traced.records() if fields[0] == b"F"]
    assert sizes == [b"4", b"4", b"8"]


def test_native_code_that_never_asks(traced: Traced) -> None:
    """What other code opens in the same way is noted at once, though it asks nothing."""
    traced.python(LEARN + f"assert learned; libc.open(b'data', {os.O_CLOEXEC}); os._exit(0)")
    assert traced.files() == [("R", "data")]


def test_something_else_that_opens_for_python(traced: Traced) -> None:
    """Behind another library's `open` nothing is put off: more than Python may come that way."""
    source = traced.folder.parent / "front.c"
    source.write_text(IN_FRONT)
    library = source.with_suffix(".so")
    command = ["cc", "-w", "-shared", "-fPIC", "-fno-builtin", str(source)]
    subprocess.run([*command, "-o", str(library), "-ldl"], check=True)
    code = LEARN + f"assert not learned; libc.open(b'data', {os.O_CLOEXEC}); os._exit(0)"
    traced.python(code, LD_PRELOAD=f"{library}:{traced.library}")
    assert traced.files() == [("R", "data")]


@pytest.mark.parametrize("way", WAYS)
def test_a_working_directory_that_another_thread_changes(traced: Traced, way: str) -> None:
    """A relative path is never told as that of another folder, whenever the thread moves."""
    traced.python(LEARN + "assert learned\n" + WAYS[way] + MOVES)
    inodes = {
        (traced.folder / name / "data").stat().st_ino: f"{name}/data" for name in ("one", "two")
    }
    start = os.fsencode(traced.folder) + b"/"
    seen = [
        (os.fsdecode(fields[9][len(start) :]), inodes.get(int(fields[7])))
        for fields in traced.records()
        if fields[0] == b"F" and fields[3] == b"R" and fields[9].startswith(start)
    ]
    assert len(seen) == 8000
    assert all(told == meant for told, meant in seen)


def test_how_files_look_is_told_as_ever(traced: Traced) -> None:
    """Who asks for a file's state gets the answer, or the error, that the system gives."""
    said = traced.python(
        LEARN + "file = os.open('data', os.O_RDONLY)\n"
        "for name in ('fstat', 'fstat64', '__fxstat', '__fxstat64'):\n"
        "    ask, words = getattr(libc, name, None), (0,) if name[0] == '_' else ()\n"
        "    if ask is not None:\n"
        "        place = (ctypes.c_long * 40)()\n"
        "        right = ask(*words, file, place) == 0 and place[1] == os.fstat(file).st_ino\n"
        "        print(right, ask(*words, 999, place), ctypes.get_errno())\n"
    )
    assert set(said.splitlines()) == {"True -1 9"}
