"""What mkdocs calls while it builds: pages made of the repository's files, and what Markdown cannot say."""

import re
from itertools import count

from formulas import with_mathml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pages import ROOT, places, with_links
from reference import reference
from solved import page_of

_CONTENTS = re.compile(r'(<nav class="md-nav" aria-label="[^"]+)"')
_outputs: dict[str, dict[str, str]] = {}  # page -> stand-in -> HTML


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every page that is made of a file elsewhere in the repository."""
    for source, place in places().items():
        if not place.endswith(".md"):
            files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
        else:
            files.append(File.generated(config, place, content=_markdown(source, place)))
    for place, text in reference().items():
        files.append(File.generated(config, place, content=text))
    return files


def _markdown(source: str, place: str) -> str:
    path = ROOT / source
    if path.suffix != ".ipynb":
        return with_links(path.read_text(encoding="utf-8"), source)
    page = page_of(path)
    _outputs[place] = page.outputs
    return with_links(page.markdown, source)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put a notebook's outputs in, untouched, and draw the formulas."""
    if page.parent is None:
        page.meta["hide"] = ["navigation"]  # a column with this page alone in it
    html = with_mathml(html)
    for stand_in, output in _outputs.get(page.file.src_uri, {}).items():
        if html.count(stand_in) != 1:
            raise LookupError(
                f"expected {stand_in} once in {page.file.src_uri}, found {html.count(stand_in)}"
            )
        html = html.replace(stand_in, output)
    return html


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name what the theme leaves without a name of its own, for those who hear a page: its search, and each list in
    the table of contents, of which two are called "dense" where a module and its function are."""
    number = count(1)
    output = _CONTENTS.sub(lambda found: f'{found[1]}, list {next(number)} of the contents"', output)
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"')
