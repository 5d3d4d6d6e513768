"""What observing costs at a kernel's start: paired starts with and without our provisioner.

A start lasts from the command to the kernel's first answer. The pairs come one
after the other, in alternating order, so that a busy machine slows both alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from benchmarks.figures import surroundings

BOUND = 1.15
_SECONDS = 60


class OneKernel(KernelSpecManager):
    """Knows this Python's IPython kernel, started by a given provisioner."""

    def __init__(self, provisioner: str) -> None:
        """Remember the provisioner's name."""
        super().__init__()
        self.provisioner = provisioner

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel's spec under any name."""
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher"]
        return KernelSpec(
            argv=[*argv, "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": self.provisioner}},
        )


def start(provisioner: str, env: dict[str, str]) -> float:
    """Return the seconds from a kernel's launch to its first answer."""
    manager = KernelManager(kernel_spec_manager=OneKernel(provisioner), kernel_name="python3")
    began = time.monotonic()
    manager.start_kernel(env=env, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_SECONDS)
        return time.monotonic() - began
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main(pairs: int) -> None:
    """Print the median ratio of the pairs."""
    with TemporaryDirectory() as name:
        env = surroundings(Path(name))
        os.environ["MLOPS_CACHE"] = env["MLOPS_CACHE"]
        names = ("mlops-provisioner", "local-provisioner")
        for each in names:  # the guest is written once, and each interpreter tried once
            start(each, env)
        ratios, plain = [], []
        for pair in range(pairs):
            order = names if pair % 2 else names[::-1]
            seconds = {each: start(each, env) for each in order}
            ratios.append(seconds[names[0]] / seconds[names[1]])
            plain.append(seconds[names[1]])
        ratio = statistics.median(ratios)
        mark = "" if ratio <= BOUND else f"  (more than {BOUND})"
        print(
            f"{'start of a kernel':36} {ratio:5.2f}×  of {statistics.median(plain):.3f} s{mark}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
