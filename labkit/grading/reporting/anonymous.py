"""One example of a mistake, that can be shown to a class without anybody's name on it."""

import ast
import re
from collections.abc import Iterable

from labkit.grading.records import Row, Student


def example(codes: Iterable[tuple[Row, str]]) -> str:
    """The code of middle length, without comments and docstrings; empty where all of it may name its author.

    codes: what each of them wrote
    """
    plain = [(without_words(code), row.student) for row, code in codes]
    fit = sorted({code for code, student in plain if code and not _names(code, student)}, key=_length)
    return fit[len(fit) // 2] if fit else ""


def without_words(code: str) -> str:
    """The code alone, laid out anew; empty where it is no Python."""
    try:
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module):
                node.body = [s for s in node.body if not _is_text(s)] or [ast.Pass()]
        return ast.unparse(ast.fix_missing_locations(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def _length(code: str) -> tuple[int, str]:
    return len(code), code


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _names(code: str, student: Student) -> bool:
    told = f"{student.key} {student.name} {' '.join(value.partition('@')[0] for _, value in student.ids)}"
    return bool({word for word in _words(told) if len(word) > 2} & _words(code))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))
