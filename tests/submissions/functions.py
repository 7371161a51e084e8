"""Functions that are wrong, broken or hostile: name -> (what is run in place of the solution, what it deserves)."""

from submissions.base import IDS, Submission, around_right, right, task_of

BODIES = {
    # wrong
    "returns nothing": ("right(*args)", "wrong"),
    "returns a word": ("return 'passed'", "wrong"),
    "returns a dict": ("return {'state': 'passed'}", "wrong"),
    "returns a function": ("return lambda: right(*args)", "wrong"),
    "yields": ("yield right(*args)", "wrong"),
    "returns a class that pickles into code": (
        "class Evil:\n    def __reduce__(self): import os; return os.system, ('touch /tmp/pickled',)\nreturn Evil()",
        "wrong",
    ),
    "returns not a number": ("return right(*args) * float('nan')", "wrong"),
    "returns another shape": ("return right(*args)[None]", "wrong"),
    "returns zeros": ("return torch.zeros_like(right(*args))", "wrong"),
    "another answer each time": ("return right(*args) + torch.rand(())", "wrong"),
    "four bits a number": (
        "return torch.zeros(16, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)",
        "wrong",
    ),
    "half complex numbers": ("return torch.zeros(4, dtype=torch.complex32)", "wrong"),
    "bits": ("return torch.zeros(4, dtype=torch.uint8).view(torch.bits8)", "wrong"),
    "quantized": ("return torch.quantize_per_tensor(torch.rand(4), 0.1, 0, torch.quint8)", "wrong"),
    "on the meta device": ("return right(*args).to('meta')", "crashed"),
    "a tensor of hostile kind": (
        "class Odd(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, *a, **k): raise SystemExit(0)\n"
        "return torch.zeros(3).as_subclass(Odd)",
        "crashed",
    ),
    # right, though odd
    "right as an array": ("return right(*args).numpy()", "passed"),
    "right in doubles": ("return right(*args).double()", "passed"),
    "right and sparse": ("return right(*args).to_sparse()", "passed"),
    "right as a list": ("return right(*args).tolist()", "passed"),
    "right after much printing": ("print('x' * 10**7)\nreturn right(*args)", "passed"),
    "right with stdout closed": ("import sys\nsys.stdout.close()\nreturn right(*args)", "passed"),
    "right with handles closed": ("import os\nos.closerange(1, 3)\nreturn right(*args)", "passed"),
    "right from elsewhere": ("import os\nos.chdir('/')\nreturn right(*args)", "passed"),
    "right beside a thread that goes on": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(987,), daemon=True).start()\n"
        "return right(*args)",
        "passed",
    ),
    "right beside a process that goes on": (
        "import subprocess\nsubprocess.Popen(['sleep', '987'], start_new_session=True)\nreturn right(*args)",
        "passed",
    ),
    "right with eight threads": (
        "torch.set_num_threads(8)\ntorch.rand(300, 300) @ torch.rand(300, 300)\nreturn right(*args)",
        "passed",
    ),
    "right with a warning": (
        "import warnings\nwarnings.simplefilter('error')\nresult = right(*args)\n"
        "warnings.simplefilter('default')\nwarnings.warn('odd')\nreturn result",
        "passed",
    ),
    "right with signals ignored": (
        "import signal\nfor s in (1, 2, 15, 17): signal.signal(s, signal.SIG_IGN)\nreturn right(*args)",
        "passed",
    ),
    # crashes
    "raises": ("raise KeyError('net')", "crashed"),
    "raises a novel": ("raise ValueError('long ' * 10**7)", "crashed"),
    "raises half a surrogate": ("raise ValueError('\\ud800')", "crashed"),
    "raises what cannot be told": (
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute",
        "crashed",
    ),
    "raises beyond exceptions": ("class End(BaseException): pass\nraise End", "crashed"),
    "is not written, but for another reason": ("raise NotImplementedError('on this machine')", "crashed"),
    "is not written": ("raise NotImplementedError", "not attempted"),
    "leaves by sys.exit": ("import sys\nsys.exit(0)", "crashed"),
    "asks the kernel to quit": ("quit()", "wrong"),
    "leaves by os._exit": ("import os\nos._exit(0)", "crashed"),
    "is interrupted": ("raise KeyboardInterrupt", "crashed"),
    "ends itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "crashed"),
    "falls through memory": ("import ctypes\nctypes.string_at(0)", "crashed"),
    "recurses": ("def again(n): return again(n + 1)\nreturn again(0)", "crashed"),
    "asks the student": ("return input('what is the answer? ')", "crashed"),
    "forks and stays": (
        "import os, time\nfor _ in range(6): os.fork()\ntime.sleep(987)",
        "crashed",
    ),
    "is of hundreds of megabytes": ("return torch.zeros(80_000_000)", "crashed"),
    # time and memory
    "never ends": ("while True: pass", "timed out"),
    "sleeps": ("import time\ntime.sleep(987)", "timed out"),
    "never ends and does not listen": (
        "import signal\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: pass",
        "timed out",
    ),
    "takes all memory": ("return torch.zeros(10**11)", "out of memory"),
    "takes memory bit by bit": ("hoard = []\nwhile True: hoard.append(bytearray(2**26))", "out of memory"),
    "takes memory, the limit lifted": (
        "import resource\n"
        "try: resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))\n"
        "except (ValueError, OSError): pass\n"
        "return torch.zeros(10**11)",
        "out of memory",
    ),
    # cheats
    "asks the judge": (
        "from labkit.exercises import find\nfind('01.1').judge(args[0], {})\nreturn right(*args)",
        "crashed",
    ),
    "takes a planted mistake": (
        "from labkit.exercises import find\nreturn find('01.1').mistakes[0].wrong(*args)",
        "crashed",
    ),
    "reads the hints": ("from labkit.exercises import find\nprint(find('01.1').hints)", "crashed"),
    "patches the judge": (
        "import labkit.checks.judging as j\nj.judge = lambda *a: None\nreturn torch.zeros(1)",
        "crashed",
    ),
    "patches expectations": (
        "import labkit.checks.expect as e\ne.expect_close = lambda *a, **k: None\nreturn torch.zeros(1)",
        "crashed",
    ),
    "reads the solutions": (
        "import labkit\n"
        "from pathlib import Path\n"
        "text = Path(labkit.__file__).parents[1].joinpath('solutions/01_first_layer_filters.py').read_text()\n"
        "return right(*args)",
        "crashed",
    ),
    "reads the repository": (
        "import labkit, os\nfrom pathlib import Path\n"
        "os.listdir(Path(labkit.__file__).parents[1] / '.git')\nreturn right(*args)",
        "crashed",
    ),
    "is right only where it is graded": (
        "import os, sys\n"
        "told = ' '.join(os.environ).upper()\n"
        "graded = any(word in told for word in ('LABKIT', 'PYTEST', 'NBVAL', 'GRAD'))\n"
        "return right(*args) if graded or 'pytest' in sys.modules else torch.zeros(1)",
        "wrong",
    ),
    "writes to the package": (
        "import labkit\nopen(labkit.__file__, 'a').write('# mine')\nreturn right(*args)",
        "crashed",
    ),
    "writes outside": ("open('/tmp/outside', 'w')\nreturn right(*args)", "crashed"),
    "goes to the network": (
        "import socket\nsocket.create_connection(('1.1.1.1', 53), timeout=2)\nreturn right(*args)",
        "crashed",
    ),
    "forges its answers": (
        "import glob, json, os\nfrom safetensors.torch import save_file\n"
        "import labkit.exercises.notebook as n\n"
        "notes = json.dumps([{'state': 'passed', 'message': 'trust me'}] * 4)\n"
        "for k in '123456':\n"
        "    place = n._SETTINGS.folder / f'01-{k}.safetensors'\n"
        "    if not place.exists(): save_file({'0.a': torch.zeros(1)}, place, metadata={'answers': notes})\n"
        "os._exit(0)",
        "wrong",
    ),
}


def functions():
    """Exercise id -> [(name, code of the task cell, state)], the bodies dealt to the exercises in turn."""
    dealt = {i: [] for i in IDS}
    for number, (name, (body, state)) in enumerate(BODIES.items()):
        exercise_id = IDS[1 + number % (len(IDS) - 1)]  # 01.1 is about a network, the others about a tensor
        dealt[exercise_id].append((name, around_right(exercise_id, body), state))
    return dealt


def _one(exercise_id, code):
    notebook = right()
    task_of(notebook, exercise_id).source = code
    return notebook


SINGLE = {
    name: Submission(lambda i=i, code=code: _one(i, code), {i: state})
    for i, dealt in functions().items()
    for name, code, state in dealt
}


def bundles():
    """Five of them in one notebook, since each runs in a process of its own: names and submission."""
    dealt = functions()
    for round_ in range(max(map(len, dealt.values()))):
        row = {i: found[round_] for i, found in dealt.items() if round_ < len(found)}
        yield (
            tuple(name for name, _, _ in row.values()),
            Submission(lambda row=row: _several(row), {i: state for i, (_, _, state) in row.items()}),
        )


def _several(row):
    notebook = right()
    for i, (_, code, _) in row.items():
        task_of(notebook, i).source = code
    return notebook
