"""Executing: what a student's code can see and do, which cells are run, and what every kind of submission comes to."""

import errno
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from lab import ROOT, released, solved, with_cell
from submissions import SUBMISSIONS, runs
from submissions.base import handout, right, with_added, with_task
from submissions.editors import SINGLE as EDITED
from submissions.grading import graded

import labkit.exercises
from labkit.errors import LabError
from labkit.exercises import exercises, stages
from labkit.grading.executing import Limits, execute, package_fingerprint, student_side
from labkit.grading.executing import sandbox as sandboxes
from labkit.grading.executing.assembling import assemble
from labkit.grading.executing.cells import Piece
from labkit.grading.executing.needs import needed
from labkit.grading.executing.places import around
from labkit.grading.executing.scratch import take_answers

SOURCES = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))
EXERCISES = [exercise for stage in stages() for exercise in exercises(stage)]


@pytest.fixture(scope="session")
def view(tmp_path_factory):
    return student_side(tmp_path_factory.mktemp("view"))


# the student's side of the lab -----------------------------------------------------------------------


ALONE = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'Editable' not in repr(f)]\n"


def in_view(view, script, *arguments):
    """Run a script with the student's side in the lab's place, and no other; returns what it printed."""
    environment = os.environ | {"PYTHONPATH": str(view), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ALONE + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=view)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_on_the_students_side_there_is_no_judge_no_mistake_no_hint_and_no_lesson(view):
    judged = [*(view / "labkit" / "checks").rglob("*.py"), *(view / "labkit" / "exercises").rglob("*.py")]
    text = "\n".join(path.read_text() for path in judged)
    told = [hint for exercise in EXERCISES for hint in exercise.hints]
    told += [mistake.lesson for exercise in EXERCISES for mistake in exercise.mistakes]
    told += [exercise.judge.__name__ for exercise in EXERCISES if exercise.judge.__name__ != "<lambda>"]
    assert [words for words in told if words in text or repr(words)[1:-1] in text] == []
    assert "Mistake" not in text
    left_out = ("grading", "authoring", "commands", "cli.py", "checks/judging.py", "checks/expect.py")
    assert not [name for name in left_out if (view / "labkit" / name).exists()]


def test_on_the_students_side_judging_cannot_be_imported(view):
    script = """
import importlib, labkit.exercises
from labkit.exercises import find
print(labkit.__file__)
for name in ("checks.judging", "checks.expect", "checks.diagnosing", "grading", "authoring", "cli"):
    try:
        importlib.import_module(f"labkit.{name}")
        print("there is", name)
    except ModuleNotFoundError:
        pass
print([field for field in ("judge", "mistakes", "hints") if hasattr(find("01.1"), field)])
"""
    assert in_view(view, script).splitlines() == [str(view / "labkit" / "__init__.py"), "[]"]


def test_all_that_notebooks_ask_of_the_exercises_is_there(view):
    script = "import labkit.exercises as e; print(*(name for name in dir(e) if not name.startswith('_')))"
    assert {*labkit.exercises.__all__} <= {*in_view(view, script).split()}


SAME = """
import ast, hashlib, json, sys
from pathlib import Path
import torch
from labkit.checks.answering import produce
from labkit.checks.parts import parts
from labkit.checks.storing import save
from labkit.exercises import find

def facts(value):
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, torch.nn.Module):
        return [str(value), [facts(t) for t in value.state_dict().values()]]
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    found = [(name, facts(part)) for name, part in parts(value)]
    return found or (repr(value) if isinstance(value, (int, float, str)) else type(value).__name__)

torch.set_num_threads(1)
for number, (imports, tasks) in enumerate(json.loads(Path(sys.argv[1]).read_text())):
    for exercise_id, (code, function) in tasks.items():
        names = {}
        exec(imports, names)
        exec(code, names)
        exercise = find(exercise_id)
        print(exercise_id, hashlib.sha256(repr(facts(exercise.draw_cases(7))).encode()).hexdigest())
        save(produce(exercise, names[function], exercise.draw_cases(7)), Path(sys.argv[2], exercise_id))
"""


def test_on_the_students_side_cases_and_answers_are_the_same(view, tmp_path):
    stages_ = []
    for path in SOURCES:
        notebook = solved(path)
        assembled = assemble(released(path), notebook)
        setup = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
        imports = "\n".join(line for line in setup.splitlines() if line.startswith(("import ", "from ")))
        functions = {i: check.partition(",")[2].strip(" )\n") for i, check in assembled.checks.items()}
        stages_.append((imports, {i: (code, functions[i]) for i, code in assembled.code.items()}))
    assert sum(len(tasks) for _, tasks in stages_) == len(EXERCISES)
    (tmp_path / "stages.json").write_text(json.dumps(stages_))
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    ours = in_view(ROOT, SAME, tmp_path / "stages.json", tmp_path / "ours")
    theirs = in_view(view, SAME, tmp_path / "stages.json", tmp_path / "theirs")
    assert ours == theirs
    for exercise in EXERCISES:
        assert (tmp_path / "ours" / exercise.id).read_bytes() == (
            tmp_path / "theirs" / exercise.id
        ).read_bytes()


# which cells are run ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_of_a_right_notebook_only_set_up_tasks_and_checks_are_run(path):
    assembled = assemble(released(path), solved(path))
    assert (assembled.flags, assembled.notes) == ([], [])
    pieces = needed(assembled.pieces)
    roles = [piece.role for piece in pieces]
    assert roles.count("task") == roles.count("check") == len(exercises(path.stem[:2]))
    assert roles.count("released") <= 3 < [piece.role for piece in assembled.pieces].count("released")


def kept(*sources, student="check_me()"):
    pieces = [Piece("import torch", "released"), *(Piece(source, "released") for source in sources)]
    return [p.source for p in needed([*pieces, Piece(student, "task")]) if p.role == "released"][1:]


def test_a_released_cell_is_run_where_a_student_uses_what_it_makes():
    assert kept("a = f(1)", "b = f(2)", "show(3)", student="a + 1") == ["a = f(1)"]
    assert kept("a = f(1)", "b = a.mean()", student="def g(): return b") == ["a = f(1)", "b = a.mean()"]
    assert kept("a = f(1)", "a.clamp_(0)", student="a") == ["a = f(1)", "a.clamp_(0)"]
    assert kept("a = f(1)", "a[0] = 1", "a.b.c = 2", student="a") == ["a = f(1)", "a[0] = 1", "a.b.c = 2"]
    assert kept("n = f()", "for p in n.parameters():\n    p.grad = None", student="n")[1:] != []
    assert kept("a = f(1)", student="%timeit a") == ["a = f(1)"]
    assert kept("a = f(1)", student="%%time\nx = a") == ["a = f(1)"]
    assert kept("a = f(1)", student="!echo {a}") == ["a = f(1)"]


def test_names_of_a_function_s_own_keep_no_cell():
    assert kept("a = f(1)", student="def g(a):\n    b = a\n    return [a for a in b]") == []


def test_what_cannot_be_read_keeps_every_cell():
    both = ["a = f(1)", "show(a)"]
    assert kept(*both, student="this is no Python (") == both
    assert kept(*both, student="exec('a')") == both
    assert kept(*both, student="globals()['a']") == both
    assert kept("%%javascript\nalert()", student="1") == []
    assert kept("from torch import *", "def helper(): pass", "LIMIT = 3", student="1") == [
        "from torch import *",
        "def helper(): pass",
        "LIMIT = 3",
    ]


# putting a student's cells in ------------------------------------------------------------------------


def sources(assembled):
    return [piece.source for piece in assembled.pieces]


def names(assembled):
    return [name for piece in assembled.pieces for name in piece.names]


def test_tasks_come_from_the_student_and_all_else_from_the_release():
    handed_in = solved()
    for cell in handed_in.cells:
        if not cell.id.endswith("-task"):
            cell.source = "raise SystemExit('tampered')"
    assembled = assemble(released(), handed_in)
    assert not any("tampered" in code for code in sources(assembled))
    assert any("winner = similarity.abs()" in code for code in sources(assembled))
    code = [cell.source for cell in released().cells if cell.cell_type == "code" and "-task" not in cell.id]
    assert [piece.source for piece in assembled.pieces if piece.role in ("released", "check")] == code
    assert "run as well" not in str(assembled.notes)
    assert "not run: raise SystemExit" in str(assembled.notes)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lost_ids_and_marks_change_nothing(path):
    handed_in = solved(path)
    for number, cell in enumerate(handed_in.cells):
        cell.id, cell.metadata = f"other-{number}", {}
    assembled = assemble(released(path), handed_in)
    assert assembled.pieces == assemble(released(path), solved(path)).pieces
    assert assembled.flags == []


def test_added_cells_keep_their_place_whatever_has_become_of_the_ids():
    handed_in = solved()
    place = next(i for i, cell in enumerate(handed_in.cells) if cell.id == "01-2-task")
    handed_in.cells.insert(place, nbformat.v4.new_code_cell("helper = 1"))
    for number, cell in enumerate(handed_in.cells):
        cell.id = f"other-{number}"
    codes = sources(assemble(released(), handed_in))
    helper = codes.index("helper = 1")
    assert any("def scale_filters" in code for code in codes[helper:])
    assert any("def first_layer_filters" in code for code in codes[:helper])


def test_nbvals_markers_lose_their_power_in_students_cells():
    code = "# NBVAL_SKIP\n#NBVAL_RAISES_EXCEPTION\nx = 1  # PYTEST_VALIDATE_IGNORE_OUTPUT"
    codes = sources(assemble(released(), with_cell(solved(), "01-1-task", code)))
    assert not any("NBVAL_" in code or "PYTEST_VALIDATE" in code for code in codes)
    assert "#\n#\nx = 1  #" in codes


def test_a_deleted_task_stays_deleted_and_a_copied_one_counts_once():
    handed_in = solved()
    copied = next(cell for cell in handed_in.cells if cell.id == "01-3-task").copy()
    copied.id = "copied"
    handed_in.cells = [c for c in handed_in.cells if c.id != "01-2-task"] + [copied]
    assembled = assemble(released(), handed_in)
    assert "01-2-task" not in names(assembled)
    assert names(assembled).count("01-3-task") == 1
    assert assembled.flags == ["01.2: its cell was deleted"]


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("a task merged with its check", "01.2: the cell was merged with a check"),
        ("two tasks merged", "01.2, 01.3: their cells were merged"),
        ("a cell split", "01.2: its cell was split"),
        ("the solution elsewhere", "01.2: found in another cell than its own"),
        ("tasks deleted", "01.3: its cell was deleted"),
        ("many added cells", "2000 cells were added; 1500 of them were not run"),
    ],
)
def test_merged_split_and_lost_cells_are_said(kind, flag):
    assert flag in assemble(handout(), EDITED[kind].build()).flags


def test_an_import_in_a_released_cell_is_run_and_said_and_another_statement_is_said():
    assembled = assemble(handout(), EDITED["an import in a released cell"].build())
    assert assembled.pieces[1].source.startswith("import math\ndef half()")
    assert "run as well: import math" in assembled.notes[0]
    assembled = assemble(handout(), EDITED["a statement in a released cell"].build())
    assert not any("SystemExit" in source for source in sources(assembled))
    assert "not run: raise SystemExit" in assembled.notes[0]


def test_checks_are_the_very_cells_of_the_release():
    assembled = assemble(released(), solved())
    checks = {cell.source for cell in released().cells if cell.id.endswith("-check")}
    assert {piece.source for piece in assembled.pieces if piece.role == "check"} == checks


# what is left behind -----------------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path):
    """A folder as a submission leaves it, with one good answer file."""
    (tmp_path / "run" / "answers").mkdir(parents=True)
    (tmp_path / "run" / "answers" / "01-1.safetensors").write_bytes(b"good")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "01-2.safetensors").write_bytes(b"a friend's")
    return tmp_path


def taken(left):
    return take_answers(left / "run", ["01-1", "01-2"], left / "out")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder", "huge", "none"])
def test_only_regular_answer_files_are_taken(left, kind):
    file, friend = left / "run" / "answers" / "01-2.safetensors", left / "secret" / "01-2.safetensors"
    if kind == "link":
        file.symlink_to(friend)
    elif kind == "hard link":
        file.hardlink_to(friend)
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "huge":
        file.touch()
        os.truncate(file, 2**33)
    assert taken(left) == {"01-1"}
    assert [path.name for path in (left / "out").iterdir()] == ["01-1.safetensors"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["link", "pipe", "file", "none"])
def test_a_folder_of_answers_that_is_none_gives_none(left, kind):
    folder = left / "run" / "answers"
    shutil.rmtree(folder)
    if kind == "link":
        folder.symlink_to(left / "secret")
    elif kind == "pipe":
        os.mkfifo(folder)
    elif kind == "file":
        folder.touch()
    assert taken(left) == set()


def test_a_full_disk_is_a_sentence(view, tmp_path, monkeypatch):
    def full(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("labkit.grading.executing.scratch.fill", full)
    with pytest.raises(LabError, match="the disk is full; make room and start again"):
        execute(handout(), right(), tmp_path / "answers", seed=1, view=view)


def test_with_little_room_left_nothing_is_begun(view, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _place: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(LabError, match="is full"):
        execute(handout(), right(), tmp_path / "answers", seed=1, view=view)


def test_a_change_in_the_package_changes_its_fingerprint(tmp_path):
    (tmp_path / "module.py").write_text("x = 1\n")
    before = package_fingerprint(tmp_path)
    assert package_fingerprint(tmp_path) == before
    compiled = next((tmp_path / "__pycache__").iterdir())
    good = compiled.read_bytes()
    compiled.write_bytes(good[:-1] + b"!")
    assert package_fingerprint(tmp_path) != before
    compiled.write_bytes(good)
    assert package_fingerprint(tmp_path) == before
    (tmp_path / "more.py").write_text("")
    assert package_fingerprint(tmp_path) != before


# sandboxes ---------------------------------------------------------------------------------------------

KINDS = [kind for kind in ("bubblewrap", "landlock") if not sandboxes.why_not(kind)]


def run(command, folder, **named):
    return sandboxes.run(command, folder, limits=Limits(timeout_s=60), **{"view": None} | named)


def test_where_a_sandbox_is_required_there_is_one():
    if os.environ.get("LABKIT_REQUIRE_SANDBOX"):
        assert sandboxes.isolation() == "bubblewrap", sandboxes.why_not("bubblewrap")


LOOKS = """
import os, socket, sys
from pathlib import Path
found = []
for place in sys.argv[1:]:
    try:
        os.listdir(place) if os.path.isdir(place) else open(place).close()
        found.append(f"read {place}")
    except OSError:
        pass
for place in ("/", "/tmp", "/usr", sys.prefix, "/dev/shm", str(Path.home().parent)):
    try:
        Path(place, "planted").touch()
        Path(place, "planted").unlink()
        found.append(f"written {place}")
    except OSError:
        pass
listener = socket.socket()
try:
    socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=2)
    found.append("network")
except OSError:
    pass
try:
    os.kill(int(os.environ["GRADER"]), 0)
    found.append("signals")
except OSError:
    pass
Path("here").touch()
print(found)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_sandbox_there_is_nothing_of_the_class_the_clone_or_the_home(kind, tmp_path):
    import socket

    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    places = [tmp_path / "class", ROOT / "solutions", ROOT / ".git", ROOT / "tests" / "lab.py"]
    places += [ROOT / "labkit" / "grading" / "__init__.py", Path.home() / ".bashrc", Path.home() / ".ssh"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment = {"PORT": str(server.getsockname()[1]), "GRADER": str(os.getpid())}
        command = [sys.executable, "-c", LOOKS, *map(str, places)]
        ended = run(command, tmp_path / "run", kind=kind, environment=environment)
    assert (ended.returncode, ended.output.strip()) == (0, "[]")
    assert (tmp_path / "run" / "here").exists()


def test_the_same_code_outside_of_a_sandbox_finds_all_of_it(tmp_path):
    command = [sys.executable, "-c", LOOKS.replace(', "/", "/tmp", "/usr"', ""), str(ROOT / "solutions")]
    environment = {"PORT": "1", "GRADER": str(os.getpid())}
    ended = run(command, tmp_path, kind="limits only", environment=environment)
    assert f"read {ROOT / 'solutions'}" in ended.output
    assert "signals" in ended.output


@pytest.mark.parametrize("kind", [*KINDS, "limits only"])
def test_a_command_out_of_time_is_ended_with_all_that_it_started(kind, tmp_path):
    script = (
        "import os, subprocess, time\n"
        "subprocess.Popen(['sleep', '983'], start_new_session=True)\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    if not os.fork(): os.execlp('sleep', 'sleep', '984')\n"
        "    os._exit(0)\n"
        "time.sleep(60)"
    )
    limits = Limits(timeout_s=2)
    ended = sandboxes.run([sys.executable, "-c", script], tmp_path, limits=limits, view=None, kind=kind)
    assert (ended.returncode, ended.trouble) == (None, "more than 2 s")
    assert not any(
        p.info["cmdline"] in (["sleep", "983"], ["sleep", "984"]) for p in psutil.process_iter(["cmdline"])
    )


@pytest.mark.parametrize("kind", [*KINDS, "limits only"])
def test_a_command_that_ends_leaves_nothing_running(kind, tmp_path):
    script = "import subprocess; subprocess.Popen(['sleep', '985'], start_new_session=True)"
    assert run([sys.executable, "-c", script], tmp_path, kind=kind).returncode == 0
    assert not any(p.info["cmdline"] == ["sleep", "985"] for p in psutil.process_iter(["cmdline"]))


@pytest.mark.parametrize(
    ("script", "limits", "trouble"),
    [
        (
            "import os, time\nfor _ in range(5): os.fork()\ntime.sleep(60)",
            {"processes": 16},
            "more than 16 processes",
        ),
        ("x = open('a', 'wb')\nwhile True: x.write(bytes(2**20)); x.flush()", {"files_mb": 20}, "20 MB"),
        ("for n in range(30000): open(str(n), 'w')\nimport time; time.sleep(60)", {}, "20000 files"),
    ],
)
def test_what_takes_too_much_is_ended_or_refused(script, limits, trouble, tmp_path):
    ended = sandboxes.run(
        [sys.executable, "-c", script], tmp_path, limits=Limits(timeout_s=60, **limits), view=None
    )
    assert trouble in ended.trouble or "File too large" in ended.output


def test_output_is_read_to_a_bound(tmp_path):
    ended = run([sys.executable, "-c", "print('x' * 10**7)"], tmp_path)
    assert len(ended.output) == sandboxes.MOST_OUTPUT


def test_a_folder_without_some_places_is_given_away_in_parts(tmp_path):
    for name in ("a/b/secret", "a/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    whole, names_only = around(tmp_path, [tmp_path / "a" / "b" / "secret"])
    assert whole == [tmp_path / "a" / "c", tmp_path / "d"]
    assert names_only == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert around(tmp_path / "d", [tmp_path / "a"]) == ([tmp_path / "d"], [])


# submissions -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(view):
    """Every submission's states, and what came of running it; two at a time."""
    before = package_fingerprint()

    def one(run_):
        found = graded(run_[1], view)
        return dict.fromkeys(run_[0], found)

    with ThreadPoolExecutor(2) as pool:
        found = {name: result for part in pool.map(one, runs()) for name, result in part.items()}
    return found, before


def test_there_are_enough_of_them():
    assert len(SUBMISSIONS) >= 80


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_every_submission_gets_what_it_deserves(results, name):
    states, executed = results[0][name]
    deserved = next(submission.states for names_, submission in runs() if name in names_)
    assert states == deserved, executed


@pytest.mark.slow
def test_none_of_them_left_anything_running_or_changed_the_package(results):
    assert not any(
        (p.info["cmdline"] or [""])[0] == "sleep" and p.info["cmdline"][-1] in ("986", "987")
        for p in psutil.process_iter(["cmdline"])
    )
    assert package_fingerprint() == results[1]
    assert not Path("/tmp/outside").exists()
    assert not Path("/tmp/pickled").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("quit", "ended the kernel: “quit()”"),
        ("an endless loop", "did not come to an end: “while True: pass”"),
        ("one long call into C", "did not come to an end"),
        ("too many processes", "processes"),
    ],
)
def test_a_cell_that_was_left_out_is_said(results, name, said):
    assert any(said in flag for flag in results[0][name][1].flags)


@pytest.mark.slow
def test_with_landlock_alone_a_right_and_a_hostile_submission_get_what_they_deserve(view, monkeypatch):
    if "landlock" not in KINDS:
        pytest.skip(sandboxes.why_not("landlock"))
    monkeypatch.setattr(sandboxes, "isolation", lambda: "landlock")
    chosen = [run_ for run_ in runs() if {"reads the solutions", "writes outside"} & {*run_[0]}]
    for _, submission in chosen:
        assert graded(submission, view)[0] == submission.states


@pytest.mark.slow
def test_where_a_needed_name_is_found_too_late_all_cells_are_run(view, tmp_path):
    """`globals()` hides behind getattr here, so that no tree shows it."""
    code = "def scale_filters(filters):\n    return getattr(__builtins__, 'eval', None) and later + filters"
    notebook = with_task("01.2", "raise NameError(\"name 'later' is not defined\")\n" + code)
    handed_out = handout()
    handed_out.cells.insert(1, nbformat.v4.new_code_cell("later = sum([1])"))
    executed = execute(handed_out, notebook, tmp_path / "answers", seed=1, view=view)
    assert "NameError" in executed.failures["01-2-task"]
    assert len(list((tmp_path / "answers").iterdir())) == 5


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["02", "05"])
def test_right_solutions_pass_with_the_needed_cells_only(view, tmp_path, stage):
    from labkit.checks.judging import all_right
    from labkit.checks.storing import load

    path = next(path for path in SOURCES if path.stem.startswith(stage))
    executed = execute(released(path), solved(path), tmp_path, seed=11, view=view)
    assert executed.failures == {}
    for exercise in exercises(stage):
        assert all_right(exercise, load(tmp_path / f"{exercise.slug}.safetensors"), 11)


@pytest.mark.slow
def test_memory_of_a_cell_is_bounded_as_that_of_a_check(view, tmp_path):
    notebook = with_added("hoard = []\nwhile True: hoard.append(bytearray(2**27))")
    limits = Limits(cell_timeout_s=40, memory_mb=2048)
    executed = execute(handout(), notebook, tmp_path, seed=1, view=view, limits=limits)
    assert executed.memory_mb < 2 * 2048
    assert len(list(tmp_path.iterdir())) == 6
