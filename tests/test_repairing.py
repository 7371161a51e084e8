"""The line to look at: found where one small change makes a wrong answer right, and named in no other case."""

import sys
from time import perf_counter

import pytest
import torch
from lab import written

from labkit.checks.edits import edits
from labkit.checks.edits.insertions import INSERTIONS
from labkit.checks.exercise import PUBLIC_SEED, Exercise
from labkit.checks.expect import expect_close
from labkit.checks.repairing import line_to_look_at
from labkit.checks.watching import LateError, deadline, values_of_variables

SPREAD = Exercise(
    id="99.1",
    title="Spread",
    points=1,
    minutes=3,
    hints=(),
    cases=lambda generator: {"three rows": torch.randn(3, 5, generator=generator)},
    answer=lambda f, rows: {"spread": f(rows)},
    judge=lambda rows, answer: expect_close(
        "spread", answer["spread"], (rows - rows.mean(dim=1, keepdim=True)).abs().amax(dim=1), why="as said"
    ),
    mistakes=(),
)
RIGHT = """
def spread(rows):
    centred = rows - rows.mean(dim=1, keepdim=True)
    return centred.abs().amax(dim=1)
"""


def line(text, exercise=SPREAD, **names):
    return line_to_look_at(exercise, written(text, "spread", **names), PUBLIC_SEED, "three rows", seconds=10)


WRONG = {
    "another operator": ("rows - rows", "rows + rows", 3),
    "another axis": ("amax(dim=1)", "amax(dim=0)", 4),
    "another function": ("amax", "amin", 4),
    "a square too many": ("centred.abs()", "centred.abs().square()", 4),
    "keepdim left out": (", keepdim=True", "", 3),
    "an index too many": ("amax(dim=1)", "amax(dim=1)[:2]", 4),
    "another variable": ("centred.abs()", "rows.abs()", 4),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_line_is_named_in_which_one_change_makes_it_right(name):
    right, wrong, number = WRONG[name]
    told = line(RIGHT.replace(right, wrong, 1))
    assert f"in line {number} of your cell makes it right: " in told
    assert told.endswith(RIGHT.replace(right, wrong, 1).splitlines()[number - 1].strip())


def test_a_return_within_the_loop_is_found():
    told = line("""
        def spread(rows):
            found = []
            for row in rows:
                found.append((row - row.mean()).abs().max())
                return torch.stack(found)
    """)
    assert "in line 6 of your cell" in told or "in line 4 of your cell" in told


def test_two_errors_name_no_line():
    assert line(RIGHT.replace("amax", "mean").replace("rows - rows", "rows * rows")) == ""


@pytest.mark.parametrize(
    "function",
    [len, torch.nn.Identity(), lambda rows: rows, (lambda inner: lambda rows: inner(rows))(len)],
    ids=["built in", "object", "lambda", "closure"],
)
def test_what_has_no_text_of_its_own_names_no_line(function):
    assert isinstance(line_to_look_at(SPREAD, function, PUBLIC_SEED, "three rows"), str)


def test_a_change_that_never_ends_is_given_up_in_time():
    start = perf_counter()
    told = line_to_look_at(
        SPREAD,
        written(
            """
            def spread(rows):
                n = 3
                while n != 0:
                    n = n - 1
                return rows
            """,
            "spread",
        ),
        PUBLIC_SEED,
        "three rows",
        seconds=0.5,
    )
    assert told == ""
    assert perf_counter() - start < 20
    assert sys.gettrace() is None or "LateError" not in repr(sys.gettrace())


def test_it_says_nothing_and_leaves_the_students_names_alone(capsys):
    seen = []
    line(
        """
        def spread(rows):
            print("hello")
            seen.append(1)
            return rows.abs().amax(dim=0)
        """,
        seen=seen,
    )
    assert capsys.readouterr().out == ""


def test_a_deadline_ends_a_loop_of_its_file_alone():
    namespace = {}
    exec(
        compile("def run():\n while True:\n  try: pass\n  except Exception: pass", "<slow>", "exec"),
        namespace,
    )
    before = sys.gettrace()
    with pytest.raises(LateError), deadline(perf_counter() + 0.05, "<slow>"):
        namespace["run"]()
    assert sys.gettrace() is before


def test_values_of_variables_are_those_at_the_end_of_the_first_call():
    function, rows = written(RIGHT, "spread"), torch.randn(3, 5)
    values = values_of_variables(function.__code__.co_filename, lambda: (function(rows), function(-rows)))
    assert values.keys() == {"rows", "centred"}
    assert values["rows"] is rows


def test_every_change_is_undone():
    import ast

    tree = ast.parse(RIGHT)
    before, texts = ast.unparse(tree), set()
    for edit in edits(tree.body[0], {"rows": torch.ones(3, 5), "centred": torch.ones(3, 5)}, more=INSERTIONS):
        with edit.applied():
            texts.add(ast.unparse(ast.fix_missing_locations(tree)))
        assert ast.unparse(tree) == before
    assert len(texts) > 60
