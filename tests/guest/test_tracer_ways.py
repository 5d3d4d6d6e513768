"""Ways past an ordinary `open` or `execve`, each of which native programs go now and then."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from tests.traced import Traced

PROGRAM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#define WAY(name) if (!strcmp(way, name))
int main(int count, char **words) {
  const char *way = words[1];
  char *argv[] = {words[0], "nothing", NULL}, *none[] = {NULL}, link[64];
  WAY("O_PATH") { sprintf(link, "/proc/self/fd/%d", open("data", O_PATH)); open(link, O_RDONLY); }
  WAY("/dev/fd") { sprintf(link, "/dev/fd/%d", open("data", O_PATH)); open(link, O_RDONLY); }
  WAY("/proc/self/cwd") open("/proc/self/cwd/data", O_RDONLY);
  WAY("handle") {
    struct { struct file_handle head; char rest[128]; } handle = {{.handle_bytes = 128}};
    int mount, folder = open(".", O_RDONLY | O_DIRECTORY);
    if (name_to_handle_at(AT_FDCWD, "data", &handle.head, &mount, 0)) return 3;
    if (open_by_handle_at(folder, &handle.head, O_RDONLY) < 0) return 3;
  }
  WAY("truncate") return truncate("data", 2);
  WAY("empty") return truncate("data", 0);
  WAY("link") {
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd < 0 || linkat(fd, "", AT_FDCWD, "made", AT_EMPTY_PATH)) return 3;
  }
  WAY("memfd") { sprintf(link, "/proc/self/fd/%d", memfd_create("x", 0)); open(link, O_RDONLY); }
  WAY("execl") execl(words[0], "own", "nothing", NULL);
  WAY("execlp") execlp(words[0], "own", "nothing", NULL);
  WAY("execle") execle(words[0], "own", "nothing", NULL, none);
  WAY("fexecve") fexecve(open(words[0], O_RDONLY), argv, none);
  WAY("execveat") execveat(AT_FDCWD, words[0], argv, none, 0);
  return 0;
}
"""
FILES = {
    "O_PATH": [("R", "data")],
    "/dev/fd": [("R", "data")],
    "/proc/self/cwd": [("R", "data")],
    "handle": [("R", "data")],
    "truncate": [("A", "data")],
    "empty": [("W", "data")],
    "link": [("W", "made")],
    "memfd": [],
}
STARTS = {"execl": b"1", "execlp": b"1", "execle": b"0", "fexecve": b"0", "execveat": b"0"}
"""Each with whether the tracer is in what was started; without a word of it nobody would know."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that goes the way that its argument names."""
    source = tmp_path_factory.mktemp("ways") / "ways.c"
    source.write_text(PROGRAM)
    made = source.with_suffix("")
    subprocess.run(["cc", "-w", str(source), "-o", str(made)], check=True)
    return made


@pytest.mark.parametrize("way", FILES)
def test_files(traced: Traced, program: Path, way: str) -> None:
    """A file is told by its own path, whatever way leads to it."""
    try:
        traced.run(program, way)
    except subprocess.CalledProcessError as error:
        assert error.returncode == 3  # the system does not let this user  # noqa: PT017
        assert os.geteuid() != 0 or way in ("handle", "link")
        return
    assert traced.files() == FILES[way]


@pytest.mark.parametrize("way", STARTS)
def test_programs(traced: Traced, program: Path, way: str) -> None:
    """Who is started by any function of the C library is told, with or without the tracer."""
    traced.run(program, way)
    [start] = [fields for fields in traced.records() if fields[0] == b"S"]
    assert (start[3], start[4]) == (STARTS[way], os.fsencode(program))


def test_a_bad_address_is_an_error(traced: Traced) -> None:
    """What the system answers with an error does not end the program."""
    code = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); bad = ctypes.c_void_p(8)\n"
        "print([(call(*words), ctypes.get_errno()) for call, *words in "
        "((libc.truncate, bad, ctypes.c_long(1)), (libc.chdir, bad), (libc.open, bad, 0))])"
    )
    fault = (-1, errno.EFAULT)
    assert traced.python(code).strip() == str([fault] * 3)
