"""A run of grading as a folder: stopped anywhere and gone on with, never touched once finished, judged again."""

import errno
import hashlib
import io
import json
import os
import random
import subprocess
import sys
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import layouts
import nbformat
import pytest
from lab import released, slim, with_cell
from PIL import Image

from labkit import cli
from labkit.checks.answer import State
from labkit.checks.answering import produce
from labkit.checks.storing import save
from labkit.commands.grading_options import report
from labkit.errors import LabError
from labkit.exercises import exercises, find
from labkit.grading.collecting import collect
from labkit.grading.conduct import Plan, conduct, run_for
from labkit.grading.course import Course, read_course
from labkit.grading.overrides import Override, read_overrides
from labkit.grading.records import Collected, HandedIn, Outcome, Picture, Result, Student
from labkit.grading.regrading import class_list, regrade
from labkit.grading.reporting import write_reports
from labkit.grading.runs import all_runs, open_run
from labkit.grading.scoring import score
from labkit.grading.unit import Graded, same_for_all
from labkit.methods import filters

IDS = tuple(exercise.id for exercise in exercises("01"))
NAMES = ("ada", "Ben [late]", "çağ", "../dan", "eve")


@pytest.fixture(scope="module")
def handout():
    return slim(released())


@pytest.fixture
def collected():
    students = tuple(Student(name) for name in NAMES)
    handed_in = tuple(
        HandedIn(name, "01", f"{name}/01.ipynb", f"{number:064}", nbformat.v4.new_notebook())
        for number, name in enumerate(NAMES)
    )
    return Collected("one folder per student", students, handed_in)


@pytest.fixture
def plan(tmp_path, handout):
    return Plan(tmp_path / "class", IDS, (), {"01": handout})


class Workers:
    """In place of those that run notebooks: as many exercises pass as the student's place says."""

    def __init__(self, *, most=99, trouble=None):
        self.asked, self.units, self.most, self.trouble = [], [], most, trouble or {}

    def __call__(self, units):
        for number, unit in enumerate(units):
            if number == self.most:
                raise KeyboardInterrupt
            self.asked.append(unit.handed_in.student)
            self.units.append(unit)
            yield unit, self.trouble.get(unit.handed_in.student) or self.graded(unit)

    def graded(self, unit):
        passed = NAMES.index(unit.handed_in.student)
        states = [State.PASSED] * passed + [State.WRONG] * len(IDS)
        outcomes = tuple(Outcome(id_, state) for id_, state in zip(IDS, states, strict=False))
        return Graded(
            replace(same_for_all(unit, State.WRONG), outcomes=outcomes), {"01-1.safetensors": b"x" * passed}
        )


def contents(folder):
    return {
        file.relative_to(folder): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_run_keeps_a_result_and_the_answers_of_each_submission_in_its_own_folder(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    results = conduct(run, plan, collected, Workers())
    assert open_run(run.folder).finished
    assert [(r.student, sum(o.state == "passed" for o in r.outcomes)) for r in results] == sorted(
        (name, number) for number, name in enumerate(NAMES)
    )
    for student in collected.students:
        assert run.result(student, "01").student == student.key
    assert (run.answers(Student("eve"), "01") / "01-1.safetensors").read_bytes() == b"xxxx"
    inside = (tmp_path / "scores").resolve()
    assert all(inside in file.resolve().parents for file in tmp_path.rglob("*.json"))  # "../dan" stays inside
    assert not list(tmp_path.rglob("*.partial"))


def test_why_each_was_started_anew_is_said_in_the_terminal_and_on_the_page(tmp_path, plan, collected, capsys):
    run = run_for(plan, collected, tmp_path / "scores")
    results = conduct(run, plan, collected, Workers())
    for cold in ("", "setns: Operation not permitted"):
        told = [replace(result, cold=cold) for result in results]
        report(run, collected.students, told, course_toml=None, overrides=tmp_path / "none.csv", forbid=False)
        said = "anew, which takes longer: setns: Operation not permitted"
        assert (said in capsys.readouterr().out.replace("\n", " ")) == bool(cold)
        assert ("setns: Operation not permitted" in (run.folder / "class.html").read_text()) == bool(cold)


@pytest.mark.parametrize("most", range(len(NAMES)))
def test_stopped_anywhere_it_goes_on_and_does_nothing_twice(tmp_path, plan, collected, most):
    run = run_for(plan, collected, tmp_path / "scores")
    with pytest.raises(KeyboardInterrupt):
        conduct(run, plan, collected, Workers(most=most))
    (run.folder / ".01.json-x.partial").write_text("{")  # as one that is killed leaves it
    again = run_for(plan, collected, tmp_path / "scores")
    assert (again.folder, again.seed) == (run.folder, run.seed)
    workers = Workers()
    results = conduct(again, plan, collected, workers)
    assert workers.asked == list(NAMES[most:])
    assert not list(run.folder.rglob("*.partial"))
    whole = conduct(run_for(plan, collected, tmp_path / "other"), plan, collected, Workers())
    assert [asdict(result) for result in results] == [asdict(result) for result in whole]


def test_what_a_notebook_showed_is_kept_beside_what_has_not_passed(tmp_path, plan, collected):
    Image.new("RGB", (30, 30)).save(out := io.BytesIO(), "PNG")
    shown = tuple(Picture(id_, out.getvalue(), f"shows {id_}") for id_ in IDS[:3])
    collected = replace(
        collected, handed_in=tuple(replace(one, pictures=shown) for one in collected.handed_in)
    )
    workers = Workers()
    run = run_for(plan, collected, tmp_path / "scores")
    conduct(run, plan, collected, workers)
    for passed, student in enumerate(collected.students):
        found = [(o.exercise, o.figure_shows) for o in run.result(student, "01").outcomes if o.figure]
        assert found == [(id_, f"shows {id_}") for id_ in IDS[passed:3]]
    assert not any(unit.handed_in.pictures for unit in workers.units)
    judged = regrade(run, tmp_path / "scores")[1]
    assert {r.student: [o.figure for o in r.outcomes] for r in judged} == {
        s.key: [o.figure for o in run.result(s, "01").outcomes] for s in collected.students
    }


def test_a_finished_run_is_never_touched(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    conduct(run, plan, collected, Workers())
    before = contents(run.folder)
    second = run_for(plan, collected, tmp_path / "scores")
    assert second.folder != run.folder
    assert second.seed != run.seed
    conduct(second, plan, collected, Workers())
    assert contents(run.folder) == before


@pytest.mark.parametrize("change", ["students", "exercises", "class", "release"])
def test_another_question_is_another_run(tmp_path, plan, collected, change, handout):
    first = run_for(plan, collected, tmp_path / "scores")
    other = with_cell(handout, "01-1-task", "def first_layer_filters(net): ...")
    changed = {
        "students": replace(plan, students=("ada",)),
        "exercises": replace(plan, exercises=IDS[:2]),
        "class": replace(plan, place=tmp_path / "another class"),
        "release": replace(plan, released={"01": other}),
    }[change]
    assert run_for(changed, collected, tmp_path / "scores").folder != first.folder
    assert run_for(plan, collected, tmp_path / "scores").folder == first.folder


def test_what_was_handed_in_anew_is_graded_anew_and_nothing_else(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    with pytest.raises(KeyboardInterrupt):
        conduct(run, plan, collected, Workers(most=4))
    newer = replace(collected.handed_in[1], sha256="f" * 64)
    collected = replace(collected, handed_in=(collected.handed_in[0], newer, *collected.handed_in[2:]))
    workers = Workers()
    conduct(run_for(plan, collected, tmp_path / "scores"), plan, collected, workers)
    assert workers.asked == [NAMES[1], NAMES[4]]


@pytest.mark.parametrize(
    "content", [b"", b'{"student": "ada"', b"[]", b"\xff\xfe", b'{"outcomes": [{"state": "grand"}]}']
)
def test_a_result_that_is_not_whole_is_done_again(tmp_path, plan, collected, content):
    run = run_for(plan, collected, tmp_path / "scores")
    with pytest.raises(KeyboardInterrupt):
        conduct(run, plan, collected, Workers(most=4))
    next((run.folder / "results" / "ada").iterdir()).write_bytes(content)
    workers = Workers()
    conduct(run, plan, collected, workers)
    assert workers.asked == ["ada", "eve"]


def test_what_the_grader_fails_on_is_to_be_looked_at_and_the_others_go_on(tmp_path, plan, collected):
    workers = Workers(trouble={"ada": ValueError("our own fault")})
    results = conduct(run_for(plan, collected, tmp_path / "scores"), plan, collected, workers)
    assert len(results) == len(NAMES)
    ada = next(result for result in results if result.student == "ada")
    assert {outcome.state for outcome in ada.outcomes} == {State.TO_BE_LOOKED_AT}
    assert "our own fault" in ada.outcomes[0].message


def full(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["while grading", "while writing"])
def test_a_full_disk_is_a_sentence_and_the_run_goes_on_once_there_is_room(
    tmp_path, plan, collected, where, monkeypatch
):
    run = run_for(plan, collected, tmp_path / "scores")
    trouble = {"çağ": OSError(errno.ENOSPC, "No space left on device")} if where == "while grading" else {}
    with monkeypatch.context() as patched:
        if where == "while writing":
            patched.setattr(Result, "write", full)
        with pytest.raises(LabError, match="the disk is full; make room"):
            conduct(run, plan, collected, Workers(trouble=trouble))
    workers = Workers()
    results = conduct(run_for(plan, collected, tmp_path / "scores"), plan, collected, workers)
    assert len(results) == len(NAMES)
    assert workers.asked == list(NAMES if where == "while writing" else NAMES[2:])


def test_two_at_once_do_not_write_into_one_run(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    script = "import sys, psutil, os; print(os.getpid(), psutil.Process().create_time(), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        (run.folder / "running").write_text(other.stdout.readline())
        with pytest.raises(LabError, match=f"being written by process {other.pid}"):
            conduct(run, plan, collected, Workers())
    assert len(conduct(run, plan, collected, Workers())) == len(NAMES)  # its lock went with it


def test_a_folder_that_is_no_run_is_told_those_that_there_are(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    with pytest.raises(LabError, match=f"is no run of grading; try one of {run.folder}"):
        open_run(tmp_path / "scores")
    with pytest.raises(LabError, match="expected a folder such as"):
        open_run(tmp_path)


def test_runs_of_one_minute_stay_in_order(tmp_path, plan, collected):
    made = [run_for(plan, collected, tmp_path, new=True).folder.name for _ in range(12)]
    assert [run.folder.name for run in all_runs(tmp_path)] == made


# in whatever order ------------------------------------------------------------------------------------


FIVES = tuple(exercise.id for exercise in exercises("05"))
DUE = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLASS_OF_200 = layouts.many(200)


class Shuffled:
    """In place of those that run notebooks: units end in any order, and somebody presses Ctrl-C meanwhile.

    What a unit comes to depends on whose it is, and on nothing else.
    """

    def __init__(self, order, most):
        self.order, self.most, self.ended = order, most, []

    def __call__(self, units):
        for number, unit in enumerate(self.order.sample(units, len(units))):
            if number == self.most:
                raise KeyboardInterrupt
            one = unit.handed_in
            outcomes = tuple(
                self.outcome(random.Random(f"{one.student} {id_}"), id_) for id_ in unit.exercises
            )
            yield unit, Graded(replace(same_for_all(unit, State.WRONG), outcomes=outcomes, flags=("a flag",)))
            self.ended.append(one.student)  # asked for the next one, so this one is kept

    def outcome(self, dice, id_):
        code = f"def f(x):\n    return {' + '.join(['x'] * 40)} + {dice.randrange(60)}"  # some write the same
        mistake = dice.choice(find(id_).mistakes)
        return Outcome(id_, dice.choice([*State]), "expected 1", mistake.name, mistake.lesson, code)


def laid_in_any_order(order, kind, place, monkeypatch):
    """The class, on a disk that lists its folders in any order, or in a zip that holds them so."""
    shuffled = dict(order.sample(list(CLASS_OF_200.items()), len(CLASS_OF_200)))
    if kind == "zip":
        place.with_suffix(".zip").write_bytes(layouts.zipped(shuffled))
        return place.with_suffix(".zip")
    scandir = os.scandir
    layouts.lay(shuffled, place)

    def listed(path):
        with scandir(path) as entries:
            found = list(entries)
        return Listed(order.sample(found, len(found)))

    monkeypatch.setattr(os, "scandir", listed)
    return place


class Listed(list):
    """What os.scandir gives."""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        pass


def graded(order, place, scores, *, often):
    """Grade the class, interrupted so often; everything that people are given of it, and who was graded."""
    collected = collect(place, stages=["05"], due=DUE)
    plan = Plan(place, FIVES, (), {"05": nbformat.v4.new_notebook()})
    ended, stops = [], [*(order.randrange(20) for _ in range(often)), None]
    for most in stops:
        workers = Shuffled(order, most)
        run = run_for(plan, collected, scores, seed=7)
        with nullcontext() if most is None else suppress(KeyboardInterrupt):
            results = conduct(run, plan, collected, workers)
        ended += workers.ended
    assert len(all_runs(scores)) == 1
    course = Course(due=DUE, late_per_day=0.1, late_most=0.5)
    rows = score(collected.students, order.sample(results, len(results)), FIVES, course=course)
    write_reports(rows, scores / "reports", title="Seeing", isolation="bubblewrap")
    return {path: (scores / "reports" / path).read_bytes() for path in contents(scores / "reports")}, ended


@pytest.fixture(scope="module")
def in_order(tmp_path_factory):
    """What is given back of the class where nothing is shuffled or interrupted."""
    folder = tmp_path_factory.mktemp("in order")
    steady = random.Random(0)
    steady.sample = lambda these, count: list(these)[:count]
    return graded(steady, layouts.lay(CLASS_OF_200, folder / "class"), folder / "scores", often=0)[0]


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_in_any_order_and_interrupted_ten_times_come_to_the_same_and_nobody_twice(
    tmp_path, monkeypatch, in_order, seed, kind
):
    order = random.Random(seed)
    place = laid_in_any_order(order, kind, tmp_path / "class", monkeypatch)
    given, ended = graded(order, place, tmp_path / "scores", often=10)
    assert sorted(ended) == sorted(set(ended))
    assert len(ended) == 200
    assert given[Path("scores.csv")].count(b"\n") == 201
    assert [path for path in in_order if given.get(path) != in_order[path]] == []
    assert given.keys() == in_order.keys()


# points -----------------------------------------------------------------------------------------------


def result(student, states, **fields):
    outcomes = tuple(Outcome(id_, state) for id_, state in zip(IDS, states, strict=False))
    return Result(student, "01", f"{student}.ipynb", "0", outcomes, **fields)


WORTH = {id_: find(id_).points for id_ in IDS}


def test_points_are_the_exercises_own_unless_the_course_says_otherwise():
    passed = [result("ada", [State.PASSED] * 6)]
    (row,) = score([Student("ada")], passed, IDS)
    assert (row.points, row.of) == (sum(WORTH.values()),) * 2
    (row,) = score([Student("ada")], passed, IDS, course=Course(points={"01.1": 5}, weights={"01": 2}))
    assert row.points == row.of == 2 * (sum(WORTH.values()) - WORTH["01.1"] + 5)


def test_private_notes_stay_apart_from_what_students_read_and_are_kept_on_disk(tmp_path):
    made = result("ada", [State.PASSED] * 6, notes=("the last of 3",), private_notes=("not in the roster",))
    made.write(tmp_path / "01.json")
    assert Result.read(tmp_path / "01.json") == made
    older = {k: v for k, v in json.loads((tmp_path / "01.json").read_text()).items() if k != "private_notes"}
    (tmp_path / "older.json").write_text(json.dumps(older))
    assert Result.read(tmp_path / "older.json") == replace(made, private_notes=())
    (row,) = score([Student("ada")], [made], IDS)
    assert (row.notes, row.private_notes) == (("the last of 3",), ("not in the roster",))
    assert row.all_notes == ("the last of 3", "not in the roster")


def test_a_roster_given_later_speaks_of_what_was_graded_before(tmp_path, plan, collected):
    run = run_for(plan, collected, tmp_path / "scores")
    with pytest.raises(KeyboardInterrupt):
        conduct(run, plan, collected, Workers(most=2))
    told = tuple(replace(one, private_notes=("not in the roster",)) for one in collected.handed_in)
    results = conduct(run, plan, replace(collected, handed_in=told), Workers())
    assert {result.private_notes for result in results} == {("not in the roster",)}


def test_who_handed_in_nothing_is_a_row_of_nothing():
    rows = score([Student("ada"), Student("ben")], [result("ada", [State.PASSED] * 6)], IDS)
    assert [row.points for row in rows] == [sum(WORTH.values()), 0]
    assert rows[1].notes == ("no notebook was handed in",)
    assert {mark.outcome.state for mark in rows[1].marks} == {State.NOT_ATTEMPTED}


def test_an_instructors_points_count_and_are_shown():
    overrides = {("ada", "01.2"): Override(0.5, "half of it by hand")}
    (row,) = score([Student("ada")], [result("ada", [State.PASSED] * 6)], IDS, overrides=overrides)
    assert row.marks[1].why == "half of it by hand"
    assert row.points == sum(WORTH.values()) - WORTH["01.2"] + 0.5


def test_the_labs_own_code_is_worth_nothing_only_where_it_is_forbidden():
    outcome = Outcome("01.1", State.PASSED, own_code="calls labkit.methods.filters.first_convolution")
    handed_in = [replace(result("ada", []), outcomes=(outcome,))]
    (row,) = score([Student("ada")], handed_in, ["01.1"])
    assert row.points == WORTH["01.1"]
    (row,) = score([Student("ada")], handed_in, ["01.1"], forbid=True)
    assert (row.points, row.marks[0].why) == (0, outcome.own_code)


@pytest.mark.parametrize(
    ("when", "late", "share"),
    [
        ("2026-11-30T12:00:00+00:00", False, 0.0),
        ("2026-12-01T00:00:01+00:00", True, 0.1),
        ("2026-12-01T23:59:59+00:00", True, 0.1),
        ("2026-12-02T00:00:01+00:00", True, 0.2),
        ("2026-12-30T00:00:00+00:00", True, 0.5),
        ("", True, 0.1),
    ],
)
def test_each_day_begun_takes_its_share(when, late, share):
    course = Course(due=datetime(2026, 12, 1, tzinfo=UTC), late_per_day=0.1, late_most=0.5)
    assert course.late_share(when, late) == pytest.approx(share)
    (row,) = score(
        [Student("ada")], [result("ada", [State.PASSED] * 6, when=when, late=late)], IDS, course=course
    )
    assert row.points == pytest.approx(sum(WORTH.values()) * (1 - share))
    assert ("01 was late" in row.notes) == late


def test_a_courses_file_is_read_and_what_is_wrong_in_it_named(tmp_path):
    file = tmp_path / "course.toml"
    file.write_text(
        'title = "Seeing"\ndue = 2026-12-01T23:59:00\n[points]\n"05.4" = 4\n[late]\nper_day = 0.25\n'
    )
    course = read_course(file)
    assert (course.title, course.worth("05.4"), course.late_per_day, course.due.day) == ("Seeing", 4, 0.25, 1)
    for content, says in {
        "title = ": "cannot read",
        "titel = 1": "nothing is called 'titel'",
        '[points]\n"99.1" = 1': "knows no '99.1'",
        '[points]\n"05.4" = "four"': "expected a number from 0 up",
        '[points]\n"05.4" = nan': "expected a number from 0 up",
        '[weights]\n"05" = -1': "expected a number from 0 up",
        "points = 3": r"expected a table \[points\]",
        'due = "tomorrow"': "expected a time such as",
    }.items():
        file.write_text(content)
        with pytest.raises(LabError, match=says):
            read_course(file)


def test_overrides_are_read_as_spreadsheets_save_them_and_what_is_wrong_in_them_named(tmp_path):
    students = [Student("ada", "Ada L."), Student("ben", "Ben"), Student("bob", "Ben")]
    file = tmp_path / "overrides.csv"
    assert read_overrides(file, students) == {}
    file.write_bytes("\ufeffStudent;Exercise;Points;Why\nada;01.2;0,5;half\n;;;\nAda L.;01.3;2;\n".encode())
    assert read_overrides(file, students) == {
        ("ada", "01.2"): Override(0.5, "half"),
        ("ada", "01.3"): Override(2.0, ""),
    }
    for content, says in {
        "student,exercise\n": "no column 'points'",
        "student,exercise,points\nzoe,01.2,1\n": "line 2: no student 'zoe'",
        "student,exercise,points\nBen,01.2,1\n": "2 students are named 'Ben'",
        "student,exercise,points\nada,99.2,1\n": "line 2: no exercise '99.2'",
        "student,exercise,points\nada,01.2,one\n": "expected points from 0 up, got 'one'",
        "student,exercise,points\nada,01.2,nan\n": "expected points from 0 up, got 'nan'",
    }.items():
        file.write_text(content)
        with pytest.raises(LabError, match=says):
            read_overrides(file, students)


# judged again -----------------------------------------------------------------------------------------


@pytest.fixture
def answered(tmp_path, plan):
    """A finished run in which Ada's answer to 01.1 is right, and Ben's is stored beside a verdict of yesterday's."""
    students = (Student("ada"), Student("ben"))
    handed_in = tuple(HandedIn(s.key, "01", s.key, "0", nbformat.v4.new_notebook()) for s in students)
    collected = Collected("one folder per student", students, handed_in)
    exercise = find("01.1")

    def work(units):
        for unit in units:
            right = unit.handed_in.student == "ada"
            wrong = exercise.mistakes[0].wrong
            answers = produce(
                exercise, filters.first_convolution if right else wrong, exercise.draw_cases(unit.seed)
            )
            save(answers, tmp_path / "answer.safetensors")
            content = (tmp_path / "answer.safetensors").read_bytes()
            yield unit, Graded(same_for_all(unit, State.PASSED), {"01-1.safetensors": content})

    plan = replace(plan, exercises=("01.1",))
    run = run_for(plan, collected, tmp_path / "scores")
    conduct(run, plan, collected, work)
    return run


def test_a_regrade_says_what_changed_for_whom_and_leaves_the_old_run_as_it_is(answered):
    before = contents(answered.folder)
    new, results, changes = regrade(open_run(answered.folder), answered.folder.parent)
    assert contents(answered.folder) == before
    assert [(c.student.key, c.before.state, c.after.state) for c in changes] == [("ben", "passed", "wrong")]
    assert changes[0].after.mistake == find("01.1").mistakes[0].name
    assert [r.outcomes[0].state for r in results] == ["passed", "wrong"]
    assert new.finished
    assert new.facts["regrade_of"] == answered.folder.name
    assert class_list(new) == [Student("ada"), Student("ben")]
    assert regrade(new, answered.folder.parent)[2] == []  # a regrade can be regraded


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_regrade_that_is_stopped_leaves_no_half_of_a_run_to_go_on_with(answered, monkeypatch, trouble):
    def stopped(*_):
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(Result, "write", stopped)
        with pytest.raises(type(trouble)):
            regrade(answered, answered.folder.parent)
    assert [run.folder for run in all_runs(answered.folder.parent)] == [answered.folder]


def test_any_command_tells_a_full_disk_in_a_sentence_and_other_trouble_as_it_is(monkeypatch, capsys):
    def fails():
        raise trouble

    monkeypatch.setattr(cli, "app", fails)
    trouble = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "the disk is full; make room" in capsys.readouterr().err
    trouble = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(PermissionError):
        cli.main()


def test_answers_to_other_questions_are_not_judged(answered):
    facts = json.loads((answered.folder / "run.json").read_text())
    facts["cases"]["01.1"] = "asked otherwise"
    (answered.folder / "run.json").write_text(json.dumps(facts))
    _, results, changes = regrade(open_run(answered.folder), answered.folder.parent)
    assert changes == []
    assert "grade it anew" in results[1].outcomes[0].flags[0]
