"""Grading: every submission gets its row, the cheats get what their code deserves, the others are unaffected."""

import csv
import json
import os
import shutil
import sys

import nbformat
import pytest
import torch
from lab import function_of, mistaken, released, slim, solved, with_cell
from safetensors.torch import save_file

from labkit.checks.answer import Answer, State
from labkit.checks.answering import produce
from labkit.checks.judging import judge
from labkit.checks.storing import load, save
from labkit.errors import LabError
from labkit.exercises import exercises, find, stages
from labkit.grading import sandbox
from labkit.grading.assemble import assemble
from labkit.grading.collect import collect, students
from labkit.grading.execute import Limits, _failures
from labkit.grading.grade import grade
from labkit.grading.report import write_scores

NAME = "01_first_layer_filters.ipynb"
IDS = [exercise.id for exercise in exercises("01")]

CHEAT = """
import labkit, labkit.exercises, labkit.checks.judging, labkit.checks.expect, labkit.grading.child
labkit.check = labkit.exercises.check = check = lambda *_a, **_k: print("passed")
labkit.checks.judging.judge = labkit.checks.judging._judge_case = lambda *_a, **_k: None
labkit.checks.expect.expect_close = lambda *_a, **_k: None
def first_layer_filters(net):
    return next(net.parameters()).detach()
"""
FORGER = """
import os, json, torch
from pathlib import Path
from safetensors.torch import save_file
folder = Path(os.environ["LABKIT_ANSWERS"])
for n in range(1, 7):
    save_file({"0.filters": torch.zeros(1)}, folder / f"01-{n}.safetensors",
              metadata={"answers": json.dumps([{"state": "passed", "message": "trust me"}] * 3)})
(folder / "scores.csv").write_text("all points")
def first_layer_filters(net):
    os._exit(0)
"""


def hand_in(folder, student, notebook, name=NAME):
    (folder / student).mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / student / name)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One run over a class of all kinds: student -> exercise -> verdict, and the folder of results."""
    root = tmp_path_factory.mktemp("class")
    handout, class_, out = root / "handout", root / "class", root / "scores"
    handout.mkdir()
    nbformat.write(slim(released()), handout / NAME)
    right = slim(solved())
    hand_in(class_, "right", right)
    hand_in(class_, "untouched", slim(released()))
    unchecked = slim(solved())
    unchecked.cells = [cell for cell in unchecked.cells if not cell.id.endswith("-check")]
    hand_in(class_, "checks deleted", unchecked)
    hand_in(class_, "=cheat", with_cell(slim(released()), "01-1-task", CHEAT))
    hand_in(
        class_,
        "right but cheats",
        with_cell(right, "01-2-task", CHEAT.partition("def ")[0] + task(right, "01-2-task")),
    )
    hand_in(class_, "forger", with_cell(slim(released()), "01-1-task", FORGER))
    hand_in(
        class_,
        "syntax error",
        with_cell(right, "01-3-task", "def tile_filters(filters, columns, gap:\n    pass"),
    )
    hand_in(
        class_, "endless", with_cell(right, "01-2-task", "def scale_filters(filters):\n    while True: pass")
    )
    hand_in(
        class_,
        "exits",
        with_cell(right, "01-4-task", "import os\ndef normalize_contrast(p, e):\n    os._exit(3)"),
    )
    hand_in(
        class_, "hog", with_cell(right, "01-5-task", "def zca_whiten(p, e):\n    return torch.zeros(10**11)")
    )
    disposable = root / "disposable"
    disposable.mkdir()
    hand_in(class_, "curious", with_cell(right, "01-6-task", curious(class_, out, disposable)))
    (class_ / "empty").mkdir()
    (class_ / "empty" / NAME).write_text("")
    (class_ / "nothing").mkdir()
    limits = Limits(cell_timeout_s=40, timeout_s=300)
    rows = grade(class_, handout, out, stages=["01"], limits=limits, jobs=2)
    write_scores(rows, out / "scores.csv")
    return {row.student: {v.exercise.id: v for v in row.verdicts} for row in rows}, out


def task(notebook, cell_id):
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return cell.source


def curious(class_, out, disposable):
    """Looks for others' work, for a network and for a place to write; each success is told by a wrong answer.

    Without a sandbox all of it succeeds. So it plants a file in a disposable folder only, and of the lab, which is
    the clone, it asks whether it could.
    """
    return f"""
import os, socket, sys
from pathlib import Path
import labkit
found = []
if list(Path({str(class_)!r}).glob("*")) or list(Path({str(out)!r}).glob("*")):
    found.append("others")
if any(os.access(place, os.W_OK) for place in (Path(labkit.__file__).parent, sys.prefix, "/")):
    found.append("disk")
if {{name for _, name in socket.if_nameindex()}} - {{"lo"}}:
    found.append("network")
try:
    Path({str(disposable)!r}, "planted.py").write_text("")
except OSError:
    pass
def kmeans_round(patches, centroids):
    raise ValueError("found " + ", ".join(found))
"""


def states(verdicts):
    return [str(verdicts[exercise].state) for exercise in IDS]


def all_but(exercise, state):
    return [state if i == exercise else "passed" for i in IDS]


@pytest.mark.slow
def test_a_right_submission_passes_whole(graded):
    assert states(graded[0]["right"]) == ["passed"] * 6


@pytest.mark.slow
def test_deleted_checks_are_put_back(graded):
    assert states(graded[0]["checks deleted"]) == ["passed"] * 6


@pytest.mark.slow
def test_an_untouched_copy_is_not_attempted(graded):
    assert states(graded[0]["untouched"]) == ["not attempted"] * 6


@pytest.mark.slow
def test_a_patched_check_and_a_patched_judge_change_nothing(graded):
    cheat = graded[0]["=cheat"]
    assert states(cheat) == ["wrong", *["not attempted"] * 5]
    assert cheat["01.1"].mistake.name == "first parameter"
    assert states(graded[0]["right but cheats"]) == ["passed"] * 6


@pytest.mark.slow
def test_forged_answers_earn_nothing(graded):
    verdicts, out = graded
    assert not any(verdict.points for verdict in verdicts["forger"].values())
    assert {file.suffix for file in (out / "answers" / "forger" / "01").iterdir()} == {".safetensors"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "exercise", "state", "says"),
    [
        ("syntax error", "01.3", "crashed", "SyntaxError"),
        ("endless", "01.2", "timed out", "no answer within 20 s"),
        ("exits", "01.4", "crashed", "exit 3"),
        ("hog", "01.5", "out of memory", "can't allocate memory"),
    ],
)
def test_one_bad_exercise_costs_itself_and_no_other(graded, student, exercise, state, says):
    assert states(graded[0][student]) == all_but(exercise, state)
    assert says in graded[0][student][exercise].message


@pytest.mark.slow
def test_a_submission_reaches_nothing_else_or_the_run_says_that_it_could(graded):
    """Without a sandbox nothing is promised but that word; what the same code then finds shows that it looks."""
    verdicts, out = graded
    isolation = json.loads((out / "run.json").read_text())["isolation"]
    planted = (out.parent / "disposable" / "planted.py").exists()
    assert states(verdicts["curious"]) == all_but("01.6", "crashed")
    says = verdicts["curious"]["01.6"].message
    if isolation == "bubblewrap":
        assert says.startswith("ValueError: found \n")
        assert not planted
    else:
        assert isolation == "limits only"
        assert says.startswith("ValueError: found others")
        assert planted


def test_where_a_sandbox_is_required_there_is_one():
    if os.environ.get("LABKIT_REQUIRE_SANDBOX"):
        assert sandbox.isolation() == "bubblewrap", "bubblewrap is required here, and does not run"


@pytest.mark.slow
def test_an_empty_file_and_no_file_are_rows_too(graded):
    verdicts, out = graded
    assert states(verdicts["empty"]) == ["unreadable"] * 6
    assert states(verdicts["nothing"]) == ["not attempted"] * 6
    rows = {row["student"]: row for row in csv.DictReader((out / "scores.csv").open())}
    assert len(rows) == 13
    assert "the file is empty" in rows["empty"]["notes"]
    assert rows["nothing"]["notes"] == "no notebook"


@pytest.mark.slow
def test_scores_are_points_states_and_mistakes_and_no_formulas(graded):
    rows = {row["student"]: row for row in csv.DictReader((graded[1] / "scores.csv").open())}
    assert rows["right"]["points"] == rows["right"]["of"] == "10"
    assert rows["endless"]["points"] == "9"
    assert rows["'=cheat"]["01.1"] == "wrong: first parameter"


@pytest.mark.slow
def test_answers_are_kept_and_judged_again_alike_without_any_notebook(graded):
    verdicts, out = graded
    seed = json.loads((out / "run.json").read_text())["seed"]
    for student in ("right", "=cheat", "endless"):
        for exercise in exercises("01"):
            answers = load(out / "answers" / student / "01" / f"{exercise.slug}.safetensors")
            assert judge(exercise, answers, seed).state == verdicts[student][exercise.id].state


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 4])
def test_each_kind_of_wrong_submission_is_told_its_mistake(number, tmp_path):
    notebook, expected = slim(solved()), {}
    for exercise in exercises("01"):
        mistake = exercise.mistakes[number % len(exercise.mistakes)]
        expected[exercise.id] = mistake.name
        code = mistaken(exercise, mistake, function_of(notebook, exercise))
        notebook = with_cell(notebook, f"{exercise.slug}-task", code)
    hand_in(tmp_path / "class", "ada", notebook)
    (tmp_path / "handout").mkdir()
    nbformat.write(slim(released()), tmp_path / "handout" / NAME)
    (row,) = grade(tmp_path / "class", tmp_path / "handout", tmp_path / "out", stages=["01"])
    assert {
        verdict.exercise.id: verdict.mistake and verdict.mistake.name for verdict in row.verdicts
    } == expected


# assemble, collect, answers: without running anything -------------------------------------------------


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_assembly_takes_tasks_from_the_student_and_all_else_from_the_release():
    handed_in = solved()
    for cell in handed_in.cells:
        if not cell.id.endswith("-task"):
            cell.source = "raise SystemExit('tampered')"
    assembled = sources(assemble(released(), handed_in))
    assert not any("tampered" in code for code in assembled)
    assert any("winner = similarity.abs()" in code for code in assembled)
    assert sum(code.startswith("from labkit.grading.child import") for code in assembled) == 6


def test_assembly_keeps_added_cells_in_their_place_and_survives_lost_ids():
    handed_in = solved()
    place = next(i for i, cell in enumerate(handed_in.cells) if cell.id == "01-2-task")
    handed_in.cells.insert(place, nbformat.v4.new_code_cell("helper = 1"))
    for number, cell in enumerate(handed_in.cells):
        cell.id = f"other-{number}"
    codes = sources(assemble(released(), handed_in))
    helper = codes.index("helper = 1")
    assert any("def scale_filters" in code for code in codes[helper:])
    assert any("def first_layer_filters" in code for code in codes[:helper])


def test_assembly_strips_nbvals_markers_from_students_cells_only():
    handed_in = with_cell(
        solved(), "01-1-task", "# NBVAL_SKIP\n#NBVAL_RAISES_EXCEPTION\nx = 1  # PYTEST_VALIDATE_IGNORE_OUTPUT"
    )
    codes = sources(assemble(released(), handed_in))
    assert not any("NBVAL_" in code or "PYTEST_VALIDATE" in code for code in codes)
    assert "#\n#\nx = 1  #" in codes


def test_a_deleted_task_stays_deleted_and_a_copied_one_counts_once():
    handed_in = solved()
    copied = next(cell for cell in handed_in.cells if cell.id == "01-3-task").copy()
    copied.id = "copied"
    handed_in.cells = [c for c in handed_in.cells if c.id != "01-2-task"] + [copied]
    assembled = assemble(released(), handed_in)
    named = [cell.metadata["labkit"] for cell in assembled.cells if "labkit" in cell.metadata]
    assert "01-2-task" not in named
    assert named.count("01-3-task") == 1


def test_students_notebooks_are_found_by_what_is_in_them(tmp_path):
    hand_in(tmp_path, "ada", solved(), "my homework (final) é.ipynb")
    hand_in(tmp_path / "ben", "01", released())  # nbgrader's STUDENT/ASSIGNMENT/
    hand_in(tmp_path / "ben", ".ipynb_checkpoints", solved())
    (tmp_path / ".git").mkdir()
    (tmp_path / "cem").mkdir()
    (tmp_path / "cem" / "01 broken.ipynb").write_text('{"cells": [')
    found = {submission.student: submission for submission in collect(tmp_path, ["01"])}
    assert students(tmp_path) == ("ada", "ben", "cem")
    assert found["ada"].stage == found["ben"].stage == "01"
    assert "raise NotImplementedError" in str(found["ben"].notebook)
    assert found["cem"].notebook is None
    assert found["cem"].trouble
    assert collect(tmp_path, ["02"]) == []


def test_a_folder_without_students_is_one_sentence(tmp_path):
    with pytest.raises(LabError, match=r"no student in .* expected one folder a student"):
        collect(tmp_path, ["01"])
    with pytest.raises(LabError, match="no folder"):
        collect(tmp_path / "nowhere", ["01"])
    hand_in(tmp_path, "ada", released())
    with pytest.raises(LabError, match="expected one released notebook"):
        grade(tmp_path, tmp_path / "nowhere", tmp_path / "out", stages=["01"])


def test_answers_survive_the_file(tmp_path):
    answers = [Answer({"a": torch.rand(2, 3)}), Answer(state=State.CRASHED, message="oh <no>")]
    save(answers, tmp_path / "x.safetensors")
    first, second = load(tmp_path / "x.safetensors")
    assert torch.equal(first.tensors["a"], answers[0].tensors["a"])
    assert (second.state, second.message) == (State.CRASHED, "oh <no>")


@pytest.mark.parametrize(
    "notes",
    [
        None,
        "no json",
        "{}",
        "[1]",
        "[[]]",
        '[{"state": "magnificent", "message": ""}]',
        '[{"state": null}]',
        "[" * 9999,
    ],
)
def test_forged_files_are_refused_or_worthless(tmp_path, notes):
    save_file({"0.a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata=notes and {"answers": notes})
    try:
        answers = load(tmp_path / "x.safetensors")
    except LabError:
        return
    assert not judge(find("01.1"), answers, 1).passed


def test_answers_that_are_no_file_of_ours_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    for content in (b"", b"\x80\x04pickle", b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(LabError, match="cannot be read"):
            load(path)


def test_a_state_passed_in_the_file_is_not_believed(tmp_path):
    exercise = find("01.1")
    save([Answer(state=State.PASSED, message="trust me")] * 3, tmp_path / "x.safetensors")
    assert not judge(exercise, load(tmp_path / "x.safetensors"), 1).passed


def test_right_answers_to_other_questions_do_not_pass():
    exercise = find("01.1")
    from labkit.methods.filters import first_convolution

    answers = produce(exercise, first_convolution, exercise.draw_cases(1))
    assert judge(exercise, answers, 1).passed
    assert not judge(exercise, answers, 2).passed
    assert not judge(exercise, answers[:2], 1).passed


ODD = [
    torch.zeros(0),
    torch.tensor(True),
    torch.zeros(2, 2, dtype=torch.complex64),
    torch.zeros(2, 2, dtype=torch.int64),
    torch.zeros(2, 2, dtype=torch.float8_e4m3fn),
]


@pytest.mark.parametrize("exercise", [e for s in stages() for e in exercises(s)], ids=lambda e: e.id)
def test_answers_of_odd_kinds_never_pass_and_never_stop_the_judge(exercise):
    """A dtype that torch does not compute with would otherwise end the grading of a whole class."""
    answers = produce(exercise, exercise.mistakes[0].wrong, exercise.draw_cases(1))
    for odd in ODD:
        swapped = [Answer(dict.fromkeys(answer.tensors, odd)) for answer in answers]
        assert judge(exercise, swapped, 1).state in (State.WRONG, State.TO_BE_LOOKED_AT)
        cast = [Answer({name: t.to(odd.dtype) for name, t in a.tensors.items()}) for a in answers]
        assert not judge(exercise, cast, 1).passed


def test_links_to_nowhere_and_folders_among_the_notebooks_are_rows_too(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "01_a.ipynb").symlink_to(tmp_path / "nowhere.ipynb")
    (tmp_path / "ben" / "01_b.ipynb").mkdir(parents=True)
    found = {submission.student: submission for submission in collect(tmp_path, ["01"])}
    assert found["ada"].notebook is None
    assert "a link" in found["ada"].trouble
    assert found["ben"].notebook is None


needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@needs_pipes
def test_a_pipe_in_place_of_the_report_is_no_report(tmp_path):
    os.mkfifo(tmp_path / "report.xml")  # who opens it waits for ever
    assert _failures(tmp_path / "report.xml", nbformat.v4.new_notebook()) is None


@needs_pipes
def test_a_pipe_in_place_of_the_output_does_not_hold_the_grader(tmp_path):
    script = "import os; print('said', flush=True); os.remove('output.txt'); os.mkfifo('output.txt')"
    ended = sandbox.run([sys.executable, "-c", script], tmp_path, timeout_s=60, environment={})
    assert (ended.returncode, ended.output) == (0, "said\n")


@pytest.mark.skipif(shutil.which("sleep") is None, reason="needs sleep(1)")
def test_a_command_out_of_time_is_ended_with_all_that_it_started(tmp_path):
    import psutil

    script = (
        "import subprocess, time; subprocess.Popen(['sleep', '987'], start_new_session=True); time.sleep(60)"
    )
    ended = sandbox.run([sys.executable, "-c", script], tmp_path, timeout_s=2, environment={})
    assert ended.returncode is None
    assert not any(p.info["cmdline"] == ["sleep", "987"] for p in psutil.process_iter(["cmdline"]))
