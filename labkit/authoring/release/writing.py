"""Writing a release: the handout as a folder and a zip, and beside it what nbgrader and Gradescope need."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from labkit.authoring.release.gradescope import VISIBILITIES, autograder
from labkit.authoring.release.handout import handout
from labkit.authoring.release.nbgrader import nbgrader_course
from labkit.authoring.release.planning import Plan
from labkit.authoring.release.trees import MANIFEST, Files, Kept, former, write_folder, zipped
from labkit.errors import LabError
from labkit.files import write_whole


@dataclass(frozen=True)
class Released:
    """What was written.

    folder, zip:          the handout; no zip where none was asked for
    nbgrader, gradescope: for the instructor, and for nobody else, where asked for
    kept:                 files of somebody's that were in the way, or not of the release
    stale:                what an earlier release has left beside it, and this one was not asked for
    """

    folder: Path
    zip: Path | None
    nbgrader: Path | None
    gradescope: Path | None
    kept: Kept
    stale: tuple[Path, ...]


def release(
    plan: Plan, folder: Path, *, zip_too: bool = True, nbgrader: bool = False, gradescope: str = "", again: bool = False
) -> Released:  # fmt: skip
    """Write a release. FOLDER and FOLDER.zip are for students; FOLDER-nbgrader and FOLDER-gradescope lie beside them.

    gradescope: when students see Gradescope's results, such as "visible"; nothing is made for Gradescope without
    again:      replace the former release; files that somebody changed are kept under another name
    Raises:     LabError, before anything is written, where a name is taken
    """
    if gradescope and gradescope not in VISIBILITIES:
        raise LabError(f"no visibility {gradescope!r}; Gradescope knows {', '.join(VISIBILITIES)}")
    folder = folder.resolve()
    archive, course, grader = (_beside(folder, ending) for ending in (".zip", "-nbgrader", "-gradescope"))
    trees: dict[Path, Files] = {folder: handout(plan)}
    trees |= {course: nbgrader_course(plan)} if nbgrader else {}
    trees |= {grader: autograder(plan, gradescope)} if gradescope else {}
    _expect_free([*trees], archive if zip_too else None, again=again)
    kept = [write_folder(place, files) for place, files in trees.items()]
    if zip_too:
        _write_zip(archive, zipped(trees[folder], top=folder.name))
    written = {*trees, *([archive] if zip_too else [])}
    return Released(
        folder,
        archive if zip_too else None,
        course if nbgrader else None,
        grader if gradescope else None,
        Kept(tuple(path for found in kept for path in found.aside), kept[0].strays),
        tuple(place for place in (archive, course, grader) if place.exists() and place not in written),
    )


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(folder.name + ending)


def _expect_free(folders: list[Path], archive: Path | None, *, again: bool) -> None:
    """Raises: LabError if a release is there and may not be replaced, or something that is no release."""
    for place in folders:
        if former(place) and not again:
            raise LabError(
                f"there is a release in {place} already; --again replaces it, or name a new folder"
            )
    if archive and archive.exists():
        if not _is_handout(archive):
            raise LabError(f"{archive} is not a handout of labkit, and stays as it is; name a new folder")
        if not again:
            raise LabError(f"there is a handout {archive} already; --again replaces it, or name a new folder")


def _is_handout(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return any(name.endswith(f"/{MANIFEST}") for name in opened.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _write_zip(place: Path, content: bytes) -> None:
    try:
        write_whole(place, content)
    except OSError as error:
        raise LabError(f"cannot write {place}: {error.strerror}") from error
