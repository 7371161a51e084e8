"""Kernels that begin at once: forks of a process that has imported what notebooks import, though nothing of the lab.

    python warm.py listen SOCKET                   that process; it imports when it is asked first, ends with its stdin
    python warm.py kernel SOCKET -f FILE [OPTIONS] what Jupyter starts: it stands in for the fork, or is a usual kernel

A stand-in hands over its folder, environment and output, passes signals on, and ends as the fork ends. A fork whose
stand-in has ended is killed.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress

IMPORTED = (
    "torch", "torchvision", "timm", "matplotlib.pyplot", "ipywidgets", "sklearn.manifold", "tqdm", "jinja2",
    "ipykernel.kernelapp", "IPython.core.completer", "matplotlib_inline.backend_inline",
)  # fmt: skip
MOST = 2**20


@contextmanager
def warm_kernels(folder):
    """The variables with which Jupyter starts the kernel "python3" warm; none where this system has no such sockets."""
    if sys.platform != "linux":
        yield {}
        return
    place = folder / "socket"
    kernels = folder / "kernels" / "python3"
    kernels.mkdir(parents=True)
    argv = [sys.executable, "-S", __file__, "kernel", str(place), "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python", "metadata": {"debugger": True}}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    command = [sys.executable, __file__, "listen", place.name]  # a whole path may be too long
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=folder, env=environment) as listening:
        yield {"JUPYTER_PATH": str(folder)}
        listening.stdin.close()


def listen(place):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(place)
    listener.listen(16)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        channel, _ = listener.accept()
        for name in IMPORTED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        if os.fork() == 0:
            listener.close()
            os._exit(_stand_by(channel))
        channel.close()


def _stand_by(channel):
    """Fork once more, into a kernel; pass on what its stand-in hears, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, *_ = socket.recv_fds(channel, MOST, 3)
    pid = os.fork()
    if pid == 0:
        channel.close()
        _become_kernel(json.loads(message), files)
    for file in files:
        os.close(file)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
            return 0
        if select.select([channel], [], [], 0.1)[0]:
            heard = channel.recv(10)
            with suppress(ProcessLookupError):  # it is no group's leader yet, or has just ended
                os.killpg(pid, int(heard) if heard else signal.SIGKILL)
            if not heard:
                return 0


def _become_kernel(given, files):
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 4096)
    os.chdir(given["folder"])
    os.environ.clear()
    os.environ.update(given["environment"])
    sys.path[0] = ""  # as with python -m: where it is
    sys.modules["numpy"].random.seed()
    sys.argv = ["ipykernel_launcher", *given["arguments"]]
    sys.modules["ipykernel.kernelapp"].launch_new_instance()
    os._exit(0)


def stand_in(place, *arguments):
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        channel.connect(place)
    except OSError:
        os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *arguments])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: channel.send(str(number).encode()))
    given = {"folder": os.getcwd(), "environment": dict(os.environ), "arguments": arguments}
    socket.send_fds(channel, [json.dumps(given).encode()], [0, 1, 2])
    ended = channel.recv(10)
    sys.exit(int(ended or 1))


if __name__ == "__main__":
    {"listen": listen, "kernel": stand_in}[sys.argv[1]](*sys.argv[2:])
