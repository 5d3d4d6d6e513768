"""Where a rerun runs: on the recorded files, apart from the machine and its network.

The recorded files lie in a *mirror*: ``mirror/data/anna/digits.csv`` stands for
``/data/anna/digits.csv``. At level ``namespaces`` the mirror is the rerun's
root folder: beside the system's programs, the interpreter and its environment
it sees nothing of the host; whatever it writes lands in the mirror; there is no
network; memory, processes and disk are bounded. At level ``copy``, where the
system does not allow that, it only starts in the mirror's copy of its folder;
absolute paths, the network and everything else are those of the host.

`docs/sandbox.md` says what was tried to get out.
"""

from __future__ import annotations

from py_mlops.sandbox.command import channels, command, default_home, surroundings
from py_mlops.sandbox.level import Isolation, Level, unreachable
from py_mlops.sandbox.limits import Limits, machine_memory
from py_mlops.sandbox.mirror import SYSTEM, Written, clear, compiled, inside, is_system, written
from py_mlops.sandbox.needs import Needs
from py_mlops.sandbox.trial import available

__all__ = [
    "SYSTEM",
    "Isolation",
    "Level",
    "Limits",
    "Needs",
    "Written",
    "available",
    "channels",
    "clear",
    "command",
    "compiled",
    "default_home",
    "inside",
    "is_system",
    "machine_memory",
    "surroundings",
    "unreachable",
    "written",
]
