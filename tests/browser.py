"""JupyterLab in headless Chromium: start it on a folder, open a notebook, run it, look."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import nbformat
import pytest
from lab import ROOT, released

TOKEN = "tests"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium():
    """Where an installed Chromium is; skips the test without one, unless LABKIT_REQUIRE_BROWSER is set."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        assert not os.environ.get("LABKIT_REQUIRE_BROWSER"), "a browser is required here, and there is none"
        pytest.skip("no Chromium on this machine, so nothing was seen in a browser")
    return found


@contextmanager
def page(width=1280, height=1000, *, density=1):
    """A page of headless Chromium, of so many pixels on the screen to one of the page."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        try:
            view = {"width": width, "height": height}
            opened = browser.new_page(viewport=view, device_scale_factor=density)
            opened.set_default_timeout(60_000)
            yield opened
        finally:
            browser.close()


@contextmanager
def watched(page):
    """What goes wrong in a page, filled while it goes: errors of its scripts and of its console, requests elsewhere."""
    troubles = []
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda line: troubles.append(f"console: {line.text}") if _is_trouble(line) else None)
    page.on("request", lambda asked: troubles.append(asked.url) if _is_elsewhere(asked.url) else None)
    yield troubles


def _is_trouble(line):
    """Whether a line of the console is an error of ours; JupyterLab asks its own server for files that need not be."""
    return line.type == "error" and "Failed to load resource" not in line.text


def _is_elsewhere(url):
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


def of_its_own(folder):
    """Where JupyterLab keeps its settings and its open tabs, which it else shares with all others of this user."""
    return {"JUPYTERLAB_SETTINGS_DIR": str(folder), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}


@contextmanager
def lab(folder, *, theme="JupyterLab Light"):
    """The address of a folder in JupyterLab, which is started as students start it, by `labkit lab`.

    Once for all folders beside each other, a session's tests: each has kernels of its own, which end with it.
    """
    server = _server(folder.parent)
    themes = server.settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    themes.parent.mkdir(parents=True, exist_ok=True)
    themes.write_text(json.dumps({"theme": theme}))
    try:
        yield f"{server.address}/lab/tree/{quote(folder.name)}"
    finally:
        server.end_sessions()


@dataclass(frozen=True)
class Server:
    """A JupyterLab that runs: its process, its address, and the folder of its settings."""

    process: subprocess.Popen
    address: str
    settings: Path

    def end_sessions(self):
        for session in json.load(self._asked("/api/sessions")):
            self._asked(f"/api/sessions/{session['id']}", method="DELETE").close()

    def _asked(self, path, **named):
        return urlopen(Request(self.address + path, headers={"Authorization": f"token {TOKEN}"}, **named))

    def end(self):
        import psutil

        if self.process.poll() is not None:
            return
        server = psutil.Process(self.process.pid)
        family = [*server.children(recursive=True), server]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)


SERVERS = {}  # by the folder that they show; conftest.py ends them


def _server(root):
    """The server that shows a folder, started where there is none yet, or no longer."""
    if root not in SERVERS or SERVERS[root].process.poll() is not None:
        settings = root / "of JupyterLab"
        settings.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "labkit.cli", "lab", str(root)]
        SERVERS[root] = started(command, settings, os.environ)
    return SERVERS[root]


def end_servers():
    while SERVERS:
        SERVERS.popitem()[1].end()


def started(command, settings, environment, **named):
    """A server that answers, by a command of `labkit lab`.

    settings: the folder for what JupyterLab keeps of its own, and for what the server says
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mine = environment | {"JUPYTER_TOKEN": TOKEN} | of_its_own(settings)
    with open(settings / "lab.log", "wb") as log:
        process = subprocess.Popen(
            [*command, "--no-browser", "--port", str(port)],
            stdout=log, stderr=log, env=mine, start_new_session=True, **named
        )  # fmt: skip
    server = Server(process, f"http://127.0.0.1:{port}", settings)
    try:
        for _ in range(600):
            try:
                server._asked("/api").close()
                return server
            except OSError:
                assert process.poll() is None, (settings / "lab.log").read_text()
                time.sleep(0.2)
        raise AssertionError((settings / "lab.log").read_text())
    except BaseException:
        server.end()
        raise


def at(address, name):
    """Where a notebook is opened, and nothing that was open before."""
    return f"{address}/{name}?token={TOKEN}&reset"


def open_notebook(page, address, name):
    """Open a notebook and wait until its kernel is ready."""
    page.goto(at(address, name))
    wait_ready(page)


def wait_ready(page):
    """Wait until the kernel of a notebook that is being opened is ready.

    The notebook's own sign says idle before there is a kernel; the status bar knows.
    """
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", state="attached")
    page.get_by_text("| Idle").wait_for()


def run_all(page, *, timeout_s=300):
    """Run > Run All Cells, and wait until every cell has run, or one has failed and ended the run."""
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    begun = page.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text=re.compile(r"[*0-9]"))
    for _attempt in range(10):  # a click that comes before the kernel is connected is lost
        page.locator(".jp-Notebook .jp-Cell").first.click()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(PlaywrightTimeout):
            begun.first.wait_for(state="attached", timeout=3000)
            break
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent);
            const failed = document.querySelector(
                "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']");
            return prompts.every(p => /[0-9]/.test(p)) || (failed && !prompts.some(p => p.includes('*')));
        }""",
        polling=500,
        timeout=timeout_s * 1000,
    )
    wait_idle(page)


def wait_idle(page, *, timeout_s=60):
    """Wait until the kernel has nothing to do."""
    page.wait_for_timeout(250)  # until it says that it is busy
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status='idle']", state="attached", timeout=timeout_s * 1000
    )


class SeenExplorer:
    """An explorer in a page: its picture, what it says of it, and what happens when a control is moved."""

    PICTURE = ".labkit-figure:has(.labkit-explored) img"

    def __init__(self, page, *, wider_than=500):
        self.page = page
        self.image = page.locator(self.PICTURE)
        self.image.wait_for()
        assert self.image.evaluate(f"image => image.complete && image.naturalWidth > {wider_than}")

    @property
    def spoken(self):
        """What a screen reader is told: the picture's alt text, which is that of the page's image too.

        The two come in messages of their own, so that for a moment one may be ahead of the other.
        """
        return self.page.wait_for_function(
            """picture => {
                const said = [...document.querySelectorAll(".jp-OutputArea-output [role='status']")].at(-1);
                return said?.textContent === document.querySelector(picture)?.alt && said.textContent;
            }""",
            arg=self.PICTURE,
            polling=50,
        ).json_value()

    @property
    def shown(self):
        """The picture's address, another one for every picture."""
        return self.image.get_attribute("src")

    def dropdown(self, name):
        return self.page.locator(".widget-dropdown").get_by_label(name, exact=True)

    def slider(self, name):
        return self.page.locator(".widget-slider").filter(has_text=name).locator(".noUi-handle")

    def upload(self, file):
        """Choose a file of one's own, as its dialog would."""
        with self.page.expect_file_chooser() as asked:
            self.page.locator(".widget-upload").click()
        asked.value.set_files(file)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def wait_disabled(self, name):
        from playwright.sync_api import expect

        expect(self.button(name)).to_be_disabled()  # the text and the button come one after the other

    def wait_for_another_than(self, before):
        self.page.wait_for_function(
            "([picture, before]) => (document.querySelector(picture)?.src ?? before) !== before",
            arg=[self.PICTURE, before],
            polling=100,
        )

    def moved(self, move):
        """Do it, wait for another picture, and read what it shows."""
        before = self.shown
        move()
        self.wait_for_another_than(before)
        wait_idle(self.page)
        return self.spoken


@contextmanager
def explorer_of(stage, folder, *, given="", then="", wider_than=500, theme="JupyterLab Light", width=1280):
    """A stage's explorer in a page, with the set-up cell and, in place of all else before it, what is given.

    then: code for a cell below it;  wider_than: pixels, for its picture
    """
    notebook = released(ROOT / "solutions" / f"{stage}.py")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (show,) = [cell for cell in code if "explore(" in cell.source.split("\n")[-1]]
    before, after = ([nbformat.v4.new_code_cell(source)] if source else [] for source in (given, then))
    notebook.cells = [code[0], *before, show, *after]  # an empty cell would never count as run
    nbformat.write(notebook, folder / "explorer.ipynb")
    with page(width) as tab, lab(folder, theme=theme) as address:
        open_notebook(tab, address, "explorer.ipynb")
        run_all(tab)
        yield SeenExplorer(tab, wider_than=wider_than)
        tab.screenshot(path=folder / "explorer.png")
