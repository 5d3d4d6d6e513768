"""Tests of the tracer's own audit hook, which takes the place of one in Python."""

from __future__ import annotations

import json

from tests.traced import Traced

HOOK = """
import ctypes, json, os, sys
library = ctypes.PyDLL(None); left = ctypes.c_int.in_dll(library, "mlops_trace_left")
library.mlops_trace_audit.argtypes = [ctypes.c_char_p, ctypes.py_object]
heard, stepped = [], []
def hook(event, args):
    heard.append([event, *args[:1]])
    if args[:1] == ("stop",):
        raise KeyboardInterrupt
"""
TAKEN = "assert library.mlops_trace_audit(b' os.listdir os.remove mine', hook)\nleft.value = 1\n"
SAY = "\nprint(json.dumps(heard))"


def test_files_to_read_are_left_to_the_tracer(traced: Traced) -> None:
    """A file opened to be read costs no call of Python; others and what is asked for do come."""
    said = traced.python(
        HOOK + TAKEN + "open('data').close(); open('new', 'w').close(); os.listdir('.')\n"
        "os.mkdir('folder'); os.remove('new'); sys.audit('min'); sys.audit('mine', 1)\n"
        "left.value = 0; open('data').close()" + SAY
    )
    assert json.loads(said) == [
        ["open", "new"],
        ["os.listdir", "."],
        ["os.remove", "new"],
        ["mine", 1],
        ["open", "data"],
    ]
    assert ("R", "data") in traced.files()


def test_somebody_elses_events_and_interrupts_pass(traced: Traced) -> None:
    """Events that only share a name do no harm, and an interrupt reaches the program."""
    said = traced.python(
        HOOK + TAKEN + "for wrong in ((), ('data',), ('data', 0, 'text'), ('data', 0, 1 << 80)):\n"
        "    sys.audit('open', *wrong)\n"
        "try: sys.audit('mine', 'stop')\nexcept KeyboardInterrupt: print('[]', end=' ')" + SAY
    )
    first, _, rest = said.partition(" ")
    assert (first, json.loads(rest)) == (
        "[]",
        [["open"], *[["open", "data"]] * 3, ["mine", "stop"]],
    )


def test_no_debugger_steps_into_the_hook(traced: Traced) -> None:
    """A trace function of the program's sees nothing of the hook, as with one in Python."""
    traced.python(
        HOOK + TAKEN + "sys.settrace(lambda frame, *_: stepped.append(frame.f_code.co_name))\n"
        "sys.audit('mine')\nsys.settrace(None)\nassert heard and not stepped"
    )


def test_a_program_that_forbids_hooks_has_none(traced: Traced) -> None:
    """Where an earlier hook forbids further ones, the tracer says that it took none."""
    traced.python(
        HOOK + "def forbid(event, args):\n    if event == 'sys.addaudithook': raise RuntimeError\n"
        "sys.addaudithook(forbid)\n"
        "assert not library.mlops_trace_audit(b' mine', hook)\nsys.audit('mine'); assert not heard"
    )
