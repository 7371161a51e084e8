"""A notebook's kernel: run a cell with or without somebody before it, and see all that came of it."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field

from jupyter_client.manager import start_new_kernel


@dataclass
class Ran:
    """What came of one cell: whether it failed, the markup and texts that it showed, and the errors that it raised.

    last: the markup that it showed last
    """

    failed: bool = False
    html: str = ""
    text: str = ""
    last: str = ""
    errors: list[str] = field(default_factory=list)
    traceback: list[str] = field(default_factory=list)


@contextmanager
def kernel(folder, **environment):
    """run(code, somebody_there=…) in a kernel that is started in a folder."""
    manager, client = start_new_kernel(cwd=str(folder), env=os.environ | environment)

    def run(code, *, somebody_there=True, timeout=120):
        ran = Ran()

        def note(message):
            content = message["content"]
            if "data" in content:
                ran.last = content["data"].get("text/html", "")
            ran.html += content.get("data", {}).get("text/html", "")
            ran.text += content.get("data", {}).get("text/plain", "") + content.get("text", "")
            if message["msg_type"] == "error":
                ran.errors.append(content["evalue"])
                ran.traceback += content["traceback"]

        reply = client.execute_interactive(
            code, allow_stdin=somebody_there, output_hook=note, timeout=timeout
        )
        ran.failed = reply["content"]["status"] != "ok"
        return ran

    run.manager, run.client = manager, client
    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
