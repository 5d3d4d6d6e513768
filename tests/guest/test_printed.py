from __future__ import annotations

import io

from py_mlops.guest.printed import MOST, Printed


class Stream(io.StringIO):
    """A stream whose methods can be replaced, as a kernel's."""


def test_what_is_printed_is_heard_and_written() -> None:
    """A stream writes what it wrote before; what was heard is told once."""
    stream, printed = Stream(), Printed()
    printed.listen(stream)
    print("a", 1, file=stream)
    assert printed.take() == "a 1\n"
    assert printed.take() == ""
    assert stream.getvalue() == "a 1\n"


def test_a_flood_is_bounded() -> None:
    """Of endless printing only the beginning is kept."""
    stream, printed = Stream(), Printed()
    printed.listen(stream)
    for _ in range(3):
        stream.write("x" * MOST)
    assert len(printed.take()) == MOST
    stream.write("y")
    assert printed.take() == "y"
