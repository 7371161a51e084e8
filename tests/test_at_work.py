"""What a student meets between the first cell and the last: Run All, checks too early, hints."""

import threading

import nbformat
import pytest
from browser import lab, open_notebook, page, run_all
from kernels import kernel
from lab import nbval, slim, solved, with_cell

from labkit.errors import LabError
from labkit.exercises import check, exercises, find, hint, hint_cards, stages
from labkit.exercises.code_in_text import with_code

NAME = "05_guided_backprop.ipynb"
SET_UP = "import torch\nfrom labkit import check, hint"
CHECK = 'check("05.2", saliency_map)'
STUB = 'def saliency_map(gradient):\n    raise NotImplementedError("TODO 05.2")'
WRONG = "def saliency_map(gradient):\n    return gradient"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with kernel(tmp_path_factory.mktemp("student")) as run:
        run(SET_UP)
        yield run


@pytest.fixture
def no_function(run):
    run("globals().pop('saliency_map', None)")
    return run


@pytest.mark.parametrize(("task", "state"), [(STUB, "not attempted"), (WRONG, "wrong")])
def test_where_a_student_works_a_check_that_fails_is_shown_once_and_ends_no_run(run, task, state):
    run(task)
    here = run(CHECK)
    assert (here.failed, here.errors) == (False, [])
    assert here.html.count("labkit-verdict'") == 1
    assert f"From a gradient to a saliency map: {state}" in here.html
    nobody = run(CHECK, somebody_there=False)
    assert nobody.failed
    assert len(nobody.errors) == 1
    assert state in nobody.errors[0]


@pytest.mark.parametrize("somebody_there", [True, False])
def test_a_check_before_its_task_cell_says_so_and_has_failed(no_function, somebody_there):
    here = no_function(CHECK, somebody_there=somebody_there)
    assert here.failed
    assert "05.2 From a gradient to a saliency map: not attempted" in here.html
    assert "first run the TODO 05.2 cell" in here.html
    assert len(here.errors) == 1
    assert "NameError" not in here.errors[0]


@pytest.mark.parametrize(
    "code", ["saliency_map", 'check("05.2", of_another_name[saliency_map])', 'check("55.2", saliency_map)']
)
def test_any_other_name_error_is_pythons_own(no_function, code):
    here = no_function(code)
    assert here.failed
    assert "is not defined" in here.errors[0]
    assert here.html == ""


def test_a_handler_that_somebody_else_has_set_stays(tmp_path):
    with kernel(tmp_path) as run:
        run("get_ipython().set_custom_exc((ZeroDivisionError,), lambda *a, **k: print('theirs'))")
        run(SET_UP)
        assert run("1 / 0").text.startswith("theirs")


LONG = """import time
def wait():
    for number in range(1000):
        time.sleep(0.05)
wait()"""


def test_a_cell_that_is_stopped_says_where_it_was_in_one_sentence(tmp_path):
    with kernel(tmp_path) as run:
        run(SET_UP)
        timer = threading.Timer(1.0, run.manager.interrupt_kernel)
        timer.start()
        stopped = run(LONG)
    assert stopped.failed
    (told,) = stopped.traceback
    assert told == "Stopped at line 4, time.sleep(0.05): run the cell again to begin it anew."


def test_a_bar_counts_while_a_student_waits_and_is_gone_at_the_end(tmp_path):
    code = (
        "from labkit import show\nimport time\nfor n in show.watch(range(3), 'steps'):\n    time.sleep(0.3)"
    )
    with kernel(tmp_path) as run:
        assert "0 of 3 steps" in run(code).html
        assert "2 of 3 steps" in run(code).html
        assert run(code).last == ""
        assert run(code, somebody_there=False).html == ""
        assert run("list(show.watch((n for n in 'ab'), total=2))", somebody_there=False).text == "['a', 'b']"


@pytest.mark.slow
def test_nbval_counts_what_is_not_solved_and_what_comes_too_early(tmp_path):
    notebook = slim(solved())
    (early,) = [cell for cell in notebook.cells if cell.id == "01-2-check"]
    notebook.cells.remove(early)
    notebook.cells.insert(1, early)
    died = nbval(with_cell(notebook, "01-1-task", "def first_layer_filters(net):\n    return net"), tmp_path)
    assert sorted(died) == [1, 3]
    assert "not attempted" in died[1]
    assert "wrong" in died[3]


# hints


@pytest.mark.parametrize("wrong", ["1.1", 1.1, "01-1", "Exercise 1.1"])
def test_an_id_written_in_another_way_is_offered_as_it_is_written_here(wrong):
    for ask in (hint, lambda wrong: check(wrong, len)):
        with pytest.raises(LabError, match=r"try one of \['01.1'\]$"):
            ask(wrong)


def test_a_number_that_is_no_hints_is_refused():
    for number in (0, 4, "1", None, 1.5):
        with pytest.raises(LabError, match=r"05\.2 has hints 1 to 3, got"):
            hint("05.2", number)


def test_hints_are_opened_one_at_a_time_from_the_one_that_was_asked_for(run):
    asked = run('hint("05.2")')
    assert asked.html.count("<details") == 2
    assert (
        asked.html.index("Hint 1 of 3")
        < asked.html.index("Show hint 2 of 3")
        < asked.html.index("Hint 3 of 3")
    )
    assert "open" not in asked.html.partition("<details")[2][:20]
    assert run('hint("05.2", 3)').html.count("<details") == 0
    assert "Next: hint('05.2', 2)" in asked.text


def test_the_last_hint_leads_to_the_solution_where_it_was_handed_out(tmp_path):
    (tmp_path / "notebooks").mkdir()
    with kernel(tmp_path / "notebooks") as run:
        run(SET_UP)
        assert "<a " not in run('hint("05.2")').html
        (tmp_path / "solutions").mkdir()
        (tmp_path / "solutions" / NAME).touch()
        link = f"<a href='../solutions/{NAME}#cell-id=05-2-task'"
        assert link in run('hint("05.2")').html.rpartition("Hint 3 of 3")[2]
        assert "<a " not in run('hint("05.2")', somebody_there=False).html


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Take gradient.abs(), then the colours are dim=1.", ["gradient.abs()", "dim=1"]),
        ("dx, dy = offsets.unbind(-1), each (grid, grid).", ["dx, dy = offsets.unbind(-1)"]),
        ("In every round, leaf = image.clone(): no more.", ["leaf = image.clone()"]),
        ("It is 0.5 - image; up or down.", ["0.5 - image"]),
        ("cross-entropy of a one-hot, 1 × 1 (see 06.3), and/or.", []),
        ("if not any(a[i] > b for i in c): c.append(i)", ["if not any(a[i] > b for i in c)", "c.append(i)"]),
        ("a = 1; b = a // 2 % 3; done", ["a = 1; b = a // 2 % 3"]),
        ("Take it from `window`. Not <b>.", ["window"]),
        ("Then .amax(dim=(-2, -1)) of it.", [".amax(dim=(-2, -1))"]),
    ],
)
def test_python_in_a_sentence_is_set_as_code(text, code):
    pieces = with_code(text).replace("&gt;", ">").split("<code ")[1:]
    assert [piece.partition(">")[2].partition("</code>")[0] for piece in pieces] == code
    assert "<b>" not in with_code(text)


def test_no_hint_of_the_lab_loses_a_letter_on_its_card():
    from html import unescape
    from re import sub

    for exercise in (one for stage in stages() for one in exercises(stage)):
        for text in exercise.hints:
            assert unescape(sub(r"</?code[^>]*>", "", with_code(text))) == text.replace("`", "")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_verdicts_and_hints_pass_axe_and_open_by_keyboard(theme, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    codes = [
        SET_UP,
        STUB,
        CHECK,
        WRONG,
        CHECK,
        "saliency_map = lambda g: g.abs().amax(1)",
        CHECK,
        'hint("05.2")',
    ]
    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / NAME)
    with page() as tab, lab(tmp_path, theme=theme) as address:
        open_notebook(tab, address, NAME)
        run_all(tab)
        tab.locator(".labkit-hint").wait_for()
        assert tab.locator(".labkit-verdict").count() == 3
        for number in (2, 3):
            tab.get_by_text(f"Show hint {number} of 3").focus()
            tab.keyboard.press("Enter")
            assert tab.get_by_text(f"Hint {number} of 3 for 05.2").is_visible()
        for part in (".labkit-verdict", ".labkit-hint"):
            found = Axe().run(tab, context=part)
            assert found.response["violations"] == [], found.generate_report()
        tab.screenshot(path=tmp_path / "cards.png")


def test_a_card_tells_its_hint_whatever_the_hint_holds():
    exercise = find("05.3")
    assert "x &gt; 0" in hint_cards.as_html(exercise, 1)
    assert "x > 0" in hint_cards.as_text(exercise, 1)
