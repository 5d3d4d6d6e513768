from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from py_mlops import sandbox
from py_mlops.sandbox import Written
from tests.sandbox.stage import ELSEWHERE, Stage


@pytest.fixture
def kernel(stage: Stage, tmp_path: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a real kernel on the stage, as a notebook's rerun does."""
    stage.record(f"{ELSEWHERE}/x.csv", "far away")
    (stage.host / "stale.txt").write_text("host")
    with sandbox.channels() as channels:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        wrapped = stage.command(argv, writable=[channels])
        spec = {"argv": wrapped, "display_name": "rerun", "language": "python"}
        (tmp_path / "kernels" / "rerun").mkdir(parents=True)
        (tmp_path / "kernels" / "rerun" / "kernel.json").write_text(json.dumps(spec))
        manager = KernelManager(
            kernel_name="rerun",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")]),
            connection_file=str(channels / "kernel.json"),
            transport="ipc",
        )
        environment = sandbox.surroundings(Path(sys.executable))
        manager.start_kernel(cwd=str(stage.recorded(stage.host)), env=environment)
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield manager, client
        client.stop_channels()
        if manager.is_alive():
            manager.shutdown_kernel(now=True)
        manager.context.destroy()


def evaluate(client: BlockingKernelClient, expression: str) -> object:
    """Return the value of an expression in a kernel."""
    reply = client.execute_interactive(
        "", user_expressions={"value": expression}, silent=False, store_history=False, timeout=60
    )
    value = reply["content"]["user_expressions"]["value"]
    assert value["status"] == "ok", value
    return ast.literal_eval(value["data"]["text/plain"])


def test_kernel(stage: Stage, kernel: tuple[KernelManager, BlockingKernelClient]) -> None:
    """A notebook's kernel reads by relative and absolute path, writes into the mirror, and dies."""
    manager, client = kernel
    for path in ("data.csv", f"{stage.host}/data.csv"):
        assert evaluate(client, f"open({path!r}).read()") == "recorded"
    assert evaluate(client, f"open('{ELSEWHERE}/x.csv').read()") == "far away"
    assert evaluate(client, "__import__('os').getcwd()") == str(stage.host)
    assert evaluate(client, "sorted(__import__('os').listdir())") == ["data.csv"]
    assert evaluate(client, "open('out.csv', 'w').write('made')") == 4
    assert not (stage.host / "out.csv").exists()
    assert Written(f"{stage.host}/out.csv", 4) in sandbox.written(stage.mirror)

    message = client.execute(
        "import subprocess; print('up', flush=True); subprocess.run(['sleep', '1000'])",
        stop_on_error=False,  # or what is asked next may be aborted with it
    )
    while client.get_iopub_msg(timeout=60)["header"]["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != message:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert evaluate(client, "1 + 1") == 2

    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    assert evaluate(client, "open('out.csv').read()") == "made"
    pid = getattr(manager.provisioner, "pid", None)
    assert isinstance(pid, int)
    manager.shutdown_kernel(now=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
