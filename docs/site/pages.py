"""Which file of the repository becomes which page, and how links between files become links between pages."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")  # of Markdown, to a file: not https:, not #here
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.M | re.S)


def places() -> dict[str, str]:
    """File of the repository -> its place in the site, both relative, with / between folders."""
    pages = {
        "README.md": "index.md",
        "CONTRIBUTING.md": "contributing.md",
        "CHANGELOG.md": "changes.md",
    }
    pages |= {f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.md")}
    pages |= {
        f"solutions/{path.name}": f"solutions/{path.stem}.md" for path in ROOT.glob("solutions/*.ipynb")
    }
    return pages | {
        f"docs/pictures/{path.name}": f"pictures/{path.name}" for path in ROOT.glob("docs/pictures/*")
    }


def with_links(text: str, source: str) -> str:
    """Markdown of a source file with links that lead to the pages of the files that it links to.

    A link to a file that is on no page stays as it is, and mkdocs says that it leads nowhere.
    """
    known, page = places(), PurePosixPath(places()[source]).parent

    def relinked(link: re.Match[str]) -> str:
        opening, target, anchor, closing = link.groups(default="")
        file = os.path.normpath(PurePosixPath(source).parent / target).replace(os.sep, "/")
        place = os.path.relpath(known[file], page).replace(os.sep, "/") if file in known else target
        return f"{opening}{place}{anchor}{closing}"

    return "".join(part if is_code else _LINK.sub(relinked, part) for part, is_code in _prose_and_code(text))


def _prose_and_code(text: str) -> Iterator[tuple[str, bool]]:
    for number, part in enumerate(_CODE.split(text)):
        yield part, number % 2 == 1
