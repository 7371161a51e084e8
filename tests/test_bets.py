"""Bets: a guess is kept until the notebook has computed the answer, in whatever order cells run."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from browser import lab, open_notebook, page, run_all, wait_idle
from nbclient import NotebookClient

from labkit import show
from labkit.errors import LabError
from labkit.show import bet_texts, bets

ROOT = Path(__file__).parent.parent
WIDGET = bet_texts.WIDGET


@pytest.fixture(autouse=True)
def _no_bets():
    bets.forget()
    yield
    bets.forget()


def ask_number(name="precision", **changes):
    show.bet(name, "How many of five?", **{"low": 0, "high": 5, "unit": "of 5"} | changes)


def ask_choice(name="depth"):
    show.bet(name, "Edges or eyes?", options=["edges", "eyes"])


def test_a_number_is_measured_against_the_guess(capsys):
    ask_number()
    bets.guess("precision", 3)
    show.settle("precision", 4.7)
    assert capsys.readouterr().out.splitlines() == [
        "Your bet? How many of five? (0 to 5)",
        "You said 3 of 5; it is 4.7 (off by 1.7).",
    ]


def test_a_choice_is_right_or_not(capsys):
    ask_choice()
    bets.guess("depth", "eyes")
    show.settle("depth", "edges")
    show.settle("depth", "eyes")
    assert capsys.readouterr().out.splitlines() == [
        "Your bet? Edges or eyes? (edges · eyes)",
        "You said eyes; the answer: edges (not right).",
        "You said eyes; the answer: eyes (right).",
    ]


def test_without_a_guess_only_the_answer_is_told(capsys):
    ask_number()
    capsys.readouterr()
    show.settle("precision", 4.7)
    assert capsys.readouterr().out == "It is 4.7 of 5.\n"


@pytest.mark.parametrize(
    "value", [4.5, np.float32(4.5), np.array(4.5), torch.tensor(4.5), torch.tensor([4.5])]
)
def test_answers_of_any_kind_of_number_are_taken(value, capsys):
    ask_number()
    show.settle("precision", value)
    assert "It is 4.5 of 5." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("low", "high", "guess", "answer", "told"),
    [
        (0, 1, 0.5, 0.4567, "You said 0.5; it is 0.46 (off by 0.04)."),
        (0, 100, 40, 39.6, "You said 40; it is 40 (exactly right)."),
        (0, 147, 100, 4, "You said 100; it is 4 (off by 96)."),
        (1, 5000, 2000, 1234.5, "You said 2000; it is 1234 (off by 766)."),
        (0, 5, 3, 7.25, "You said 3; it is 7.25 (off by 4.25)."),
        (0, 5, 3, float("nan"), "You said 3; it is nan (off by nan)."),
    ],
)
def test_numbers_have_as_many_digits_as_their_range_is_worth(low, high, guess, answer, told, capsys):
    ask_number(low=low, high=high, unit="")
    bets.guess("precision", guess)
    show.settle("precision", answer)
    assert capsys.readouterr().out.splitlines()[-1] == told


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (6, "expected a number from 0 to 5, got 6"),
        ("-1", "expected a number from 0 to 5, got -1"),
        ("nan", "expected a number from 0 to 5, got nan"),
        ("many", "expected a number from 0 to 5, got 'many'"),
    ],
)
def test_a_guess_outside_the_range_is_refused_and_the_one_before_stays(said, why, capsys):
    ask_number()
    bets.guess("precision", 3)
    with pytest.raises(LabError, match=f"^{re.escape(why)}$"):
        bets.guess("precision", said)
    show.settle("precision", 3)
    assert "You said 3 of 5" in capsys.readouterr().out


def test_a_wrong_option_and_an_unknown_bet_are_refused():
    ask_choice()
    with pytest.raises(LabError, match=r"expected one of \['edges', 'eyes'\], got 'ears'"):
        bets.guess("depth", "ears")
    with pytest.raises(LabError, match=r"no bet 'width'; try one of \['depth'\]"):
        bets.guess("width", 3)


@pytest.mark.parametrize("said", ["3.5", "3,5", " 3.5 of 5 ", 3.5])
def test_a_number_is_read_as_people_write_it(said):
    ask_number()
    assert bets.guess("precision", said) == "Your bet: 3.5 of 5."


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"low": 0},
        {"low": 5, "high": 0},
        {"options": ["one"]},
        {"low": 0, "high": 1, "options": ["a", "b"]},
    ],
)
def test_a_bet_without_a_range_or_a_choice_is_refused(terms):
    with pytest.raises(LabError, match="bet 'x': expected a range or two options or more, got"):
        show.bet("x", "What?", **terms)


@pytest.mark.parametrize(("ask", "value"), [(ask_number, "edges"), (ask_choice, 3), (ask_number, [1, 2])])
def test_an_answer_of_another_kind_than_the_bet_is_refused(ask, value):
    ask("x")
    with pytest.raises(LabError, match="bet 'x': expected"):
        show.settle("x", value)


def test_cells_may_run_in_any_order_and_twice(capsys):
    show.settle("precision", 2)
    show.how_well_you_knew()
    ask_number()
    bets.guess("precision", 1)
    bets.guess("precision", 4)
    ask_number()  # run again: the guess stays
    show.settle("precision", 2)
    show.settle("precision", 3)
    out = capsys.readouterr().out
    assert out.startswith("It is 2.\nHow well you knew\n- precision You said: no bet.")
    assert out.endswith("You said 4 of 5; it is 2 (off by 2).\nYou said 4 of 5; it is 3 (off by 1).\n")


def test_a_guess_at_another_question_is_forgotten(capsys):
    ask_number()
    bets.guess("precision", 4)
    ask_number(high=3)
    show.settle("precision", 2)
    assert "You said" not in capsys.readouterr().out


def test_an_empty_guess_takes_the_bet_back(capsys):
    ask_number()
    bets.guess("precision", 4)
    assert bets.guess("precision", "") == "No bet yet."
    show.settle("precision", 2)
    assert "You said" not in capsys.readouterr().out


def test_the_table_tells_how_near_and_what_is_open(capsys):
    ask_number()
    ask_choice()
    ask_number("unbet")
    ask_number("later")
    bets.guess("precision", 3)
    bets.guess("depth", "eyes")
    for name, value in {"unbet": 1, "precision": 4.7, "depth": "eyes"}.items():
        show.settle(name, value)
    capsys.readouterr()
    show.how_well_you_knew()
    assert capsys.readouterr().out.splitlines() == [
        "How well you knew",
        "- How many of five? You said: 3 of 5. Answer: 4.7 of 5. Off by 1.7, 34 % of the range.",
        "- Edges or eyes? You said: eyes. Answer: eyes. Right.",
        "- How many of five? You said: no bet. Answer: 1 of 5.",
        "You bet on 2 of 3. Numbers: off by 34 % of the range on average. Choices: 1 of 1 right.",
        "Not computed yet: How many of five?",
    ]


def test_markup_is_escaped_and_a_table_has_headings():
    ask = bets._asked("x", "Is 1 < 2?", 0, 1, "<b>", ())
    table = bet_texts.table([(ask, 0.5, 1.0)], [])["text/html"]
    assert "Is 1 &lt; 2?" in table
    assert "&lt;b&gt;" in table
    assert table.count("<th scope='col'") == 3
    assert table.count("<th scope='rowgroup' colspan='3'") == 1


def executed(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120).execute()
    return [
        [output.get("data", {"text/plain": output.get("text")}) for output in cell.outputs]
        for cell in notebook.cells
    ]


ASK = "from labkit import show\nshow.bet('n', 'How many?', low=0, high=5)"


MOVE = """
import ipywidgets
from ipywidgets.widgets.widget import _instances
(control,) = [widget for widget in _instances.values() if type(widget) is ipywidgets.Text]
(status,) = [widget for widget in _instances.values() if type(widget) is ipywidgets.HTML]
control.value = {!r}
print(status.value)
show.settle('n', 4)
"""


@pytest.mark.slow
def test_in_a_notebook_the_question_is_text_and_the_control_keeps_the_guess():
    cells = executed(ASK, *(MOVE.format(text) for text in ("3", "9")), "show.how_well_you_knew()")
    question, control = cells[0]
    assert question["text/plain"] == "Your bet? How many? (0 to 5)"
    assert control["text/plain"] == "Run this cell to bet."
    assert WIDGET in control
    assert "Your bet: 3." in cells[1][0]["text/plain"]
    assert cells[1][-1]["text/plain"] == "You said 3; it is 4 (off by 1)."
    assert "No bet yet: expected a number from 0 to 5, got 9." in cells[2][0]["text/plain"]
    assert cells[2][-1]["text/plain"] == "It is 4."
    assert "no bet" in cells[3][0]["text/plain"]


def calls(source):
    """Function -> the names that show.function is given first, in the order of the source."""
    found = {"bet": [], "settle": [], "how_well_you_knew": []}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="show"), attr=name), args=args) if (
                name in found
            ):
                found[name].append(args[0].value if args else "")
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.py")), ids=lambda path: path.stem)
def test_in_each_notebook_every_bet_is_settled_and_the_end_says_how_well_you_knew(path):
    found = calls(path.read_text("utf-8"))
    assert len(found["bet"]) == len(set(found["bet"])) >= 2
    assert sorted(found["bet"]) == sorted(found["settle"])
    assert len(found["how_well_you_knew"]) == 1


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_in_an_executed_solution_every_answer_is_a_value_that_can_be_bet(path):
    """Nobody bets there; what is saved is the question, the range, and what it is."""
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    asked = [text for text in texts if text.startswith("Your bet?")]
    told = [text for text in texts if text.startswith(("It is ", "The answer: "))]
    assert len(asked) == len(told) >= 2
    assert not any("not among the options" in text for text in told)
    assert not any("You said" in text and "no bet" not in text for text in texts)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_bet_is_made_by_keyboard_and_measured(theme, tmp_path):
    sources = [
        ASK,
        "show.bet('c', 'Edges or eyes?', options=['edges', 'eyes'])",
        "show.settle('n', 4.7)\nshow.settle('c', 'eyes')",
        "show.how_well_you_knew()",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }  # else JupyterLab asks for one
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "bets.ipynb")
    with page() as tab, lab(tmp_path, theme=theme) as address:
        open_notebook(tab, address, "bets.ipynb")
        run_all(tab)
        assert tab.get_by_text("It is 4.7.").count() >= 1
        field = tab.get_by_label("Your bet (0 to 5)")
        field.focus()
        tab.keyboard.type("9")
        tab.keyboard.press("Enter")
        tab.get_by_text("No bet yet: expected a number from 0 to 5, got 9.").wait_for()
        tab.keyboard.press("Control+a")
        tab.keyboard.type("3")
        tab.keyboard.press("Enter")
        tab.get_by_text("Your bet: 3.", exact=True).wait_for()
        tab.keyboard.press("Tab")
        tab.get_by_role("button", name="edges", exact=True).focus()
        tab.keyboard.press("Space")
        tab.get_by_text("Your bet: edges.", exact=True).wait_for()
        wait_idle(tab)
        for source in (2, 3):
            tab.locator(".jp-CodeCell").nth(source).locator(".jp-InputArea-editor").click()
            tab.keyboard.press("Control+Enter")
            wait_idle(tab)
        tab.get_by_text("You said 3; it is 4.7 (off by 1.7).").wait_for()
        tab.get_by_text("You said edges; the answer: eyes (not right).").wait_for()
        tab.get_by_text(
            "You bet on 2 of 2. Numbers: off by 34 % of the range on average. Choices: 0 of 1 right."
        ).wait_for()
        assert least_contrast(tab) >= 4.5
        tab.screenshot(path=tmp_path / "bets.png")
        tab.keyboard.press("Escape")
        tab.keyboard.press("Control+s")
        wait_idle(tab)
    with (
        page() as tab,
        lab(tmp_path, theme=theme) as address,
    ):  # saved, and opened without its kernel's widgets
        open_notebook(tab, address, "bets.ipynb")
        tab.locator(".labkit-bets").wait_for()
        tab.wait_for_timeout(2000)
        tab.screenshot(path=tmp_path / "reopened.png")
        shown = tab.locator(".jupyter-widgets:not(:has(*))")
        sizes = shown.evaluate_all("all => all.map(widget => getComputedStyle(widget).fontSize)")
        assert sizes == ["0px"] * 2  # in place of "model not found"
        hint = shown.evaluate_all("all => all.map(widget => getComputedStyle(widget, '::after').content)")
        assert hint == ['"Run this cell to bet."'] * 2


LEAST_CONTRAST = """() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(
            v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const texts = [...document.querySelectorAll(
        ".labkit-bet-asked, .labkit-bet-settled, .labkit-bets td, .labkit-bets th, .labkit-bets p, .labkit-bets b, "
        + ".jp-OutputArea-output .widget-label, .jp-OutputArea-output button, "
        + ".jp-OutputArea-output .widget-html-content")];
    return Math.min(...texts.map(text => {
        const [a, b] = [light(getComputedStyle(text).color), light(ground(text))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }));
}"""


def least_contrast(tab):
    """The smallest contrast of a bet's text to its ground, as WCAG counts it."""
    return tab.evaluate(LEAST_CONTRAST)
