"""The downloads of Canvas and Moodle, which write whose a file is into its name."""

import re
from collections.abc import Callable
from dataclasses import replace

from labkit.grading.collecting.submissions import (
    Found,
    Learner,
    Submitted,
    ignore,
    joined,
    notebooks_of,
)
from labkit.grading.collecting.tree import File, Folder, Ignored

# lovelaceada_LATE_12345_678910_05_guided_backprop-2.ipynb: sortable name, LATE, user, attachment, the file's own name;
# -2 is Canvas' too: it counts up where a student hands in a file of the same name again
_CANVAS = re.compile(
    r"(?:(?P<name>.+?)_)??(?:(?P<late>LATE)_)?(?:anon_(?P<anonymous>\w+?)|(?P<user>[1-9]\d*))_(?P<file>[1-9]\d*)_(?P<rest>.+)"
)
_CANVAS_TEXT = re.compile(r"(?P<name>.+?)_(?:LATE_)?(?P<user>[1-9]\d*)_(?:text|link)\.html")
_AGAIN = re.compile(r"-(\d{1,3})(?=\.\w+$|$)")
# Ada Lovelace_123456_assignsubmission_file_: a folder, or what a file's name begins with; groups have a name alone
_MOODLE = re.compile(
    r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<rest>.*))?"
)


def canvas(folder: Folder) -> Found | None:
    """What Canvas' "Download Submissions" gives, if that is in the folder."""
    return _named(folder, "a Canvas download", lambda name: _CANVAS.fullmatch(name), _of_canvas, _CANVAS_TEXT)


def moodle(folder: Folder) -> Found | None:
    """What Moodle's "Download all submissions" gives, as folders or flat, if that is in the folder."""
    return _named(folder, "a Moodle download", lambda name: _MOODLE.fullmatch(name), _of_moodle)


def _named(
    folder: Folder,
    layout: str,
    match: Callable[[str], re.Match[str] | None],
    learner: Callable[[re.Match[str], list[Submitted], str], Learner],
    no_file: re.Pattern[str] | None = None,
) -> Found | None:
    ignored: Ignored = []
    learners, strangers = [], 0
    for item in folder.items:
        if found := match(item.name):
            learners.append(learner(found, _submitted(item, ignored), item.name))
        elif no_file and (found := no_file.fullmatch(item.name)):
            learners.append(Learner(found["name"], found["user"], {"canvas": found["user"]}))
            ignored.append((item.path, "a text or a link, handed in without a file"))
        else:
            strangers += _stranger(item, ignored)
    learners = joined(learners)
    if not any(one.submitted for one in learners) or 0 < len(learners) <= strangers:
        return None
    return Found(layout, learners, ignored)


def _submitted(item: File | Folder, ignored: Ignored) -> list[Submitted]:
    if isinstance(item, Folder):
        return list(notebooks_of(item, ignored))
    if item.is_notebook:
        return [Submitted(item, item.name)]
    ignore(item, ignored)
    return []


def _stranger(item: File | Folder, ignored: Ignored) -> int:
    """Whether something beside the students' files looks like a student's work too; it is left out."""
    if isinstance(item, File):
        if not item.is_notebook:
            ignore(item, ignored)
            return 0
        ignored.append((item.path, "its name does not say whose it is, as the others' do"))
        return 1
    found = list(notebooks_of(item, ignored))
    ignored.extend((one.file.path, "no folder of a student, as the download has them") for one in found)
    return bool(found)


def _of_canvas(match: re.Match[str], submitted: list[Submitted], full_name: str) -> Learner:
    again = _AGAIN.search(match["rest"])
    number = match["user"] or match["anonymous"]
    attempt = int(again[1]) + 1 if again else 1
    for n, one in enumerate(submitted):
        name = _AGAIN.sub("", match["rest"]) if one.file.name == full_name else one.name
        submitted[n] = replace(
            one, name=name, attempt=attempt, order=float(match["file"]), late=bool(match["late"])
        )
    ids = {"canvas": match["user"]} if match["user"] else {}
    return Learner(match["name"] or f"anon_{number}", number, ids, submitted)


def _of_moodle(match: re.Match[str], submitted: list[Submitted], full_name: str) -> Learner:
    for n, one in enumerate(submitted):
        if one.file.name == full_name and match["rest"]:
            submitted[n] = replace(one, name=match["rest"])
    ids = {"moodle": match["number"]} if match["number"] else {}
    return Learner(match["name"], match["number"] or "", ids, submitted)
