"""Collecting: every layout gives the same work, wrong folders are refused by name, and no file stops or fools it."""

import io
import json
import os
import random
import re
import stat
import zipfile
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import layouts
import nbformat
import pytest
from lab import released, solved
from layouts import EXPECTED, LAYOUTS, PEOPLE, lay, notebook, work, written, zipped

from labkit.errors import LabError
from labkit.exercises import stages as all_stages
from labkit.grading.collecting import archives, collect, grade_id, read_notebook, told, tree
from labkit.grading.collecting.stages import FUNCTIONS

STAGES = ("05", "06")
WHO = {name: who for who, (full, sortable, *_) in PEOPLE.items() for name in (who, full, sortable)}
NAME = "05_guided_backprop.ipynb"


def texts(collected):
    """(student, stage, the text that the fixtures put into the answers)"""
    return {(WHO.get(h.student, h.student), h.stage, text(h)) for h in collected.handed_in if h.notebook}


def text(handed_in):
    return handed_in.notebook.cells[1].source.split("'")[1]


def the(collected, student, stage="05"):
    (found,) = [
        h for h in collected.handed_in if (WHO.get(h.student, h.student), h.stage) == (student, stage)
    ]
    return found


def reasons(collected):
    return {Path(path).name: reason for path, reason in collected.ignored}


@pytest.fixture
def gather(tmp_path):
    """Lay files into a folder and collect it."""

    def gather(files, **options):
        return collect(lay(files, tmp_path / "class"), **{"stages": STAGES} | options)

    return gather


# layouts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "how", ["folder", "one too high", "two too high", "zip", "zip of a folder", "zip in a zip"]
)
def test_each_layout_gives_the_same_work(layout, how, tmp_path):
    files = LAYOUTS[layout]()
    place = tmp_path / "class"
    if how.startswith("zip"):
        files = {f"hw5/{path}": data for path, data in files.items()} if how == "zip of a folder" else files
        files = {"download.zip": zipped(files)} if how == "zip in a zip" else files
        place = tmp_path / "class.zip"
        place.write_bytes(zipped(files))
    else:
        lay(
            files, place / {"folder": "", "one too high": "submissions", "two too high": "a/submissions"}[how]
        )
    before = sorted(tmp_path.rglob("*"))
    collected = collect(place, stages=STAGES)
    assert texts(collected) == EXPECTED
    assert {WHO[student.key] for student in collected.students} == set(PEOPLE)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_found_is_told_in_a_few_lines(gather):
    told_ = told(gather(layouts.canvas() | {"notes.txt": b"", "carl_1300_7_text.html": b""}))
    assert "a Canvas download: 4 students" in told_
    for part in (
        "stage 05: 3",
        "stage 06: 1",
        "nothing from 1: carl",
        "late: 1",
        "not read: 2",
        "not a notebook",
    ):
        assert part in told_
    assert len(told_.splitlines()) <= 9


def test_canvas_files_tell_student_attempt_and_lateness(gather):
    collected = gather(layouts.canvas())
    ada = the(collected, "ada")
    assert (ada.attempt, ada.late, the(collected, "ben").late) == (2, False, True)
    assert "05_guided_backprop-1.ipynb counts" in " ".join(ada.notes)
    assert ("canvas", "1201") in next(s for s in collected.students if s.key == ada.student).ids


def test_canvas_counts_the_later_upload_whatever_it_is_called(gather):
    collected = gather(
        {
            "ada_1_100_nb-2.ipynb": work("05", "older"),
            "ada_1_200_other.ipynb": work("05", "newer"),
            "ben_2_300_nb-10.ipynb": work("05", "tenth"),
            "ben_2_299_nb-9.ipynb": work("05", "ninth"),
            "LATE_anon_x7Yz_400_nb.ipynb": work("05", "nobody"),
        }
    )
    assert texts(collected) == {("ada", "05", "newer"), ("ben", "05", "tenth"), ("anon_x7Yz", "05", "nobody")}
    assert the(collected, "anon_x7Yz").late


def test_two_students_of_one_name_stay_two(gather):
    canvas = gather({f"liwei_{n}_{n}0_nb.ipynb": work("05", f"li {n}") for n in (7, 8)})
    assert texts(canvas) == {("liwei_7", "05", "li 7"), ("liwei_8", "05", "li 8")}


def test_a_zip_handed_in_to_canvas_is_looked_into(gather):
    inside = zipped(
        {"my work/05.ipynb": work("05", "ada"), "my work/.DS_Store": b"", "__MACOSX/._05.ipynb": b"x"}
    )
    collected = gather({"ada_1_10_homework.zip": inside, "ben_2_11_05.ipynb": work("05", "ben")})
    assert texts(collected) == {("ada", "05", "ada"), ("ben", "05", "ben")}
    assert reasons(collected)["__MACOSX"] == "the system's own, not a student's"


def test_moodle_names_without_trailing_underscore_groups_and_blind_marking(gather):
    collected = gather(
        {
            "Participant_71_assignsubmission_file/05.ipynb": work("05", "a"),
            "Participant_72_assignsubmission_file/sub/05.ipynb": work("05", "b"),
            "Default group_assignsubmission_file_/05.ipynb": work("05", "c"),
            "Only Words_73_assignsubmission_onlinetext/onlinetext.html": b"",
        }
    )
    assert texts(collected) == {
        ("Participant_71", "05", "a"),
        ("Participant_72", "05", "b"),
        ("Default group", "05", "c"),
    }
    assert "Only Words" in {student.key for student in collected.students}


def test_gradescope_groups_missing_folders_and_folders_of_no_one(gather):
    files = layouts.gradescope()
    facts = files["submission_metadata.yml"].decode()
    facts = facts.replace(
        "  - :name: Ada", "  - :name: Eve Group\n    :email: eve@example.org\n  - :name: Ada"
    )
    facts += "submission_9:\n  :submitters:\n  - :name: Gone\n    :sid: 9\n"
    files |= {"submission_metadata.yml": facts.encode(), "submission_77/05.ipynb": work("05", "whose")}
    collected = gather(files)
    assert text(the(collected, "Eve Group")) == text(the(collected, "ada")) == "ada second"
    assert "handed in together with Ada Lovelace" in the(collected, "Eve Group").notes
    assert "does not say whose" in " ".join(the(collected, "submission_77").private_notes)
    assert "Gone" in {student.key for student in collected.students}
    assert the(collected, "ada").attempt == 2
    ada = next(
        student
        for student in collected.students
        if student.name == "Ada Lovelace" or student.key == "Ada Lovelace"
    )
    assert dict(ada.ids) == {"email": "alovelace@example.org", "sid": "1201", "gradescope": "300"}


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"- a\n- b", b"a: [", b"a: &x [*x]\n" + b"[" * 5000])
def test_gradescope_metadata_that_cannot_be_read_is_one_sentence(gather, bad):
    with pytest.raises(LabError, match=r"submission_metadata\.yml .* export"):
        gather(layouts.gradescope() | {"submission_metadata.yml": bad})


@pytest.mark.parametrize(
    ("due", "late"),
    [
        (datetime(2026, 11, 21, 9, 59, tzinfo=UTC), {"ben", "zoe"}),
        (datetime.fromisoformat("2026-11-21T12:00:01+02:00"), {"zoe"}),
        (datetime(2026, 11, 22, 12).astimezone(UTC).astimezone().replace(tzinfo=None), set()),
        (None, set()),
    ],
)
def test_due_marks_late_by_the_layouts_time(gather, due, late):
    collected = gather(layouts.gradescope(), due=due)
    assert {WHO[h.student] for h in collected.handed_in if h.late} == late
    assert the(collected, "ben").when == "2026-11-21T10:00:00.123456+00:00"


def test_nbgraders_time_has_a_zone_or_is_utc_and_may_be_broken(gather):
    stamps = {
        "a": "2026-11-20 23:30:00.000000 UTC",
        "b": "2026-11-21 00:30:00 +0100",
        "c": "2026-11-20 23:30:00",
        "d": "2026-11-21 00:30:00.000000 Europe/Berlin",
        "e": "yesterday",
    }
    files = {f"submitted/{who}/ps5/05.ipynb": work("05", who) for who in stamps}
    files |= {f"submitted/{who}/ps5/timestamp.txt": stamp.encode() for who, stamp in stamps.items()}
    collected = gather(files, due=datetime(2026, 11, 20, 23, 29, tzinfo=UTC))
    assert {h.student: h.late for h in collected.handed_in} == {who: who != "e" for who in stamps}
    assert len({datetime.fromisoformat(h.when) for h in collected.handed_in if h.when}) == 1
    assert "no time in it that can be read" in " ".join(the(collected, "e").private_notes)


def test_where_late_work_counts_it_is_said_that_other_work_was_in_time(gather):
    collected = gather(layouts.nbgrader(), due=datetime(2026, 11, 20, 13, tzinfo=UTC))
    assert [(h.student, h.stage) for h in collected.handed_in if h.late] == [("ada", "05")]
    assert the(collected, "ada").notes[-1].endswith(f"is late, 05_guided_backprop/{NAME} was in time")


def test_several_downloads_side_by_side_are_one_class(gather):
    later = {
        "lovelaceada_1201_99_06.ipynb": work("06", "from the second"),
        "x_5_98_06.ipynb": work("06", "x"),
    }
    collected = gather({"lab5.zip": zipped(layouts.canvas()), "lab6.zip": zipped(later)})
    assert ("x", "06", "x") in texts(collected)
    assert len(collected.students) == 4
    assert text(the(collected, "ada", "06")) in ("ada 06", "from the second")


def test_nbgraders_exchange_is_read_before_it_is_collected(gather):
    files = {}
    for n, (student, what) in enumerate([("ada", "first"), ("ada", "second"), ("ben", "ben")]):
        folder = f"inbound/{student}+ps5+2026-11-20 10:00:0{n}.000000 UTC+a{n}"
        files |= {f"{folder}/05.ipynb": work("05", what), f"{folder}/submission_secret.txt": b"x"}
        files[f"{folder}/timestamp.txt"] = f"2026-11-20 10:00:0{n}.000000 UTC".encode()
    collected = gather(files)
    assert texts(collected) == {("ada", "05", "second"), ("ben", "05", "ben")}
    assert the(collected, "ben").when == "2026-11-20T10:00:02+00:00"


def test_gradescopes_folders_without_their_file_say_that_names_are_missing(gather):
    files = {path: data for path, data in layouts.gradescope().items() if not path.endswith(".yml")}
    assert "without names" in gather(files).layout


def test_a_class_one_level_down_is_one_even_where_no_two_share_a_stage(gather):
    collected = gather({"hw/ada/05.ipynb": work("05", "a"), "hw/ben/06.ipynb": work("06", "b")})
    assert texts(collected) == {("ada", "05", "a"), ("ben", "06", "b")}


def test_no_student_can_change_what_layout_the_others_files_are_read_in(gather):
    files = {
        "ada_1_2_x_9_assignsubmission_file_05.ipynb": work("05", "ada"),
        "ben_3_4_05.ipynb": work("05", "ben"),
    }
    assert texts(gather(files)) == {("ada", "05", "ada"), ("ben", "05", "ben")}


# the right level ----------------------------------------------------------------------------------------


WRONG = {  # what lies there, what is given, what the sentence names
    "a notebook": ({f"ada/{NAME}": work("05", "")}, f"ada/{NAME}", "is one file; expected a class"),
    "a text": ({"list.txt": b""}, "list.txt", "is one file"),
    "nothing": ({"ada/x": b""}, "nowhere", "no folder"),
    "one student": ({f"ada/{NAME}": work("05", ""), "ada/06.ipynb": work("06", "")}, "ada", "above it: .*class$"),
    "one student's attempts": ({f"ada/{n}/{NAME}": work("05", str(n)) for n in ("old", "new")}, "ada", "class$"),
    "one student's copies": ({f"ada/05{s}.ipynb": work("05", s) for s in ("", "-1", " (2)")}, "ada", "one student"),
    "one student's assignments": (
        {f"ada/{s}_x/{s}.ipynb": work(s, "") for s in STAGES}, "ada", r"one student's work; .* above it: .*class$",
    ),
    "one student's zip": ({"a.zip": zipped({NAME: work("05", "")})}, "a.zip", "one student's work"),
    "a flat heap": ({f"{w}_05.ipynb": work("05", w) for w in PEOPLE}, "", "3 notebooks lie side by side"),
    "sections": (
        {f"{s}/{w}/{NAME}": work("05", w) for s in ("mon", "tue") for w in PEOPLE}, "", "give .*class/mon or .*tue",
    ),
    "a download beside others": (
        {f"dl/{p}": d for p, d in layouts.canvas().items()} | {"out/05.ipynb": work("05", "")}, "", "give .*class/dl$",
    ),
    "a class beside others": (
        {f"submissions/{p}": d for p, d in layouts.folders().items()} | {"pdf/x.pdf": b""}, "", "give .*submissions$",
    ),
    "autograded": (layouts.nbgrader(), "autograded", "give .*submitted$"),
    "release": (layouts.nbgrader(), "release", "give .*submitted$"),
    "nothing collected": ({"source/05/05.ipynb": work("05", ""), "release/05/05.ipynb": b"{}"}, "", "without submit"),
    "a student of nbgrader": (layouts.nbgrader(), "submitted/ada", r"above it: .*submitted$"),
    "a student of nbgrader, other names": (
        {f"submitted/ada/x{n}/{f}": d for n in "yz" for f, d in ((NAME, work("05", n)), ("timestamp.txt", b""))},
        "submitted/ada",
        "above it: .*submitted$",
    ),
    "a folder of Gradescope": (layouts.gradescope(), "submission_301", r"above it: .*class$"),
    "a folder of Moodle": (layouts.moodle(), "Ada Lovelace_1201_assignsubmission_file_", r"above it: .*class$"),
    "no notebook": ({"ada/essay.docx": b"", "ben/essay.docx": b""}, "", "no notebook in"),
    "an empty folder": ({"x/y": b""}, "x", "no student in"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_folder_is_refused_with_the_right_one_named(case, tmp_path):
    files, given, says = WRONG[case]
    lay(files, tmp_path / "class")
    with pytest.raises(LabError, match=says) as refused:
        collect(tmp_path / "class" / given, stages=STAGES)
    assert str(refused.value).count(". ") == 0


ONE_OF_ADA = {  # a class of one, given too high: what lies there, and what the folder is called that the class is in
    "submissions": "submissions",
    "a second copy": "submissions (2)",
    "a name of words": "Lab 5 submissions",
    "an assignment": "05_guided_backprop",
    "an assignment by its number": "lab5",
    "assignments in a container": "submissions/week5",
    "a zip": "Abgaben",
    "handed in": "handed-in",
}


@pytest.mark.parametrize("case", ONE_OF_ADA)
def test_a_class_of_one_given_one_level_too_high_is_still_the_students(case, gather):
    files = {f"{ONE_OF_ADA[case]}/ada/{NAME}": work("05", "hers")}
    if case == "a zip":
        files = {"Abgaben.zip": zipped({f"ada/{NAME}": work("05", "hers")})}
    assert texts(gather(files)) == {("ada", "05", "hers")}


@pytest.mark.parametrize(
    ("students", "above"), [(("ada",), ""), (("ada", "ben"), ""), (("ada", "ben"), "course 2026/")]
)
def test_a_class_sorted_by_assignments_first_is_one_class(students, above, gather):
    files = {f"{above}{s}_x/{who}/{s}.ipynb": work(s, who) for s in STAGES for who in students}
    collected = gather(files | {f"{above}05_x/tasks.pdf": b""})
    assert texts(collected) == {(who, s, who) for s in STAGES for who in students}
    assert ("give the folder above it" in collected.layout) == (len(students) == 1)
    assert reasons(collected) == {"tasks.pdf": "not a notebook"}


@pytest.mark.parametrize(
    ("files", "given"),
    [
        ({f"cnn2026/ada/{NAME}": "05"}, "cnn2026$"),
        ({f"cnn2026/week5/ada/{NAME}": "05"}, "cnn2026/week5$"),
        ({f"mon/ada/{NAME}": "05", f"tue/ben/{NAME}": "05"}, "give .*/mon or .*/tue$"),
        (
            {f"guided/ada/{NAME}": "05", "ascent/ada/06.ipynb": "06"},
            "if it is ada who handed in, give .*ascent or",
        ),
    ],
)
def test_where_folders_could_be_students_or_hold_them_that_is_said_before_anything_runs(files, given, gather):
    collected = gather({path: work(stage, "") for path, stage in files.items()})
    assert re.search(given, collected.layout)
    assert re.search(given, told(collected).splitlines()[0].rpartition(":")[0])


@pytest.mark.parametrize(
    "inside", ["", "notebooks/", "cnn-lab-main/notebooks/", "05_guided_backprop/", "my work/"]
)
@pytest.mark.parametrize("students", [("ada",), ("ada", "ben")])
def test_a_students_own_folders_raise_no_doubt(inside, students, gather):
    collected = gather({f"{who}/{inside}{NAME}": work("05", who) for who in students})
    assert texts(collected) == {(who, "05", who) for who in students}
    assert collected.layout == "one folder per student"


def test_students_who_all_have_a_folder_of_one_name_raise_no_doubt(gather):
    assert (
        gather({f"{who}/rosalind/{NAME}": work("05", who) for who in PEOPLE}).layout
        == "one folder per student"
    )


@pytest.mark.parametrize("inside", ["old", "notebooks", "a"])
def test_one_student_with_folders_in_folders_of_assignments_is_still_refused(inside, gather):
    with pytest.raises(LabError, match="one student's work"):
        gather({f"{s}_x/{inside}/{s}.ipynb": work(s, "") for s in STAGES})


def test_what_grading_wrote_into_the_class_is_no_student(gather):
    run = {"run.json": b'{"seed": 1}', "executed/ada/05.ipynb": work("05", "a copy")}
    files = layouts.folders() | {f"scores/2026-11-25_1432/{path}": data for path, data in run.items()}
    collected = gather(files | {f"old/{path}": data for path, data in run.items()})
    assert texts(collected) == EXPECTED
    assert reasons(collected)["scores"] == reasons(collected)["old"] == "what labkit grade has written"


def test_a_student_with_a_file_run_json_is_still_a_student(gather):
    for content in (b"{}", b"[" * 9999, b"\xff"):
        assert texts(gather(layouts.folders() | {"ada/run.json": content})) == EXPECTED


def test_one_student_in_a_folder_is_a_class_of_one(gather):
    assert texts(gather({f"ada/{s}_x/{s}.ipynb": work(s, "a") for s in STAGES})) == {
        ("ada", s, "a") for s in STAGES
    }


def test_a_student_with_attempts_in_folders_does_not_become_a_class(gather):
    files = {f"{w}/{NAME}": work("05", w) for w in "abc"}
    files |= {"d/Desktop/05.ipynb": work("05", "d"), "d/Downloads/05.ipynb": work("05", "d")}
    assert texts(gather(files)) == {(w, "05", w) for w in "abcd"}


# which file counts ----------------------------------------------------------------------------------------


def handout(stage="05"):
    return written(notebook(stage, "", solved=0))


COUNTS = {  # a student's files, and which text counts
    "-2 after -1": (
        {"05-1.ipynb": "one", "05-2.ipynb": "two", "05.ipynb": "none"},
        "two",
        "number in its name",
    ),
    "(10) after (9)": ({"05 (9).ipynb": "nine", "05 (10).ipynb": "ten"}, "ten", "number in its name"),
    "v3": ({"05_v3.ipynb": "three", "05_v2.ipynb": "two"}, "three", "number in its name"),
    "alike": ({"a.ipynb": "same", "b.ipynb": "same"}, "same", "they are alike"),
    "nothing tells": ({"my 05 copy.ipynb": "copy", "05.ipynb": "own"}, "copy", "last by name"),
}


@pytest.mark.parametrize("case", COUNTS)
def test_which_of_several_files_counts_is_decided_by_rule_and_told(case, gather, tmp_path):
    files, counts, why = COUNTS[case]
    files = {name: work("05", content) for name, content in files.items()}
    chosen = the(gather({"ada.zip": zipped(files), f"ben/{NAME}": work("05", "ben")}), "ada")
    assert text(chosen) == counts
    (note,) = chosen.notes
    assert why in note
    assert all(name in note for name in files)


def test_times_decide_only_where_they_lie_apart(gather, tmp_path):
    files = {
        "ada/b.ipynb": work("05", "older"),
        "ada/a.ipynb": work("05", "newer"),
        f"ben/{NAME}": work("05", "ben"),
    }
    lay(files, tmp_path / "class")
    for name, saved in (("a", 2_000_000_100), ("b", 2_000_000_000)):
        os.utime(tmp_path / "class" / "ada" / f"{name}.ipynb", (saved, saved))
    assert text(the(collect(tmp_path / "class", stages=STAGES), "ada")) == "newer"
    os.utime(tmp_path / "class" / "ada" / "a.ipynb", (2_000_000_009, 2_000_000_009))
    assert text(the(collect(tmp_path / "class", stages=STAGES), "ada")) == "older"


def test_an_untouched_handout_never_beats_work(gather, tmp_path):
    files = {"ada/05.ipynb": work("05", "mine"), "ada/05-1.ipynb": handout(), f"ben/{NAME}": handout()}
    files |= {
        f"x_1_{n}_05{again}.ipynb": data
        for n, again, data in ((1, "", work("05", "x")), (2, "-1", handout()))
    }
    collected = gather(files)
    assert text(the(collected, "ada")) == "mine"
    assert "05-1.ipynb has no exercise attempted and does not count" in " ".join(the(collected, "ada").notes)
    assert the(collected, "ben").notebook is not None
    assert reasons(collected)["x_1_1_05.ipynb"].startswith("it lies beside")


@pytest.mark.parametrize("layout", ["canvas", "folders"])
def test_half_an_upload_never_hides_a_good_file(layout, gather):
    half = work("05", "late")[:-40]
    files = {"ada_1_10_05.ipynb": work("05", "good"), "ada_1_11_05-1.ipynb": half, "ben_2_12_05.ipynb": half}
    if layout == "folders":
        files = {f"{name[:3]}/{name[9:]}": data for name, data in files.items()}
    collected = gather(files)
    assert text(the(collected, "ada")) == "good"
    assert "cannot be read and does not count: the upload ended early" in " ".join(
        the(collected, "ada").notes
    )
    assert the(collected, "ben").notebook is None
    assert f"ended early, at byte {len(half):,}" in the(collected, "ben").trouble


def test_the_labs_own_solution_handed_in_beside_ones_work_does_not_count(gather):
    solution = notebook("05", "the lab's") | {"metadata": {"labkit": {"source_sha256": "0" * 64}}}
    files = {
        f"ada/lab/{folder}/{NAME}": data
        for folder, data in (("notebooks", handout()), ("solutions", written(solution)))
    }
    for others in ({}, {f"ben/{NAME}": work("05", "ben")}):
        ada = the(gather(files | others), "ada")
        assert "raise NotImplementedError" in ada.notebook.cells[1].source
        assert f"solutions/{NAME} is a copy of the lab's solution and does not count" in ada.notes
    alone = the(gather({f"eve/{NAME}": written(solution), f"ben/{NAME}": work("05", "ben")}), "eve")
    assert alone.notebook.metadata.labkit
    assert alone.private_notes == (f"{NAME} is the lab's own solution, or was made from it",)
    assert alone.notes == ()


# which stage it is --------------------------------------------------------------------------------------


def without(what, stage="05"):
    """A notebook from which an editor or a converter took something."""
    content = notebook(stage, "mine")
    for cell in content["cells"]:
        if "ids" in what:
            cell.pop("id", None)
        if "marks" in what:
            cell["metadata"] = {}
        if "todos" in what:
            cell["source"] = "".join(cell["source"]).replace("TODO", "DONE")
    if "checks" in what:
        content["cells"] = [cell for cell in content["cells"] if "check(" not in "".join(cell["source"])]
    return written(content)


@pytest.mark.parametrize(
    "what",
    [(), ("ids",), ("marks",), ("ids", "marks"), ("ids", "marks", "todos"), ("ids", "marks", "checks")],
)
def test_a_stage_is_known_by_its_exercises_whatever_the_file_is_called(what, gather):
    collected = gather({"ada/my homework.ipynb": without(what), "ben/06.ipynb": without(what)})
    assert {(h.student, h.stage) for h in collected.handed_in} == {("ada", "05"), ("ben", "05")}


def test_a_stage_is_known_by_the_names_of_functions_and_last_by_the_files(gather):
    only = {
        "cells": [{"cell_type": "code", "source": "def guided_backprop(model, image, target):\n    return 1"}]
    }
    none = {"cells": [{"cell_type": "code", "source": "x = 1"}]}
    collected = gather(
        {
            "a/h.ipynb": written(only),
            "b/lab 5.ipynb": written(none),
            "c/05_x/n.ipynb": written(none),
            "d/my.ipynb": written(none),
        }
    )
    assert {(h.student, h.stage) for h in collected.handed_in} == {("a", "05"), ("b", "05"), ("c", "05")}
    assert reasons(collected)["my.ipynb"] == "none of the lab's exercises is in it"


def test_function_names_are_those_of_the_notebooks():
    for path in sorted((layouts.Path(__file__).parent.parent / "solutions").glob("0*.py")):
        handed = released(path).cells
        checks = [cell.source for cell in handed if (grade_id(cell) or "").endswith("-check")]
        assert tuple(check.partition(", ")[2].rstrip(")\n") for check in checks) == FUNCTIONS[path.name[:2]]
    assert tuple(FUNCTIONS) == all_stages()


def test_two_stages_merged_into_one_notebook_count_for_both(gather):
    both = notebook("05", "both")
    both["cells"] += notebook("06", "both")["cells"][1:]
    assert texts(gather({"ada/all.ipynb": written(both), f"ben/{NAME}": work("05", "b")})) >= {
        ("ada", "05", "both"), ("ada", "06", "both"),
    }  # fmt: skip


def test_a_stage_that_is_not_asked_for_is_said(gather):
    collected = gather(layouts.folders(), stages=["06"])
    assert texts(collected) == {("ada", "06", "ada 06")}
    assert len(collected.students) == 3
    assert reasons(collected)[NAME] == "of stage 05, which is not graded here"


def test_a_folder_and_a_zip_of_one_name_are_one_student(gather):
    collected = gather(
        {
            "ada.zip": zipped({"05-1.ipynb": work("05", "zip")}),
            "ada/05.ipynb": work("05", "a"),
            "b/05.ipynb": work("05", "b"),
        }
    )
    assert texts(collected) == {("ada", "05", "zip"), ("b", "05", "b")}
    assert len(collected.students) == 2


def test_two_archives_whose_names_look_alike_are_not_taken_for_each_other(tmp_path):
    (tmp_path / "class").mkdir()
    for name, what in (("\u00e9va.zip", "one"), ("e\u0301va.zip", "two")):
        (tmp_path / "class" / name).write_bytes(
            zipped({f"{what}/05.ipynb": work("05", what), "06.ipynb": work("06", what)})
        )
    (found,) = collect(tmp_path / "class", stages=["05"]).handed_in
    assert "2 files for this stage" in found.notes[0]


def test_students_may_be_numbers(gather):
    assert len(gather({f"{n}/05.ipynb": work("05", str(n)) for n in range(1, 4)}).students) == 3


def test_code_above_a_stub_is_work(gather):
    content = notebook("05", "", solved=0)
    content["cells"][1]["source"] = [
        "def answer_1(x):\n",
        "    y = x.abs()\n",
        '    raise NotImplementedError("TODO 05.1")',
    ]
    collected = gather(
        {"ada/05.ipynb": written(content), "ada/05-1.ipynb": handout(), f"ben/{NAME}": handout()}
    )
    assert "y = x.abs()" in the(collected, "ada").notebook.cells[1].source


def test_a_function_written_beside_its_stub_is_work(gather):
    content = notebook("05", "", solved=0)
    content["cells"].append(
        {"cell_type": "code", "source": "def saliency_map(gradient):\n    return gradient"}
    )
    collected = gather(
        {"ada/05.ipynb": written(content), "ada/05-1.ipynb": handout(), f"ben/{NAME}": handout()}
    )
    assert the(collected, "ada").notebook.cells[-1].source.startswith("def saliency_map")


def test_a_broken_file_is_of_the_stage_that_is_in_its_bytes(gather):
    collected = gather(
        {"ada/home.ipynb": work("06", "x")[:-99], "ben/2026-05-01.ipynb": b"{", f"cem/{NAME}": handout()}
    )
    assert the(collected, "ada", "06").trouble
    assert "ended early" in reasons(collected)["2026-05-01.ipynb"]


def test_a_layout_without_times_says_so_where_a_due_date_is_given(gather):
    due = datetime(2000, 1, 1, tzinfo=UTC)
    assert gather(layouts.folders(), due=due).layout.endswith("which does not say when work was handed in")
    assert not any(h.late for h in gather(layouts.folders(), due=due).handed_in)


# the roster ---------------------------------------------------------------------------------------------

CANVAS_GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 5 (77)
"    Points Possible",,,,,10
"Lovelace, Ada",1201,S-1,alovelace,A,
"de la Cruz, Ben",1202,S-2,bdelacruz,A,
"Müller, Zoë",1203,S-3,zmueller,A,
"Absent, Ann",1204,S-4,aabsent,A,
"Student, Test",1,,test,A,
"""
MOODLE = (
    '"First name";Surname;"Email address";Groups\nAda;Lovelace;alovelace@example.org;\n'
    'Ben;"de la Cruz";b@example.org;\n'
    "Zoë;Müller;z@example.org;\nAnn;Absent;ann@example.org;\n"
)
GRADESCOPE = (
    "First Name,Last Name,SID,Email,Role\nAda,Lovelace,1201,a@x.org,Student\nBen,de la Cruz,1202,b@x.org,Student\n"
    "Zoë,Müller,1203,z@x.org,Student\nAnn,Absent,1204,ann@x.org,Student\nTom,Teacher,7,t@x.org,Instructor\n"
)
OWN = (
    "sep=;\nName;Matrikel-Nr.;Login\nAda Lovelace;1201;ada\nBen de la Cruz;1202;ben\n"
    "Zoë Müller;1203;zoe\nAnn Absent;1204;ann\n"
)
ROSTERS = {"Canvas": CANVAS_GRADEBOOK, "Moodle": MOODLE, "Gradescope": GRADESCOPE, "own": OWN}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("kind", ROSTERS)
@pytest.mark.parametrize("layout", ["canvas", "moodle", "gradescope"])
def test_a_roster_brings_names_ids_and_the_absent(layout, kind, encoding, gather, tmp_path):
    (tmp_path / "class.csv").write_bytes(ROSTERS[kind].encode(encoding))
    collected = gather(LAYOUTS[layout](), roster=tmp_path / "class.csv")
    assert {student.shown for student in collected.students} == {full for full, *_ in PEOPLE.values()} | {
        "Ann Absent"
    }
    assert len(collected.students) == 4
    ann = next(student for student in collected.students if student.shown == "Ann Absent")
    assert not [h for h in collected.handed_in if h.student == ann.key]
    assert ann.ids
    assert not [note for h in collected.handed_in for note in h.private_notes if "roster" in note]


def test_folders_are_matched_by_login_email_number_or_name(gather, tmp_path):
    (tmp_path / "r.csv").write_text(
        "login,email,student id,name\n"
        + "".join(f"l{n},m{n}@x.org,77{n}0,Given{n} Family{n}\n" for n in range(9))
    )
    names = [
        "l0",
        "m1@x.org",
        "m2",
        "7730",
        "Family4, Given4",
        "given5_family5",
        "Given6 Family6 lab 05",
        "L7",
        "x_7780",
    ]
    collected = gather({f"{name}/05.ipynb": work("05", name) for name in names}, roster=tmp_path / "r.csv")
    assert {s.key: s.name for s in collected.students} == {
        name: f"Given{n} Family{n}" for n, name in enumerate(names)
    }
    guessed = {
        h.student
        for h in collected.handed_in
        if any(note.startswith("taken for") for note in h.private_notes)
    }
    assert guessed == {"Given6 Family6 lab 05", "x_7780"}


def test_who_is_not_in_the_roster_or_could_be_two_there_is_kept_with_a_note(gather, tmp_path):
    (tmp_path / "r.csv").write_text(
        "login;name\nli1;Wei Li\nli2;Wei Li\nada;Ada Lovelace\nada;Ada again\n;\nx;X Y\n"
    )
    files = {f"{name}/05.ipynb": work("05", name) for name in ("Wei Li", "Ada Lovelase", "X Y", "x")} | {
        "eve/a.txt": b""
    }
    collected = gather(files, roster=tmp_path / "r.csv")
    said = {h.student: " ".join(h.private_notes) for h in collected.handed_in}
    assert not any("roster" in note for h in collected.handed_in for note in h.notes)
    assert said["Wei Li"] == "not in the roster for sure: it could be Wei Li (li1) or Wei Li (li2)"
    assert said["Ada Lovelase"] == "not in the roster; the nearest there is Ada Lovelace (ada)"
    assert said["x"] == ""
    assert said["X Y"].startswith("not in the roster")
    assert {s.key for s in collected.students} == {
        "Wei Li",
        "Ada Lovelase",
        "X Y",
        "x",
        "eve",
        "li1",
        "li2",
        "ada",
    }
    assert reasons(collected)["r.csv, row 5"] == "the same student as row 4"
    assert reasons(collected)["eve"] == "handed in nothing, and not in the roster"
    assert "not in the roster: 3" in told(collected)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "got nothing"),
        (b"a,b\n1,2\n", "expected a heading such as login"),
        (b"login\n", "no student"),
        (b"PK\x03\x04", "no CSV file; save the sheet as CSV"),
        (b'login\n"' + b"x" * 200_000, "no CSV file"),
        (bytes(range(256)) * 9, "expected a heading"),
    ],
)
def test_a_roster_that_is_none_is_one_sentence(data, says, gather, tmp_path):
    (tmp_path / "r.csv").write_bytes(data)
    with pytest.raises(LabError, match=says):
        gather(layouts.folders(), roster=tmp_path / "r.csv")
    with pytest.raises(LabError, match=r"the roster .*nowhere\.csv"):
        gather(layouts.folders(), roster=tmp_path / "nowhere.csv")


# files that are none ------------------------------------------------------------------------------------


def test_whatever_is_not_read_has_its_reason(gather):
    odd = {
        "05.ipynb.txt": "rename it to 05.ipynb",
        "work.rar": "ask for a zip",
        "05.py": "a script",
        "essay.pdf": "not a notebook",
        ".hidden": "hidden",
        "broken.zip": "cannot be opened",
    }
    files = layouts.folders() | {f"ada/{name}": b"PK\x03\x04 no" for name in odd}
    files |= {
        "06.ipynb": work("06", "whose"),
        "cem/.ipynb_checkpoints/05-checkpoint.ipynb": work("05", "a copy"),
    }
    collected = gather(files)
    assert texts(collected) == EXPECTED
    assert "cem" in {student.key for student in collected.students}
    said = reasons(collected)
    assert {name: part for name, part in odd.items() if part not in said[name]} == {}
    assert said["06.ipynb"].startswith("it lies beside the students' folders")
    assert said[".ipynb_checkpoints"] == "Jupyter's own copies"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_links_sockets_and_folders_are_neither_waited_for_nor_followed(tmp_path):
    place = lay(layouts.folders() | {"secret/06.ipynb": work("06", "secret")}, tmp_path / "class")
    (place / "secret").rename(tmp_path / "secret")
    os.mkfifo(place / "ben" / "06.ipynb")
    (place / "zoe" / "06.ipynb").symlink_to(tmp_path / "secret" / "06.ipynb")
    (place / "zoe" / "more").symlink_to(tmp_path / "secret")
    (place / "eve").symlink_to(tmp_path / "secret")
    (place / "zoe" / "loop").symlink_to(place)
    (place / "fay" / "06.ipynb").mkdir(parents=True)
    (place / "ada" / "list.zip").symlink_to("/dev/zero")
    collected = collect(place, stages=STAGES)
    assert texts(collected) == EXPECTED
    assert {who: the(collected, who, "06").trouble for who in ("ben", "zoe", "fay")} == {
        "ben": "a pipe, not a file",
        "zoe": "a link, not a file",
        "fay": "a folder, not a file",
    }
    links = {Path(path).name for path, reason in collected.ignored if reason == "a link, not a file"}
    assert links == {"06.ipynb", "more", "eve", "loop", "list.zip"}


def test_a_file_that_becomes_a_pipe_while_we_look_does_not_stop_us(tmp_path):
    (tmp_path / "05.ipynb").symlink_to("/dev/zero")
    with pytest.raises(LabError, match="cannot be opened"):
        read_notebook(tmp_path / "05.ipynb")


def test_names_that_are_no_utf8_or_do_not_show_are_written_out(tmp_path):
    place = lay(layouts.folders(), tmp_path / "class")
    for name in (b"J\xf6rg", b"tab\tline\nend", "\u202egpj.eve".encode(), "e\u0301va".encode()):
        os.mkdir(os.path.join(os.fsencode(place), name))
        with open(os.path.join(os.fsencode(place), name, b"05.ipynb"), "wb") as file:
            file.write(work("05", "odd"))
    collected = collect(place, stages=STAGES)
    odd = {h.student for h in collected.handed_in if text(h) == "odd"}
    assert odd == {r"J\xf6rg", r"tab\tline\nend", r"\u202egpj.eve", "\u00e9va"}
    told(collected).encode()


def test_a_folder_without_permission_has_its_reason(tmp_path, monkeypatch):
    place = lay(layouts.folders() | {"eve/05.ipynb": b""}, tmp_path / "class")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "eve":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    collected = collect(place, stages=STAGES)
    assert texts(collected) == EXPECTED
    assert reasons(collected)["eve"] == "a folder that cannot be read (Permission denied)"


def test_large_files_are_left_and_long_notebooks_read(tmp_path):
    place = lay(layouts.folders(), tmp_path / "class")
    with open(place / "ben" / "06.ipynb", "wb") as file:
        file.truncate(500 * 2**20)
    long = notebook("06", "long")
    long["cells"] += [{"cell_type": "code", "source": ["x = 1"], "outputs": [], "metadata": {}}] * 30_000
    lay({"zoe/06.ipynb": written(long)}, place)
    collected = collect(place, stages=STAGES)
    assert the(collected, "ben", "06").trouble == "500 MB, and no more than 50 are read"
    assert len(the(collected, "zoe", "06").notebook.cells) == 30_013


# archives -----------------------------------------------------------------------------------------------


def member(name, *, mode=None, flags=0):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (mode or stat.S_IFREG | 0o644) << 16
    info.compress_type, info.flag_bits = zipfile.ZIP_DEFLATED, flags
    return info


def archive_of(*members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for info, data in members:
            archive.writestr(info, data)
    return content.getvalue()


def test_names_in_archives_lead_nowhere(tmp_path):
    good = work("05", "ada")
    (tmp_path / "class.zip").write_bytes(
        archive_of(
            (member("../../eve/05.ipynb"), work("05", "up")),
            (member("/root/05.ipynb"), work("05", "absolute")),
            (member("C:\\Temp\\05.ipynb"), work("05", "drive")),
            (member("ada\\05.ipynb"), good),
            (member("ben/05.ipynb", mode=stat.S_IFLNK | 0o777), b"/etc/passwd"),
            (member("ben/06.ipynb", mode=stat.S_IFIFO | 0o777), b""),
            (member("d/" * 2000 + "05.ipynb"), work("05", "deep")),
            (member("zoe/"), b""),
        )
    )
    collected = collect(tmp_path / "class.zip", stages=STAGES)
    assert texts(collected) == {("ada", "05", "ada")}
    assert {student.key for student in collected.students} == {"ada", "ben", "zoe"}
    assert the(collected, "ben").trouble == "a link, not a file"
    assert sum(reason == "its name leads out of the archive" for _, reason in collected.ignored) == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "class.zip"]


def test_names_in_archives_are_read_in_the_encoding_that_they_have(tmp_path):
    data = archive_of(
        (member("J__rg/05.ipynb"), work("05", "utf")), (member("Zo_/05.ipynb"), work("05", "dos"))
    )
    data = data.replace(b"J__rg", "Jörg".encode()).replace(b"Zo_", "Zoë".encode("cp437"))
    (tmp_path / "class.zip").write_bytes(data)
    assert texts(collect(tmp_path / "class.zip", stages=STAGES)) == {
        ("Jörg", "05", "utf"),
        ("Zoë", "05", "dos"),
    }


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_differ_by_case_or_not_at_all_hide_nothing(tmp_path):
    (tmp_path / "class.zip").write_bytes(
        archive_of(
            (member("ada/05.ipynb"), handout()),
            (member("ada/05.ipynb"), work("05", "second")),
            (member("Ada/05.ipynb"), work("05", "another")),
            (member("ada/05.IPYNB"), handout()),
        )
    )
    collected = collect(tmp_path / "class.zip", stages=STAGES)
    assert {(h.student, text(h)) for h in collected.handed_in} == {("ada", "second"), ("Ada", "another")}
    assert reasons(collected)["05.ipynb"] == "twice in the archive; the later one is read"


def locked():
    """A zip whose member says that it is encrypted."""
    data = bytearray(archive_of((member("05.ipynb"), work("05", "x"))))
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def lying():
    """A zip whose member is much larger than it says."""
    data = bytearray(archive_of((member("05.ipynb"), b"[" + b" " * 2**27)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + place
        data[at : at + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def many():
    """A zip with 24 notebooks that say that they are 45 MB each."""
    data = bytearray(zipped({f"05_{n}.ipynb": b"{}" for n in range(24)}))
    at = 0
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 24 : at + 28] = (45 * 2**20).to_bytes(4, "little")
    return bytes(data)


def changed():
    data = bytearray(zipped({"05.ipynb": work("05", "x")}))
    data[60:200] = b"?" * 140
    return bytes(data)


def zip_of_itself(depth=12):
    data = zipped({"05.ipynb": work("05", "deep")})
    for _ in range(depth):
        data = zipped({"next.zip": data})
    return data


HOSTILE = {
    "locked": (locked, "password"),
    "much larger than it may be": (lambda: zipped({"05.ipynb": b" " * 2**27}), "no more than 50"),
    "much larger than it says": (lying, "cannot be unpacked"),
    "cut short": (lambda: zipped({"05.ipynb": work("05", "x") * 9})[:-60], "cannot be opened"),
    "changed on the way": (changed, "cannot be unpacked"),
    "zips in zips": (zip_of_itself, "more than 3 deep"),
    "many notebooks": (many, "1.1 GB"),
    "empty": (lambda: b"", "cannot be opened"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("whole", [False, True])
def test_hostile_archives_cost_themselves_and_nothing_else(case, whole, tmp_path):
    made, reason = HOSTILE[case]
    if whole:
        (tmp_path / "class.zip").write_bytes(made())
        with pytest.raises(LabError):
            collect(tmp_path / "class.zip", stages=STAGES)
        return
    collected = collect(lay(layouts.folders() | {"eve.zip": made()}, tmp_path / "class"), stages=STAGES)
    assert texts(collected) == EXPECTED
    said = [why for path, why in collected.ignored if "eve" in path] + [
        h.trouble for h in collected.handed_in
    ]
    assert any(why and reason in why for why in said)


def test_no_more_comes_out_of_an_archive_and_those_in_it_than_is_meant(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_most", lambda _archive: 20_000)
    one = {f"{n}/05.ipynb": work("05", str(n)) for n in range(9)}
    place = lay(layouts.folders() | {"eve.zip": zipped({"in.zip": zipped(one)})}, tmp_path / "class")
    collected = collect(place, stages=STAGES)
    assert texts(collected) >= EXPECTED
    assert reasons(collected)["in.zip"].startswith("more comes out of this zip")


# reading ----------------------------------------------------------------------------------------------


ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(encoding):
    content = notebook("05", "größer").copy()
    data = json.dumps(content, ensure_ascii=False).replace("…", ".").replace("·", "-").encode(encoding)
    assert "größer" in read_notebook(data).cells[1].source


def shape(**changes):
    return notebook("05", "mine") | changes


SLIGHTLY_WRONG = {
    "no kernelspec name": shape(metadata={"kernelspec": {"name": 3}}),
    "no metadata": {"cells": notebook("05", "mine")["cells"]},
    "metadata a list": shape(metadata=[]),
    "minor 0": shape(nbformat_minor=0),
    "minor 99": shape(nbformat_minor=99),
    "format as text": shape(nbformat="four"),
    "version 3": {
        "nbformat": 3,
        "worksheets": [
            {"cells": [{"cell_type": "heading", "level": 1, "source": "t"}]},
            {
                "cells": [
                    c | {"input": c["source"], "source": None, "language": "python"}
                    for c in notebook("05", "mine")["cells"]
                ]
            },
        ],
    },
    "outputs wrong": shape(cells=[c | {"outputs": {"data": 1}} for c in notebook("05", "mine")["cells"]]),
    "attachments": shape(
        cells=[c | {"attachments": {"a.png": {"image/png": 1}}} for c in notebook("05", "mine")["cells"]]
    ),
    "ids twice": shape(cells=[c | {"id": "05-1-task"} for c in notebook("05", "mine")["cells"]]),
    "ids odd": shape(cells=[c | {"id": [1]} for c in notebook("05", "mine")["cells"]]),
    "no cell metadata": shape(cells=[c | {"metadata": None} for c in notebook("05", "mine")["cells"]]),
    "no kinds": shape(cells=[{"source": c["source"]} for c in notebook("05", "mine")["cells"]]),
    "strangers among the cells": shape(cells=[None, 3, "x", [], *notebook("05", "mine")["cells"]]),
    "marks odd": shape(
        cells=[
            c | {"metadata": {"nbgrader": {"grade_id": [1]}, "tags": "x"}}
            for c in notebook("05", "mine")["cells"]
        ]
    ),
}


@pytest.mark.parametrize("case", SLIGHTLY_WRONG)
def test_notebooks_that_are_slightly_wrong_are_read_and_come_out_right(case, gather):
    found = read_notebook(written(SLIGHTLY_WRONG[case]))
    nbformat.validate(found)
    assert sum("return 'mine'" in cell.source for cell in found.cells) == 5
    assert the(
        gather({"ada/x.ipynb": written(SLIGHTLY_WRONG[case]), "ben/05.ipynb": handout()}), "ada"
    ).notebook


def test_lines_surrogates_numbers_and_control_characters():
    data = written(shape()).decode().replace("'mine'", r"'\ud800 \ud83d\ude00'").replace(r"\n", r"\r\n")
    data = data.replace(
        '"nbformat"', f'"x": NaN, "y": -Infinity, "z": {"9" * 5000}, "w": "a\x01\tb", "nbformat"'
    )
    (first,) = [cell for cell in read_notebook(data.encode()).cells if cell.id == "05-1-task"]
    assert first.source.endswith("    return '\ufffd \U0001f600'")
    assert "\r" not in first.source
    nbformat.writes(read_notebook(data.encode())).encode()


NOT_READABLE = {
    b"": "the file is empty",
    b" \n": "the file is empty",
    b"\x00" * 50: "nothing but zeros",
    b"PK\x03\x04....": "a zip file under another name",
    b"%PDF-1.7": "a PDF",
    b"\n<!DOCTYPE html><html>": "a web page",
    b"version https://git-lfs.github.com/spec/v1\noid": "git LFS",
    b"import torch\n": "does not begin as one",
    b'{"cells": [': "ended early, at byte 11",
    b'{"cells": [{"source": "x = ': "ended early",
    b'{"cells": [1 2]}': "from line 1 on",
    b'{"cells": [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> b\n]}': "from line 2 on; ask for one of them",
    b"{}": "holds no cells",
    b"[1, 2]": "holds no cells",
    b'{"cells": {}, "worksheets": [3]}': "holds no cells",
    b"[" * 100_000: "too deep",
    b'{"a":' * 100_000: "too deep",
}


@pytest.mark.parametrize("data", NOT_READABLE, ids=range(len(NOT_READABLE)))
def test_what_cannot_be_read_says_what_it_is_and_what_to_do(data):
    with pytest.raises(LabError, match=NOT_READABLE[data]) as refused:
        read_notebook(data)
    assert "ask for" in str(refused.value)


def test_the_labs_own_notebooks_are_read_as_nbformat_reads_them():
    for path in sorted((Path(__file__).parent.parent / "solutions").glob("*.ipynb")):
        ours, theirs = read_notebook(path), nbformat.read(path, as_version=4)
        assert [(c.id, c.cell_type, c.source) for c in ours.cells] == [
            (c.id, c.cell_type, c.source) for c in theirs.cells
        ]
        nbformat.validate(ours)
    assert [grade_id(cell) for cell in read_notebook(written(solved())).cells] == [
        grade_id(c) for c in solved().cells
    ]


@pytest.mark.parametrize("many", [b"{}", b"[]", b'{"source": "x"}'])
def test_a_notebook_of_very_many_small_things_does_not_fill_the_memory(many):
    data = b'{"cells": [' + many + (b"," + many) * (2**21 // (1 + (len(many) > 2))) + b"]}"
    with pytest.raises(LabError, match=r"2,000,000 brackets|100,000 are read"):
        read_notebook(data)


def test_a_student_with_more_files_than_a_class_costs_no_one_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "MOST_FILES", 20)
    files = (
        layouts.folders() | {f"eve/a/{n}.csv": b"" for n in range(25)} | {"eve/05.ipynb": work("05", "eve")}
    )
    collected = collect(lay(files, tmp_path / "class"), stages=STAGES)
    assert texts(collected) == EXPECTED | {("eve", "05", "eve")}
    assert reasons(collected)["a"] == "more than 20 files; it is not looked at"


def test_what_students_write_brings_no_warnings(gather, recwarn):
    content = notebook("05", "", solved=0)
    content["cells"][1]["source"] = (
        'def answer_1(x):\n    """\\d"""\n    raise NotImplementedError("TODO 05.1")'
    )
    gather({"ada/05.ipynb": written(content), f"ben/{NAME}": handout()})
    assert [str(warning.message) for warning in recwarn] == []


# fuzz -------------------------------------------------------------------------------------------------

ODD = [
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    [],
    {},
    [[]],
    {"a": None},
    "\ud800",
    10**30,
    float("nan"),
    ["a", 1],
    "05-1-task",
]


def mutated(rng):
    """A notebook, changed in its bytes, its JSON, its order or its encoding, as files are on their way."""
    content = notebook(rng.choice(STAGES), "mine")
    for _ in range(rng.choice([0, 0, 1, 3])):
        spot(rng, content)
    if rng.random() < 0.3 and isinstance(content.get("cells"), list):
        rng.shuffle(content["cells"])
    text = json.dumps(content, ensure_ascii=rng.random() < 0.5)
    data = text.encode(rng.choice(["utf-8", "utf-8", *ENCODINGS]), errors=rng.choice(["replace", "ignore"]))
    for _ in range(rng.choice([0, 0, 1, 5])):
        at = rng.randrange(len(data) + 1)
        data = rng.choice(
            [data[:at], data[at:], data[:at] + rng.randbytes(3) + data[at:], data[:at] + data[at + 9 :]]
        )
    return data


def spot(rng, content):
    """Change one value somewhere in a notebook, or take it out."""
    holder = content
    while True:
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
        below = holder[key]
        if not isinstance(below, dict | list) or not below or rng.random() < 0.2:
            break
        holder = below
    if rng.random() < 0.3:
        del holder[key]
    else:
        holder[key] = deepcopy(rng.choice([*ODD, notebook("06", "other")["cells"]]))


def test_mutated_notebooks_are_a_row_or_have_their_reason(tmp_path):
    count = int(os.environ.get("LABKIT_FUZZ", 400))
    rng = random.Random(2014)
    files = {f"s{n:04}/{n}.ipynb": mutated(rng) for n in range(count)}
    collected = collect(lay(files, tmp_path / "class"), stages=STAGES)
    rows = {h.student for h in collected.handed_in}
    ignored = {Path(path).parts[-2] for path, reason in collected.ignored if reason}
    assert rows | ignored == {Path(name).parts[0] for name in files}
    read = [h for h in collected.handed_in if h.notebook is not None]
    assert count / 4 < len(read) < count
    for found in read:
        nbformat.writes(found.notebook).encode()
    assert all(len(h.trouble) > 10 for h in collected.handed_in if h.notebook is None)
    told(collected).encode()
