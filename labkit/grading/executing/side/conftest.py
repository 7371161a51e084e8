"""What nbval is told in grading: write down at once how each cell ended, keep little output, stop at a cell that hangs.

It lies beside the notebook. cells.jsonl gets a line when a cell begins, {"cell": 3}, and one when it has ended.
"""

import json
import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import nbval.kernel  # type: ignore[import-untyped]
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

KERNEL = "kernel"  # the folder of a kernel that is begun beside this process
MOST_OUTPUT = 4_000_000  # characters of one cell that are kept
MOST_WORDS = 20_000  # characters of what a cell died of
SLICE_S = 0.1

_record = open("cells.jsonl", "a", encoding="utf-8")  # noqa: SIM115 (open while the cells run)


class KernelDiedError(Exception):
    """There is no kernel any more."""


def _write(**fields: Any) -> None:
    _record.write(json.dumps(fields) + "\n")
    _record.flush()


def pytest_runtest_logstart(nodeid: str) -> None:
    _write(cell=_number(nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    report = yield
    if report.when == "call" or report.failed:
        lost = bool(getattr(item.parent, "timed_out", False)) or not item.parent.kernel_lives()
        words = str(report.longrepr)[-MOST_WORDS:] if report.failed else ""
        _write(
            cell=_number(item.nodeid),
            ok=report.passed,
            words=words,
            lost=lost,
            seconds=round(call.duration, 3),
        )
        if lost:
            item.session.shouldstop = "the kernel is lost"
    return report


def _number(nodeid: str) -> int:
    return int(nodeid.rpartition(" ")[2])


def _kernel_lives(file: Any) -> bool:
    kernel = file.kernel
    return kernel is None or (kernel.is_alive() and not getattr(kernel, "ends", False))


class _Attached:
    """The manager of a kernel that somebody else has begun, and will end."""

    kernel_spec = SimpleNamespace(language="python")

    def __init__(self, client: Any):
        self.client, self.pid = client, int(Path(KERNEL, "pid").read_text())

    def is_alive(self) -> bool:
        return bool(psutil.pid_exists(self.pid))

    def interrupt_kernel(self) -> None:
        self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))

    def shutdown_kernel(self, now: bool = False) -> None:
        pass


def _attach(startup_timeout: float = 60, **_named: Any) -> tuple[Any, Any]:
    """The kernel that has been begun beside this process, and writes down where it is to be spoken to."""
    until = time.monotonic() + startup_timeout
    client = BlockingKernelClient()
    while True:
        with suppress(OSError, ValueError):
            client.load_connection_info(json.loads(Path(KERNEL, "connection.json").read_text()))
            break
        if time.monotonic() > until:
            raise KernelDiedError("the kernel did not begin")
        time.sleep(0.01)
    manager = _Attached(client)
    client.start_channels()
    client.wait_for_ready(timeout=startup_timeout)
    return manager, client


def _start(startup_timeout: float = 60, kernel_name: str = "python", **named: Any) -> tuple[Any, Any]:
    """A kernel that is spoken to by files, not by ports, and that does not see what runs it."""
    manager = KernelManager(
        kernel_name=kernel_name, kernel_spec_manager=nbval.kernel.NbvalKernelspecManager()
    )
    manager.transport, manager.ip = "ipc", os.path.abspath("k")
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    manager.start_kernel(env=usual, **named)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=startup_timeout)
    return manager, client


def _await_reply(kernel: Any, msg_id: str, timeout: float | None = None) -> None:
    """As nbval's own, but outputs are taken in meanwhile, and a kernel that dies is seen at once."""
    until = time.monotonic() + (timeout or 60)
    kernel.seen, kernel.room = deque(), MOST_OUTPUT
    while time.monotonic() < until:
        _take_outputs(kernel)
        try:
            message = kernel.kc.get_shell_msg(timeout=SLICE_S)
        except Empty:
            if not kernel.is_alive():
                raise KernelDiedError("the kernel ended while this cell ran") from None
            continue
        if message["parent_header"].get("msg_id") == msg_id:
            payload = message["content"].get("payload") or []
            kernel.ends = any(part.get("source") == "ask_exit" for part in payload)
            return
    raise Empty


def _take_outputs(kernel: Any) -> None:
    """Keep what is there, but of outputs no more than there is room for."""
    for _ in range(1000):
        try:
            message = kernel.kc.get_iopub_msg(timeout=0)
        except Empty:
            return
        if _fits(kernel, message):
            kernel.seen.append(message)


def _fits(kernel: Any, message: dict[str, Any]) -> bool:
    if message["msg_type"] not in ("stream", "display_data", "execute_result", "update_display_data"):
        return True
    content = message["content"]
    size = len(content.get("text", "")) + sum(len(str(part)) for part in content.get("data", {}).values())
    kernel.room -= size
    return bool(kernel.room >= 0)


def _get_message(kernel: Any, stream: str, timeout: float | None = None) -> dict[str, Any]:
    message: dict[str, Any]
    if stream == "shell":
        message = kernel.kc.get_shell_msg(timeout=timeout)
        return message
    until = time.monotonic() + (timeout or 5)
    while True:
        if seen := getattr(kernel, "seen", None):
            message = seen.popleft()
            return message
        message = kernel.kc.get_iopub_msg(timeout=max(0.0, until - time.monotonic()))
        if _fits(kernel, message):
            return message


nbval.kernel.start_new_kernel = _attach if Path(KERNEL).is_dir() else _start
nbval.kernel.RunningKernel.await_reply = _await_reply
nbval.kernel.RunningKernel.get_message = _get_message
nbval.plugin.IPyNbFile.kernel_lives = _kernel_lives
