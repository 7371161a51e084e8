"""Which stage a notebook is, and how much of it has been worked on: by its exercises, whatever the file is called."""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from warnings import catch_warnings, simplefilter

from nbformat import NotebookNode

from labkit.grading.collecting.notebooks import grade_id

# What the functions of the exercises are called, for notebooks that have nothing else left (a test compares them).
FUNCTIONS = {
    "00": ("linear_everywhere", "logits_everywhere", "decode_boxes", "box_iou", "suppress"),
    "01": (
        "first_layer_filters", "scale_filters", "tile_filters", "normalize_contrast", "zca_whiten", "kmeans_round",
    ),
    "02": ("last_features", "pairwise_distances", "nearest_others", "precision_at_k", "map_2d", "probe_step"),
    "03": ("record_layer", "grey_maps", "count_silence", "lay_over", "selectivity"),
    "04": ("field_of", "pixels_of", "peaks", "best_of_stream", "answer_to_crop"),
    "05": ("logit_gradient", "saliency_map", "relu_backward", "guided_backprop", "rank_correlation"),
    "06": (
        "step_up", "jittered_step", "clip_small_norm", "clip_small_contribution", "maximize", "image_from_spectrum",
    ),
    "07": ("dream_gradient", "dream_in_octaves", "tiled_gradient", "guided_score"),
    "08": ("fool", "fgsm", "project", "pgd", "fool_by_file"),
    "09": ("plant", "mass_inside", "pointing_game"),
}  # fmt: skip
_EXERCISE_OF = {name: f"{stage}.{n}" for stage, names in FUNCTIONS.items() for n, name in enumerate(names, 1)}
_CELL = re.compile(r"(\d\d)-(\d+)-(?:task|check)")
_CHECK = re.compile(r"""^\s*check\(\s*(?:exercise_id\s*=\s*)?["'](\d\d\.\d+)["']""", re.M)
_TODO = re.compile(r"\bTODO (\d\d\.\d+)\b")
_STUB = re.compile(r"""raise NotImplementedError\(["']TODO (\d\d\.\d+)["']\)""")
_TRACE = re.compile(rb"(\d\d)-\d+-(?:task|check)|TODO (\d\d)\.\d")
_LONGEST_STUB = 20_000  # characters
_DEFINED = re.compile(r"^def (\w+)\(", re.M)
_IN_NAME = (
    re.compile(r"(?<!\d)(?<!\d[-.])(0\d)(?!\d|[-.]\d\d)"),  # not in a date
    re.compile(
        r"(?:stage|lab|notebook|exercises?|ex|hw|homework|week|sheet|ps|assignment)[ _-]*(\d)(?![\d.])", re.I
    ),
)


@dataclass(frozen=True)
class Work:
    """What a notebook has of one stage. exercises: how many of them;  attempted: how many without their stub"""

    exercises: int
    attempted: int


def work(notebook: NotebookNode) -> dict[str, Work]:
    """The stages that a notebook is of, each with what it has of it: one stage, or several if somebody merged them."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = _exercises(code)
    stubs = {exercise for cell in code for exercise in _stubs(cell.source)}
    stubs -= _defined(cell.source for cell in code if not _STUB.search(cell.source))
    count = Counter(exercise[:2] for exercise in found)
    most = max(count.values(), default=0)
    return {
        stage: Work(number, sum(e[:2] == stage and e not in stubs for e in found))
        for stage, number in sorted(count.items())
        if number == most or number > 2
    }


def stage_in_bytes(data: bytes) -> str:
    """The stage that a file is most likely of, if it cannot be read as a notebook; "" if it has no exercise in it."""
    count = Counter(match[1] or match[2] for match in _TRACE.finditer(data))
    return count.most_common(1)[0][0].decode() if count else ""


def _stubs(source: str) -> list[str]:
    """The exercises of which a cell has the stub alone; with code before it, it has been worked on."""
    found = _STUB.findall(source)
    if not found or len(source) > _LONGEST_STUB:
        return []
    try:
        with catch_warnings():
            simplefilter("ignore")  # of how a student writes backslashes
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    bare = [
        b for b in bodies if isinstance(b[-1], ast.Raise) and all(isinstance(s, ast.Expr) for s in b[:-1])
    ]
    return found if bare else []


def stage_in_name(*names: str) -> str:
    """The stage that a file's name, or else the name of its folder, begins with or has in it; "" if none."""
    for name in names:
        stem = name.removesuffix(".ipynb")
        if match := _IN_NAME[0].match(stem) or _IN_NAME[0].search(stem):
            return match[1]
        if match := _IN_NAME[1].search(stem):
            return f"0{match[1]}"
    return ""


def exercises_in(cell: NotebookNode) -> set[str]:
    """The exercises whose task or check a cell is."""
    return _exercises([cell]) if cell.cell_type == "code" else set()


def _exercises(code: list[NotebookNode]) -> set[str]:
    """By the marks and ids of the cells; without them by the checks, the TODOs, the names of the functions."""
    marks = [_CELL.fullmatch(grade_id(cell) or "") or _CELL.fullmatch(cell.id) for cell in code]
    if found := {f"{match[1]}.{match[2]}" for match in marks if match}:
        return found
    sources = [cell.source for cell in code]
    for pattern in (_CHECK, _TODO):
        if found := {exercise for source in sources for exercise in pattern.findall(source)}:
            return found
    return _defined(sources)


def _defined(sources: Iterable[str]) -> set[str]:
    """The exercises whose functions are defined there."""
    defined = {name for source in sources for name in _DEFINED.findall(source)}
    return {_EXERCISE_OF[name] for name in defined & _EXERCISE_OF.keys()}
