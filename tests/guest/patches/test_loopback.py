from __future__ import annotations

import os
import socket
import subprocess
import sys

from py_mlops.guest.patches.loopback import _listeners, _tabled, is_own, was_too_early

LISTEN = """
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); sys.stdin.read()
"""


def test_what_this_process_listens_to_is_its_own() -> None:
    """A server that the notebook runs itself is no outside."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert not is_own("127.0.0.1", port)
        server.listen()
        assert is_own("127.0.0.1", port)
        assert is_own("localhost", port)
        assert not is_own("192.0.2.1", port)


def test_a_question_to_a_server_that_begins_later_was_too_early() -> None:
    """Who asks until a server of its own answers has asked nobody outside."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        question = f"http://localhost:{port}: GET http://localhost:{port}/a: b"
        assert not was_too_early(question)
        server.listen()
        assert is_own("127.0.0.1", port)
        assert was_too_early(question)
        assert not was_too_early(question.replace("localhost", "192.0.2.1"))
        assert not was_too_early(f"postgresql://db:port: SELECT {port}")


def test_what_a_child_listens_to_is_its_own() -> None:
    """So is a server that the notebook started as a process, also through another."""
    through = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {LISTEN!r}])"
    start = [sys.executable, "-c", through]
    with subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert is_own("127.0.0.1", port)
        look = "from py_mlops.guest.patches.loopback import is_own\n"
        look += f"print(is_own('localhost', {port}))"
        other = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)
        assert other.stdout.strip() == b"False", "a stranger's server counts like any host"
        child.communicate()


def test_the_table_says_what_the_kernel_says() -> None:
    """Where the kernel cannot be asked, its table tells the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert _listeners(port) == list(_tabled(port)) == [os.fstat(server.fileno()).st_ino]
    assert _listeners(port) == list(_tabled(port)) == []
