"""A process that has imported what a submission needs, and forks itself into a sandbox for each one.

    python zygote.py kernel|runner

No student's code ever runs in it. It is spoken to by a socket in the place of its standard input: a request is a
message of JSON (`Request`) with two open files, where output goes and where the exit status is written. The answer
is the number of the process that stands by the fork and ends with it.
"""

import gc
import importlib
import os
import pkgutil
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import landlock  # type: ignore[import-not-found]  # noqa: F401 (what the fence asks for later)
from fence import Fence, adopt_orphans, die_with_parent, end_all, enter  # type: ignore[import-not-found]
from namespaces import drop_privileges, join, set_dumpable  # type: ignore[import-not-found]
from request import FAILED, MOST_REQUEST, Request  # type: ignore[import-not-found]

Start = Callable[[list[str]], int]


def main() -> None:
    channel = socket.socket(fileno=os.dup(0))
    prepare, start = _ROLES[sys.argv[1]]
    set_dumpable(False)
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those that stand by ended
    gc.collect()
    gc.freeze()
    channel.send(b"ready")
    while True:
        message, files, *_ = socket.recv_fds(channel, MOST_REQUEST, 2)
        if not message:
            return
        request = Request.decoded(message)
        if request.exercises:
            sys.modules["labkit.exercises.notebook"].draw_once(request.exercises)
        pid = os.fork()
        if pid == 0:
            channel.close()
            _stand_by(request, start, *files)
        for file in files:
            os.close(file)
        channel.send(str(pid).encode())


def _stand_by(request: Request, start: Start, output: int, status: int) -> NoReturn:
    """Fork once more, into the sandbox; wait, say how it ended, and end what it left behind."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    said = FAILED + "it was ended"
    try:
        adopt_orphans()
        if request.sandbox is not None:
            join(request.sandbox)
        die_with_parent(signal.SIGTERM)
        child = os.fork()
        if child == 0:
            os.close(status)
            _become(request, start, output)
        said = str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    except OSError as error:
        said = FAILED + str(error)
    finally:
        os.write(status, said.encode())
        if request.sandbox is None:  # else what is left ends with the sandbox
            end_all()
        os._exit(0)


def _become(request: Request, start: Start, output: int) -> NoReturn:
    code = 1
    try:
        _settle(request, output)
        code = start(request.arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _settle(request: Request, output: int) -> None:
    """Be as a process that was begun there: its files, folder, environment, limits and chance."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    os.closerange(3, 4096)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    enter(Fence(**request.fence))
    drop_privileges()
    set_dumpable(True)
    tempfile.tempdir = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    sys.argv = [sys.argv[0], *request.arguments]


def _prepare_kernel() -> None:
    """Import the lab and what its notebooks use, and load the networks once."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in (
        "matplotlib.pyplot",
        "torchvision",
        "ipykernel.kernelapp",
        "IPython.core.completer",
        "labkit",
    ):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(sys.modules["labkit"].__path__, "labkit."):
        with suppress(ImportError):
            importlib.import_module(module.name)
    models = sys.modules["labkit.models"]
    for name in models.EMBEDDED:
        models.load(name)
    sys.modules["labkit.images"].photos()


def _start_kernel(arguments: list[str]) -> int:
    Path("kernel", "pid").write_text(str(os.getpid()))
    sys.modules["ipykernel.kernelapp"].launch_new_instance(arguments)
    return 0


def _prepare_runner() -> None:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # as in labkit.cli: a second for nothing
    for name in ("pytest", "nbval.plugin", "jupyter_client.blocking", "nbformat.v4", "asyncio"):
        importlib.import_module(name)


def _start_runner(arguments: list[str]) -> int:
    return int(sys.modules["pytest"].main(arguments))


_ROLES = {"kernel": (_prepare_kernel, _start_kernel), "runner": (_prepare_runner, _start_runner)}

if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    main()
