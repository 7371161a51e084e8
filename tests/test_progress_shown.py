"""Progress as a student meets it: in a notebook's kernel, on the command line, in JupyterLab."""

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from browser import lab, open_notebook, page, wait_idle
from jupyter_client.manager import start_new_kernel
from lab import nbval, released, slim, solved, with_cell
from rich.console import Console
from typer.testing import CliRunner

from labkit.authoring.build import execute
from labkit.cli import app
from labkit.errors import LabError
from labkit.exercises import exercises, find
from labkit.exercises.memory import FILE, Said, append
from labkit.exercises.panel import progress
from labkit.exercises.panel_texts import as_html, as_text
from labkit.exercises.standings import How, Progress, Standing, progress_in
from labkit.exercises.texts import fingerprint

NAME = "01_first_layer_filters.ipynb"
PANEL = 'from labkit.exercises.panel import progress\n\nprogress("01")'
SET_UP = "import torch\nfrom labkit import check"
CHECK = 'check("01.2", scale_filters)'
WRONG = "def scale_filters(filters):\n    return filters"


def code_of(notebook, cell_id):
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return cell.source


RIGHT = code_of(solved(), "01-2-task")


def remember(folder, *ids):
    """As if the checks of the solutions of stage 01 had passed a minute ago."""
    notebook = solved()
    for exercise in map(find, ids):
        text = fingerprint(code_of(notebook, f"{exercise.slug}-task"))
        append(Said(exercise.id, exercise.title, True, text, time.time() - 60), folder)


@pytest.fixture
def folder(tmp_path):
    """A student's folder: stage 01 as it is handed out, but 01.2 solved and saved; no check has been run."""
    nbformat.write(with_cell(released(), "01-2-task", RIGHT), tmp_path / NAME)
    return tmp_path


def passing(folder):
    return {standing.exercise.id for standing in progress_in(folder).standings if standing.passes}


@contextmanager
def kernel(folder, **environment):
    """A notebook's kernel in a folder: run(code) gives all that was shown, as text and as markup."""
    manager, client = start_new_kernel(cwd=str(folder), env=os.environ | environment)

    def run(code, *, somebody_there=True):
        shown = []
        client.execute_interactive(
            code,
            allow_stdin=somebody_there,
            output_hook=lambda message: shown.append(message["content"]),
            timeout=120,
        )
        return "\n".join("\n".join(map(str, content.get("data", {}).values())) for content in shown)

    try:
        run(SET_UP)
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# in a kernel


def test_a_passed_check_is_remembered_when_its_kernel_has_ended(folder):
    nbformat.write(released(), folder / NAME)
    with kernel(folder) as run:
        assert "0 of 6 exercises pass" in run(PANEL)
        run(RIGHT)
        shown = run("%cd /\n" + CHECK)  # the memory stays beside the notebook
        assert "passed" in shown
        assert "1 of 6 exercises pass" in shown  # the panel follows
    assert [one.exercise.id for one in progress_in(folder).those(How.NOT_SAVED)] == ["01.2"]
    assert passing(folder) == {"01.2"}
    nbformat.write(with_cell(released(), "01-2-task", RIGHT), folder / NAME)
    assert [one.exercise.id for one in progress_in(folder).those(How.PASSES)] == ["01.2"]
    assert sorted(path.name for path in folder.iterdir()) == [FILE, NAME]
    with kernel(folder) as run:
        assert "1 of 6 exercises pass" in run(PANEL)


def test_the_latest_check_counts_and_an_edit_that_is_saved_undoes_a_pass(folder):
    with kernel(folder) as run:
        run(RIGHT)
        run(CHECK)
        run(WRONG)
        assert "wrong" in run(CHECK)
    assert passing(folder) == set()  # what is saved is older than this check
    nbformat.write(with_cell(released(), "01-2-task", RIGHT + "\n# a remark"), folder / NAME)
    assert passing(folder) == {"01.2"}  # taken back: that text has passed
    nbformat.write(with_cell(released(), "01-2-task", RIGHT + "\nscale_filters = None"), folder / NAME)
    assert [one.exercise.id for one in progress_in(folder).those(How.CHANGED)] == ["01.2"]
    assert passing(folder) == set()


def test_without_a_student_and_in_grading_nothing_is_remembered_nor_shown(folder):
    with kernel(folder) as run:
        run(RIGHT)
        assert "passed" in run(CHECK, somebody_there=False)
        run(f"import os; os.environ['LABKIT_ANSWERS'] = {str(folder)!r}")
        assert "passed" in run(CHECK)
        assert not (folder / FILE).exists()
        remember(folder, "01.2")
        for somebody_there in (True, False):
            shown = run(PANEL, somebody_there=somebody_there)
            assert "which exercises of stage 01 pass" in shown
            assert "of 6" not in shown


def test_where_nothing_can_be_written_the_panel_says_that_progress_ends_with_the_kernel(folder):
    (folder / FILE).mkdir()
    with kernel(folder) as run:
        run(RIGHT)
        run(CHECK)
        shown = run(PANEL)
        assert "1 of 6 exercises pass" in shown
        assert "progress ends with this kernel" in shown


def test_a_built_solution_carries_nobodys_progress(folder):
    remember(folder, "01.2")
    before = (folder / FILE).read_bytes()
    cells = [nbformat.v4.new_code_cell(code) for code in (SET_UP, PANEL, RIGHT, CHECK)]
    built = execute(nbformat.v4.new_notebook(cells=cells), folder)
    assert (folder / FILE).read_bytes() == before
    (shown,) = built.cells[1].outputs
    told = "In a notebook that you work in, this shows which exercises of stage 01 pass, and what is next."
    assert shown.data == {"text/plain": told, "text/html": f"<p><em>{told}</em></p>"}


@pytest.mark.slow
def test_nbval_leaves_no_memory(tmp_path):
    assert nbval(slim(solved()), tmp_path) == {}
    assert not (tmp_path / FILE).exists()


def test_outside_of_a_notebook_the_panel_is_a_sentence_and_an_unknown_stage_is_told_what_there_is(capsys):
    progress("01")
    assert "which exercises of stage 01 pass" in capsys.readouterr().out
    with pytest.raises(LabError, match="no stage '1'; there are 00, 01"):
        progress("1")


# the panel's markup


class Reader(HTMLParser):
    """What a page is made of: links, text, and whether every element is closed."""

    def __init__(self, markup):
        super().__init__()
        self.links, self.text, self.open, self.hidden = {}, "", [], 0
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.text += data
        tag, attributes = next(((t, a) for t, a in reversed(self.open) if t == "a"), ("", {}))
        if tag:
            self.links[attributes["href"]] = self.links.get(attributes["href"], "") + data


def test_the_panel_links_each_exercise_to_its_section_and_says_in_words_what_marks_and_bars_say(folder):
    remember(folder, "01.2")
    seen = Reader(as_html(progress_in(folder), "01"))
    sections = {
        cell.id: cell.source for cell in nbformat.read(folder / NAME, 4).cells if cell.cell_type == "markdown"
    }
    for exercise in exercises("01"):
        (place,) = [cell for cell, text in sections.items() if f"### Exercise {exercise.id} " in text]
        assert exercise.id in seen.links[f"{NAME}#cell-id={place}"]
        assert f"{exercise.title}: {'passes' if exercise.id == '01.2' else 'open'}" in seen.text
    assert "01 · First-layer filters: 1 of 6 exercises pass" in seen.text
    assert "Core path ●: 1 of " in seen.text
    assert seen.text.index("Next here: 01.1") < seen.text.index("Core path")


def test_names_of_files_and_titles_cannot_become_markup(folder):
    odd = folder / "01 & 'mine' <b>.ipynb"
    notebook = nbformat.read(folder / NAME, 4)
    notebook.cells[0].source = "# 01 <script>alert(1)</script> & 'more'"
    nbformat.write(notebook, odd)
    (folder / NAME).unlink()
    markup = as_html(progress_in(folder), "01")
    assert "<script" not in markup
    assert "01%20%26%20%27mine%27%20%3Cb%3E.ipynb" in markup
    assert "01 <script>alert(1)</script> & 'more': 0 of 6" in Reader(markup).text


def test_when_a_stage_is_done_the_core_path_goes_on_and_in_the_end_nothing_is_next():
    known = progress_in(Path("/no/such/folder")).standings
    done = [Standing(one.exercise, How.PASSES) for one in known]
    stage_done = Progress(
        tuple(d if d.exercise.stage <= "01" else o for d, o in zip(done, known, strict=True))
    )
    assert as_text(stage_done, "01").endswith(
        "Next on the core path: 02.1 Features of the last layer, with a hook"
    )
    assert "All exercises of the lab pass." in Reader(as_html(Progress(tuple(done)), "01")).text


# the command


@pytest.fixture
def command(folder, monkeypatch):
    """Run `labkit progress`: all that it said to a console of so many columns."""

    def run(*arguments, width=80, **options):
        console = Console(width=width, file=io.StringIO(), _environ={}, **options)
        monkeypatch.setattr("labkit.commands.progress.console", console)
        monkeypatch.chdir(folder)
        result = CliRunner().invoke(app, ["progress", *map(str, arguments)])
        if isinstance(result.exception, LabError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return console.file.getvalue()

    return run


@pytest.mark.parametrize("width", [60, 120])
def test_the_command_says_what_passes_what_is_left_and_what_is_next(command, folder, width):
    remember(folder, "01.2", "01.3")  # of 01.3 the notebook holds the stub
    said = command(width=width)
    lines = [line.rstrip() for line in said.splitlines()]
    assert max(map(len, lines[1:])) <= width  # the first names the folder in one piece
    (stage,) = [line for line in lines if line.startswith("01 First-layer")]
    assert stage.split()[-4:] == ["1/6", "1/10", "56", "min"]
    assert "○1● ✓2● ○3  ○4  ○5  ○6" in said
    assert "Passed, but changed since: 01.3." in said
    assert f"Next on the core path: 01.1 {find('01.1').title} (about 6 min), in {NAME}" in " ".join(lines)


def test_colours_are_for_terminals_and_say_nothing_alone(command, folder):
    remember(folder, "01.2")
    assert "\x1b[" not in command()
    coloured = command(force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured
    assert "✓2●" in coloured


def test_the_command_finds_the_notebooks_below_and_refuses_what_holds_none(command, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(LabError, match="no notebook of this lab in"):
        command(elsewhere)
    with pytest.raises(LabError, match="no folder"):
        command(elsewhere / "no such folder")
    (elsewhere / "notebooks").mkdir()
    nbformat.write(released(), elsewhere / "notebooks" / NAME)
    assert "0/6" in command(elsewhere)
    assert not list(elsewhere.rglob(FILE))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_is_not_utf_8_gets_plain_letters(folder, encoding):
    remember(folder, "01.2")
    command = [sys.executable, "-m", "labkit.cli", "progress", folder]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    said = (done.stdout + done.stderr).decode(encoding)
    assert done.returncode == 0, said
    assert "-1* x2* -3  -4  -5  -6" in said
    assert "?" not in said


# in JupyterLab


@pytest.mark.browser
@pytest.mark.slow
def test_in_jupyterlab_a_pass_is_there_after_a_reload_and_the_panel_leads_to_the_next_exercise(folder):
    notebook = nbformat.read(folder / NAME, 4)
    cells = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [
        *(nbformat.v4.new_code_cell(code) for code in (PANEL, SET_UP)),
        *(cells["01-2-task"], cells["01-2-check"]),
        *(nbformat.v4.new_markdown_cell("far\n\n" * 40), notebook.cells[0]),
        *(cell for cell in notebook.cells if "### Exercise 01.1 " in cell.source),
        cells["01-1-task"],
        cells["01-1-check"],
    ]
    nbformat.write(notebook, folder / NAME)
    with page() as tab, lab(folder) as address:
        open_notebook(tab, address, NAME)
        tab.locator(".jp-CodeCell").first.click()
        for told in ("0 of", "0 of", "0 of", "1 of"):
            tab.keyboard.press("Shift+Enter")
            wait_idle(tab)
            tab.locator(".labkit-progress", has_text=told).wait_for()
        tab.keyboard.press("Control+s")
        tab.wait_for_timeout(1000)
        open_notebook(tab, address, NAME)
        panel = tab.locator(".labkit-progress", has_text="First-layer filters: 1 of")
        panel.wait_for()
        tab.locator(".jp-CodeCell").first.click()
        tab.keyboard.press("Shift+Enter")
        wait_idle(tab)
        panel.wait_for()
        panel.scroll_into_view_if_needed()
        seen = (
            "[...document.querySelectorAll('h3')].some(h => {"
            " const box = h.getBoundingClientRect();"
            " return h.textContent.startsWith('Exercise 01.1') && box.height && box.top > 0 && box.bottom < 1000 })"
        )
        tab.wait_for_function(f"() => !{seen}")  # cells between are drawn a moment after the panel
        panel.get_by_role("link", name="01.1 The first convolution of any network").click()
        tab.wait_for_function(f"() => {seen}")
