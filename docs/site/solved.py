"""A solved notebook as a page: its text and code as Markdown, its outputs exactly as they are."""

import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat

SOLVED = """!!! warning "This is a solution"

    Every task on this page is solved. To solve them yourself, open the notebook of the same name in
    [the lab](../index.md): there each answer is checked at once, and hints come one at a time.
"""


@dataclass
class Page:
    """A page's Markdown, and what stands in for each of its outputs until Markdown has become HTML."""

    markdown: str = ""
    outputs: dict[str, str] = field(default_factory=dict)  # stand-in -> HTML

    def add(self, output: str) -> None:
        stand_in = f'<div data-lab-output="{len(self.outputs)}"></div>'
        self.outputs[stand_in] = f'<div class="lab-output">{output}</div>'
        self.markdown += f"\n{stand_in}\n"


def page_of(path: Path) -> Page:
    """The page of a notebook as it was saved; nothing is executed.

    Raises: LookupError for an output that is neither HTML nor text
    """
    page = Page()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            page.markdown += f"\n{cell.source}\n"
        elif cell.cell_type == "code" and cell.source:
            page.markdown += f"\n{_fenced(cell.source)}\n"
        for output in cell.get("outputs", []):
            page.add(html_of(output))
    title, _, rest = page.markdown.lstrip().partition("\n")
    page.markdown = f"{title}\n\n{SOLVED}\n{_without_gap(rest)}"
    return page


def html_of(output: dict[str, Any]) -> str:
    """What a notebook shows of an output: its HTML where it has any, and else its text."""
    if output["output_type"] == "stream":
        return _text(output["text"])
    shown = output.get("data", {})
    if "text/html" in shown:
        return str(shown["text/html"])
    if "text/plain" in shown:
        return _text(shown["text/plain"])
    raise LookupError(
        f"expected an output with HTML or text, got {output['output_type']} with {sorted(shown)}"
    )


def _text(text: str) -> str:
    return f"<pre>{escape(text.rstrip())}</pre>"


def _fenced(code: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}python\n{code}\n{fence}"


def _without_gap(text: str) -> str:
    """Exercises before the first section, a level higher: under a page's title no level is left out."""
    before, section, after = text.partition("\n## ")
    return re.sub(r"^### (?=Exercise )", "## ", before, flags=re.M) + section + after
