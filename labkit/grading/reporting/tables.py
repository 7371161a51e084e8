"""Tables for spreadsheets: no cell is a formula, in whatever language the spreadsheet is set to."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from labkit.files import write_whole
from labkit.grading.reporting.text import MESSAGE, one_line

# at the beginning, and after a semicolon, which parts cells where commas part decimals; also as wide letters
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@＝＋－＠])")


def write_table(path: Path, rows: Iterable[Sequence[object]], *, for_excel: bool = False) -> None:
    """Write rows as UTF-8, whole or not at all.

    for_excel: begin with the mark that Excel knows UTF-8 by; other programs may take it for a part of the first cell
    """
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    write_whole(path, "\ufeff" * for_excel + text.getvalue())


def _cell(value: object) -> object:
    return _FORMULA.sub(r"\1\2'", one_line(value, MESSAGE)) if isinstance(value, str) else value
