"""The solved notebooks of a student's copy: out of sight, for who has asked for every hint.

They lie in a hidden folder beside the student's, which grading passes over. A wheel carries the sources only, so they
come without pictures; to run them makes those.
"""

import json
from pathlib import Path

from labkit.authoring.build import origin, solution_notebook
from labkit.authoring.source import as_file
from labkit.errors import LabError
from labkit.files import write_whole

FOLDER = ".labkit-solved"


def put_solved(folder: Path, sources: Path) -> Path | None:
    """Write the solved notebook of each source, where that of this release is not there yet.

    folder:  of the student's notebooks;  sources: of *.py, as the lab carries them; it may be missing
    Returns: the folder with them; None where there are no sources, or where it cannot be written to
    """
    place, found = folder / FOLDER, sorted(sources.glob("[0-9][0-9]_*.py"))
    try:
        for path in found:
            _put(path, place / f"{path.stem}_solved.ipynb")  # a tab of its own name beside the student's
    except (OSError, LabError):
        return None
    return place if found else None


def _put(source: Path, place: Path) -> None:
    try:
        is_there = json.loads(place.read_text(encoding="utf-8"))["metadata"]["labkit"] == origin(source)
    except (OSError, ValueError, TypeError, KeyError):  # not there, cut short, or no notebook
        is_there = False
    if not is_there:
        write_whole(place, as_file(solution_notebook(source)))
