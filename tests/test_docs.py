"""The documentation site: built without a warning, whole, read by everybody, and with nothing from other servers."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml  # mkdocs and jupytext depend on it
from bs4 import BeautifulSoup
from lab import ROOT
from markdown_it import MarkdownIt

SITE = ROOT / "docs" / "site"
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
PAGES = {
    "index.html": "README.md",
    "contributing.html": "CONTRIBUTING.md",
    "changes.html": "CHANGELOG.md",
    "grading.html": "docs/grading.md",
    "where-it-runs.html": "docs/where-it-runs.md",
}
pytestmark = pytest.mark.slow


def command():
    """What `make docs` runs, and nothing else of it, with the mkdocs of this Python."""
    mkdocs = Path(sys.executable).with_name("mkdocs")
    if not mkdocs.exists():
        assert not os.environ.get("LABKIT_REQUIRE_BROWSER"), "the site's tools are required here"
        pytest.skip("the site's tools are not installed: pip install -e '.[docs]'")
    planned = subprocess.run(
        ["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (line,) = [line for line in planned.splitlines() if "mkdocs build" in line]
    words = shlex.split(line)
    at = next(number for number, word in enumerate(words) if word.endswith("mkdocs"))
    return [str(mkdocs), *words[at + 1 :]]


def built(folder, *changes):
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    run = [*command(), *changes, "--site-dir", str(folder)]
    return subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    run = built(folder)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Place of a page -> the page; pictures' bytes are left out, of which no test reads any."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(
            re.sub(r"(;base64,)[^'\"]+", r"\1", path.read_text()), "html.parser"
        )
        for path in sorted(site.rglob("*.html"))
    }


def test_a_link_to_nowhere_ends_the_build(tmp_path):
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "index.md").write_text("# Here\n\n[nowhere](missing.md), [nor here](#missing)\n")
    config = tmp_path / "mkdocs.yml"
    whole = SITE / "mkdocs.yml"
    lines = ["docs_dir: content", "hooks: []", "plugins: []", "nav: [index.md]", "extra_css: []"]
    config.write_text("\n".join([f"INHERIT: {whole}", *lines]))
    run = built(tmp_path / "site", "--config-file", str(config))
    assert run.returncode != 0
    assert "'missing.md'" in run.stderr
    assert "'#missing'" in run.stderr


def test_what_is_built_does_not_belong_to_the_clone():
    place = re.search(r"^site_dir: (\S+)", (SITE / "mkdocs.yml").read_text(), re.M)[1]
    assert (
        subprocess.run(["git", "check-ignore", "-q", SITE / place / "index.html"], cwd=ROOT).returncode == 0
    )


def addresses(page):
    """Every address that a page names, with its element."""
    for element in page.find_all(True):
        for name in ("href", "src"):
            if name in element.attrs:
                yield element, element[name]


def test_every_link_inside_the_site_leads_to_a_page_and_every_anchor_to_a_place_in_it(site, pages):
    ids = {place: {element["id"] for element in page.find_all(id=True)} for place, page in pages.items()}
    lost = []
    for place, page in pages.items():
        for _, address in addresses(page):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or place == "404.html":
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(place), unquote(parts.path) or "."))
            target = place if not parts.path else "index.html" if target == "." else target
            anchor = unquote(parts.fragment)
            if not (site / target).is_file() or (anchor and anchor not in ids[target]):
                lost.append((place, address))
    assert lost == []
    assert sum(len(list(addresses(page))) for page in pages.values()) > 1000


def test_no_two_places_of_a_page_have_one_name(pages):
    for place, page in pages.items():
        names = [element["id"] for element in page.find_all(id=True)]
        assert sorted(names) == sorted(set(names)), place


def test_nothing_is_loaded_from_another_server(site, pages):
    for place, page in pages.items():
        for element, address in addresses(page):
            if element.name != "a":
                parts = urlsplit(address)
                assert parts.scheme in ("", "data"), (place, address)
                assert not parts.netloc, (place, address)
        assert "url(http" not in str(page)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text()), sheet


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_solved_notebook_is_a_page_with_its_outputs_untouched_and_says_that_it_is_a_solution(path, site):
    text = (site / "solutions" / f"{path.stem}.html").read_text()
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    markup = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert [one[:200] for one in markup if one not in text] == []
    page = BeautifulSoup(re.sub(r"(;base64,)[^'\"]+", r"\1", text), "html.parser")
    assert page.find(class_="admonition").get_text(strip=True).startswith("This is a solution")
    code = [cell.source for cell in cells if cell.cell_type == "code" and cell.source]
    shown = [element.get_text().rstrip("\n") for element in page.select(".highlight pre")]
    assert [one for one in shown if one in code] == [one.rstrip("\n") for one in code]  # texts show code too
    figures = page.select("figure.labkit-figure img")
    assert len(figures) == sum(one.count("<img") for one in markup) >= 5
    assert all(len(figure["alt"]) > 20 for figure in figures)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_formulas_are_drawn_without_a_script(path, pages):
    page = pages[f"solutions/{path.stem}.html"]
    text = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
    )
    prose = re.sub(r"`[^`]*`", "", text)
    formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", prose, re.S)
    assert len(page.find_all("math")) == len(formulas)
    assert page.find(class_="arithmatex") is None
    assert [formula for formula in page.find_all("math") if "\\" in formula.get_text()] == []


def test_a_formula_that_cannot_be_drawn_ends_the_build(monkeypatch):
    pytest.importorskip("latex2mathml")
    monkeypatch.syspath_prepend(SITE)
    from formulas import with_mathml

    def marked(latex):
        return rf'<span class="arithmatex">\({latex}\)</span>'

    assert "<mi>x</mi>" in with_mathml(marked("x"))
    with pytest.raises(ValueError, match="nosuchcommand"):
        with_mathml(marked(r"\nosuchcommand x"))


def parts_of(html):
    page = html if isinstance(html, BeautifulSoup) else BeautifulSoup(html, "html.parser")
    return {
        name: len(page.find_all(name)) for name in ("h1", "h2", "h3", "ul", "ol", "li", "table", "tr", "pre")
    }


@pytest.mark.parametrize("place", PAGES)
def test_a_page_has_the_lists_tables_and_code_that_its_file_shows_elsewhere(place, pages):
    """Markdown is read a little differently by each; lists without an empty line before them, for one."""
    usual = MarkdownIt("commonmark").enable("table").render((ROOT / PAGES[place]).read_text())
    article = BeautifulSoup(str(pages[place].find("article")), "html.parser")
    assert parts_of(article) == parts_of(usual)


def test_every_picture_of_the_readme_is_on_the_first_page(site, pages):
    named = set(re.findall(r"docs/(pictures/\w+\.webp)", (ROOT / "README.md").read_text()))
    shown = {image["src"]: image["alt"] for image in pages["index.html"].select("article img")}
    assert named == set(shown)
    assert all(len(alt) > 20 for alt in shown.values())
    assert all((site / name).read_bytes() == (ROOT / "docs" / name).read_bytes() for name in named)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_readme_says_of_each_stage_the_minutes_that_its_notebook_says(path):
    (row,) = re.findall(rf"^\|.*solutions/{path.stem}\.ipynb.*$", (ROOT / "README.md").read_text(), re.M)
    said = next(cell.source for cell in nbformat.read(path, as_version=4).cells if "Together" in cell.source)
    all_of_it = re.search(r"about (\d+) minutes", said)[1]
    core = re.search(r"core path \(●\) takes about (\d+)", said)
    assert f"| {all_of_it}, {core[1] if core else 'none'} |" in row


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")), ids=lambda path: path.stem
)
def test_a_form_for_issues_asks_for_what_labkit_doctor_prints(path):
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        return
    assert {"name", "description", "labels", "body"} == set(form)
    asked = {part["id"]: part for part in form["body"] if part["type"] != "markdown"}
    assert len(asked) == len([part for part in form["body"] if part["type"] != "markdown"])
    assert asked["doctor"]["validations"]["required"]
    assert all(part["attributes"]["label"] for part in asked.values())


def test_what_runs_before_a_commit_is_part_of_make_check():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    check = re.search(r"^check:.*?\n\n", (ROOT / "Makefile").read_text(), re.M | re.S)[0].replace(
        "$(BIN)", ".venv/bin"
    )
    for hook in hooks:
        first_words = " ".join(hook["entry"].split()[:2])
        assert first_words in check, hook["id"]


def described(path):
    """The public functions and classes of a module that have a docstring, by their full names."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.parse(path.read_text()).body:
        is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if is_public and ast.get_docstring(node):
            yield f"{module}.{node.name}"


def test_the_reference_holds_every_public_function_and_class(pages):
    ids = {
        element["id"]
        for place in pages
        if place.startswith("api/")
        for element in pages[place].find_all(id=True)
    }
    files = [
        path
        for path in (ROOT / "labkit").rglob("*.py")
        if "stage_" not in str(path) and path.stem != "__init__"
    ]
    asked = {name for path in files for name in described(path)}
    assert len(asked) > 300
    assert sorted(asked - ids) == []


def test_arguments_are_told_one_by_one(pages):
    (place,) = pages["api/methods.html"].select('[id="labkit.methods.adversarial.fgsm"]')
    terms = [term.get_text() for term in place.find_next("dl").find_all("dt")]
    assert terms == ["model", "images", "labels", "epsilon", "Returns", "Raises", "Source"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_passes_axe_fits_a_narrow_window_and_asks_no_other_server(scheme, site):
    from axe_playwright_python.sync_playwright import Axe
    from browser import page
    from served import served

    with served(site) as address, page(1280) as tab:
        asked, said = [], []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        tab.emulate_media(color_scheme=scheme)
        for place in ("index.html", "solutions/01_first_layer_filters.html", "api/images.html"):
            tab.goto(f"{address}/{place}")
            tab.wait_for_load_state("networkidle")
            found = Axe().run(tab)
            assert found.response["violations"] == [], found.generate_report()
            tab.set_viewport_size({"width": 400, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            tab.set_viewport_size({"width": 1280, "height": 1000})
        assert said == []
        assert [one for one in asked if not one.startswith((address, "data:"))] == []
        tab.get_by_placeholder("Search").click()  # its index is loaded now
        tab.get_by_placeholder("Search").press_sequentially("fgsm", delay=50)
        tab.locator(".md-search-result__item").first.wait_for()
