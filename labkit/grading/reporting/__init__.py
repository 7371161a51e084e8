"""What comes of grading for people: feedback for each student, the class on a page, tables for other programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from labkit.files import write_whole
from labkit.grading.records import Row
from labkit.grading.reporting.class_page import class_page
from labkit.grading.reporting.exports import write_exports
from labkit.grading.reporting.feedback import feedback
from labkit.grading.reporting.scores import write_scores
from labkit.grading.reporting.terminal import table

__all__ = ["table", "write_reports"]


def write_reports(
    rows: Sequence[Row], folder: Path, *, title: str, isolation: str, facts: Mapping[str, str] = {}
) -> None:
    """Write scores.csv, class.html, feedback/ with a page for each student, and exports/ for other programs.

    rows:      one for each student, each page named by its student's slug
    title:     of the course or the assignment, as Canvas is to call it
    isolation: what kept submissions apart, as the run notes it
    facts:     what else the class page says at its end: "graded" -> "25 November 2026"; never the seed
    Raises:    OSError where the disk is full; files that are there are whole
    """
    for row in rows:
        page = feedback(row, title=title, isolation=isolation)
        write_whole(folder / "feedback" / f"{row.student.slug}.html", page)
    write_whole(folder / "class.html", class_page(rows, title=title, isolation=isolation, facts=facts))
    write_exports(rows, folder / "exports", title)
    write_scores(rows, folder / "scores.csv")
