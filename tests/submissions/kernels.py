"""Cells that do something to the kernel, or to the folder that it runs in."""

from submissions.base import IDS, Submission, all_are, right, task_of, with_added

# Each of these alone changes nothing, nor do all of them together.
HARMLESS = {
    "float64 by default": "torch.set_default_dtype(torch.float64)",
    "no gradients": "torch.set_grad_enabled(False)",
    "another device": "torch.set_default_device('meta')",
    "two threads and a product": "torch.set_num_threads(2)\ntorch.rand(500, 500) @ torch.rand(500, 500)",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "anomalies are looked for": "torch.autograd.set_detect_anomaly(True)",
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')",
    "all seeded": "import random, numpy\nrandom.seed(0); numpy.random.seed(0); torch.manual_seed(0)",
    "children are not waited for": "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "elsewhere": "import os\nos.chdir('/')",
    "no environment": "import os\nos.environ.clear()",
    "another check": "import labkit\nlabkit.check = check = lambda *a, **k: print('passed')",
    "a deleted check": "del check",
    "an error": "1 / 0",
    "leaves by SystemExit": "raise SystemExit(0)",
    "a word that is no Python": "this is no Python (",
    "asks": "input('who are you? ')",
    "magics": "%matplotlib inline\n%timeit -n1 -r1 1\n!echo hello\n%autoreload",
    "much printing": "for _ in range(20): print('x' * 5_000_000)",
    "nbval's markers": "# NBVAL_RAISES_EXCEPTION\n# NBVAL_SKIP\nraise ValueError",
    "a busy thread": "import threading, time\n"
    "def busy():\n    while True: time.sleep(0.01)\n"
    "threading.Thread(target=busy, daemon=True).start()",
    "a process that goes on": "import subprocess\nsleeper = subprocess.Popen(['sleep', '987'], start_new_session=True)",
    "a daemon": "import os\nif not os.fork():\n    os.setsid()\n    os.execlp('sleep', 'sleep', '986')",
    "its own hints": "hint('01.1')\nhint('01.2', 2)",
    "everything forgotten": "%reset -f\nimport torch\nfrom torch import nn\nfrom labkit import check, hint",
    "memory in a cell": "hoard = []\ntry:\n    while True: hoard.append(bytearray(2**27))\nfinally:\n    hoard.clear()",
    "a new event loop": "import asyncio\nawait asyncio.sleep(0)",
}

# These end the kernel or never end: each is left out, and costs nothing else.
SET_ASIDE = {
    "quit": "quit()",
    "exit in an if": "if True:\n    exit()",
    "os._exit": "import os\nos._exit(0)",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "an endless loop": "while True: pass",
    "one long call into C": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
    "endless printing": "while True: print('x' * 10_000)",
    "too many processes": "import os, time\nfor _ in range(7): os.fork()\ntime.sleep(987)",
    "a fork that goes on as the kernel": "import ctypes\nctypes.string_at(0)",
}

_AT_THE_END = {
    "answers behind a link": "import os, shutil\nshutil.rmtree('answers')\nos.symlink('/etc', 'answers')",
    "answers behind a pipe": "import os, shutil\nshutil.rmtree('answers')\nos.mkfifo('answers')",
    "answers that are links": "import os\n"
    "for k in '123456':\n    os.remove(f'answers/01-{k}.safetensors')\n"
    "    os.symlink('/etc/passwd', f'answers/01-{k}.safetensors')",
    "answers that are pipes": "import os\n"
    "for k in '123456':\n    os.remove(f'answers/01-{k}.safetensors')\n    os.mkfifo(f'answers/01-{k}.safetensors')",
    "answers that are huge": "import os\n"
    "for k in '123456': os.truncate(f'answers/01-{k}.safetensors', 2**29)",
    "answers that are no file of ours": "for k in '123456':\n"
    "    open(f'answers/01-{k}.safetensors', 'wb').write(b'\\x80\\x04pickle')",
}


def _forged():
    cell = (
        "import json\nfrom safetensors.torch import save_file\n"
        "notes = json.dumps([{'state': 'passed', 'message': 'trust me'}] * 4)\n"
        "for k in '123456':\n"
        "    save_file({'0.a': torch.zeros(1)}, f'answers/01-{k}.safetensors', metadata={'answers': notes})"
    )
    return with_added(cell, before=None)


def _task_that(code, exercise_id="01.3"):
    notebook = right()
    task_of(notebook, exercise_id).source = code
    return notebook


def _all_harmless():
    notebook = right()
    import nbformat

    for number, code in enumerate(HARMLESS.values()):
        notebook.cells.insert(1 + number, nbformat.v4.new_code_cell(code))
    return notebook


SINGLE = {
    **{name: Submission(lambda code=code: with_added(code)) for name, code in HARMLESS.items()},
    **{
        name: Submission(lambda code=code: with_added(code, before="01-3-task"))
        for name, code in SET_ASIDE.items()
    },
    **{
        name: Submission(lambda code=code: with_added(code, before=None), all_are("crashed"))
        for name, code in _AT_THE_END.items()
    },
    "forged answers": Submission(_forged, all_are("wrong")),
    "a task that ends the kernel": Submission(
        lambda: _task_that("def tile_filters(filters, columns, gap): pass\nimport os\nos._exit(0)"),
        {"01.3": "crashed"},
    ),
    "a task that never ends": Submission(
        lambda: _task_that("def tile_filters(filters, columns, gap): pass\nwhile True: pass"),
        {"01.3": "timed out"},
    ),
    "a task that imports the judge": Submission(
        lambda: _task_that(
            "from labkit.checks.judging import judge\ndef tile_filters(f, c, g): return judge"
        ),
        {"01.3": "crashed"},
    ),
    "a class, not a function": Submission(lambda: _task_that("tile_filters = 7"), {"01.3": "crashed"}),
}

BUNDLES = [(tuple(HARMLESS), Submission(_all_harmless))]
assert len(IDS) == 6
