"""One small class as each product hands it to an instructor: the shapes of real downloads, made by code.

Canvas:     lib/content_zipper.rb of canvas-lms: sortable name in small letters, LATE, user, attachment, the file's name
Moodle:     mod/assign/classes/downloader.php: full name, number, plugin; a folder each, or flat
Gradescope: folders submission_N beside submission_metadata.yml, with Ruby's symbols as keys
nbgrader:   submitted/STUDENT/ASSIGNMENT/ with timestamp.txt, beside source, release, autograded and feedback
"""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

EXERCISES = {"05": 5, "06": 6}
TITLES = {"05": "guided_backprop", "06": "gradient_ascent"}
PEOPLE = {  # how each is called by the products: full name, sortable name in small letters, number, login
    "ada": ("Ada Lovelace", "lovelaceada", 1201, "alovelace"),
    "ben": ("Ben de la Cruz", "delacruzben", 1202, "bdelacruz"),
    "zoe": ("Zoë Müller", "müllerzoë", 1203, "zmueller"),
}
# who handed in what, attempt by attempt; of each the last counts
CLASS = {
    ("ada", "05"): ["ada first", "ada second"],
    ("ada", "06"): ["ada 06"],
    ("ben", "05"): ["ben"],
    ("zoe", "05"): ["zoe"],
}
EXPECTED = {(student, stage, attempts[-1]) for (student, stage), attempts in CLASS.items()}

Files = dict[str, bytes]  # path in the class -> content


def notebook(stage: str, text: str | None = None, *, solved: int | None = None) -> dict:
    """A notebook with a stage's tasks and checks, marked as released ones are.

    text: in the student's answer, to know it again;  solved: how many tasks no longer have their stub, all by default
    """
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {stage} · {TITLES[stage]}"}
    ]
    count = EXERCISES[stage] if solved is None else solved
    for n in range(1, EXERCISES[stage] + 1):
        body = f"return {text!r}" if n <= count else f'raise NotImplementedError("TODO {stage}.{n}")'
        cells.append(_cell(f"{stage}-{n}-task", f"def answer_{n}(x):\n    # TODO {stage}.{n}: …\n    {body}"))
        cells.append(_cell(f"{stage}-{n}-check", f'check("{stage}.{n}", answer_{n})'))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(name: str, source: str) -> dict:
    marks = {
        "grade_id": name,
        "grade": "check" in name,
        "solution": "task" in name,
        "locked": "check" in name,
    }
    return {
        "cell_type": "code", "execution_count": None, "id": name, "metadata": {"nbgrader": marks}, "outputs": [],
        "source": source.splitlines(keepends=True),
    }  # fmt: skip


def written(content: dict) -> bytes:
    return json.dumps(content, indent=1).encode()


def work(stage: str, text: str) -> bytes:
    return written(notebook(stage, text))


def folders() -> Files:
    """A folder a student; attempts are told apart by the number in their names alone."""
    return {
        f"{student}/{stage}_{TITLES[stage]}{f'-{n}' if n else ''}.ipynb": work(stage, text)
        for (student, stage), attempts in CLASS.items()
        for n, text in enumerate(attempts)
    }


def many(count: int) -> Files:
    """nbgrader's course with so many students, a third of them late by a day, and a third by two."""
    files: Files = {}
    for n in range(count):
        stamp = f"2026-11-{20 + n % 3} 11:00:00.000000 UTC"
        place = f"submitted/s{n * 7919 % count:03d}/05_x"
        files |= {f"{place}/05.ipynb": work("05", f"of {n}"), f"{place}/timestamp.txt": stamp.encode()}
        files |= {f"{place}/notes.txt": b"x"} if n % 5 == 0 else {}
    return files


def zips_of_students() -> Files:
    """A zip a student, as people send them."""
    inside: dict[str, Files] = {}
    for path, content in folders().items():
        student, _, name = path.partition("/")
        inside.setdefault(student, {})[name] = content
    return {f"{student}.zip": zipped(files) for student, files in inside.items()}


def canvas() -> Files:
    files = {}
    for place, ((student, stage), attempts) in enumerate(CLASS.items()):
        _, name, number, _ = PEOPLE[student]
        for n, text in enumerate(attempts):
            late, again = ("LATE_" if student == "ben" else ""), (f"-{n}" if n else "")
            files[f"{name}_{late}{number}_{70000 + 10 * place + n}_{stage}_{TITLES[stage]}{again}.ipynb"] = (
                work(stage, text)
            )
    return files


def moodle() -> Files:
    return {
        f"{PEOPLE[student][0]}_{PEOPLE[student][2]}_assignsubmission_file_/{stage}_{TITLES[stage]} ({n}).ipynb": work(
            stage, text
        )
        for (student, stage), attempts in CLASS.items()
        for n, text in enumerate(attempts)
    } | {"Ada Lovelace_1201_assignsubmission_onlinetext_/onlinetext.html": b"<p>I could not do 05.4</p>"}


def moodle_flat() -> Files:
    return {path.replace("_/", "_"): content for path, content in moodle().items()}


def gradescope() -> Files:
    """A folder a submission, of which Gradescope exports the last only; the file beside them says whose it is."""
    files, facts = {}, []
    for place, student in enumerate(PEOPLE):
        full, _, number, login = PEOPLE[student]
        facts += [
            f"submission_{place + 300}:",
            "  :submitters:",
            f"  - :name: {full}",
            f"    :sid: '{number}'",
        ]
        facts += [
            f"    :email: {login}@example.org",
            f"  :created_at: 2026-11-2{place} 10:00:00.123456000 Z",
            "  :score: 0.0",
        ]
        facts += ["  :status: processed", "  :results:", "    output: !ruby/object:Results {}", "  :history:"]
        facts += [
            "  - :id: 7",
            "    :submitters: []",
            "    :created_at: 2026-11-19 09:00:00.0 Z",
            "    :score: 0.0",
        ]
        for (who, stage), attempts in CLASS.items():
            if who == student:
                files[f"submission_{place + 300}/{stage}_{TITLES[stage]}.ipynb"] = work(stage, attempts[-1])
    return files | {"submission_metadata.yml": ("---\n" + "\n".join(facts) + "\n").encode()}


def nbgrader() -> Files:
    """A whole course: an assignment that was handed in twice lies there twice, with its time."""
    files: Files = {"nbgrader_config.py": b"c = get_config()\n", "gradebook.db": b"SQLite format 3\x00"}
    for (student, stage), attempts in CLASS.items():
        for n, text in enumerate(attempts):
            folder = f"submitted/{student}/{stage}_{TITLES[stage]}{'_again' if n else ''}"
            files[f"{folder}/{stage}_{TITLES[stage]}.ipynb"] = work(stage, text)
            files[f"{folder}/timestamp.txt"] = f"2026-11-2{n} 12:00:00.000000 UTC".encode()
            files[f"autograded/{student}/{stage}/{stage}.ipynb"] = work(stage, "autograded")
            files[f"feedback/{student}/{stage}/{stage}.html"] = b"<html></html>"
    for step in ("source", "release"):
        files |= {f"{step}/{stage}/{stage}.ipynb": written(notebook(stage, solved=0)) for stage in TITLES}
    return files


LAYOUTS: dict[str, Callable[[], Files]] = {
    made.__name__: made
    for made in (folders, zips_of_students, canvas, moodle, moodle_flat, gradescope, nbgrader)
}


def lay(files: Files, place: Path) -> Path:
    """Write a class into a folder."""
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def zipped(files: Files) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)  # all saved at the same time
    return content.getvalue()
