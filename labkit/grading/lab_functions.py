"""Which functions of the lab do an exercise's work, or a good part of it, and where they can be imported from."""

from functools import cache
from importlib import import_module
from types import ModuleType

from labkit.exercises.stand_ins import STAND_INS

# beside those that a student's own function stands in for; as they are called in labkit or labkit.methods
_MORE = {
    "00.1": "methods.dense.as_convolution methods.dense.convolutionize methods.dense.Dense",
    "00.2": "methods.dense.as_convolution methods.dense.convolutionize methods.dense.Dense",
    "00.3": "methods.yolo.decode",
    "01.6": "methods.filters.learn_filters",
    "02.1": "methods.neighbors.penultimate",
    "02.2": "methods.neighbors.distances methods.neighbors.nearest",
    "02.3": "methods.neighbors.nearest",
    "02.5": "methods.neighbors.pca_map",
    "03.1": "hooks.recording",
    "03.3": "methods.activations.sparsity methods.activations.never_fires methods.activations.silence_by_layer",
    "03.4": "methods.activations.overlay",
    "03.5": "methods.evidence.told_apart",
    "04.1": "methods.patches.chain_field receptive.receptive_field",
    "04.2": "methods.patches.unit_box receptive.receptive_field",
    "04.3": "methods.activations.peak_places",
    "04.4": "methods.patches.top_patches",
    "04.5": "methods.patches.answers_alone methods.patches.on_canvas",
    "05.1": "methods.gradients.input_gradient",
    "05.3": "relus.relu_rule",
    "05.4": "methods.neurons.three_rules relus.relu_rule",
    "06.1": "methods.ascent.maximize methods.ascent.ascend",
    "06.2": "methods.ascent.maximize methods.ascent.ascend",
    "06.5": "methods.ascent.maximize methods.ascent.ascend",
    "06.6": "methods.ascent.FOURIER methods.ascent.parameterisations._to_image",
    "07.1": "methods.dream.activation_norm methods.dream.dreaming methods.gradients.input_gradient",
    "07.2": "methods.dream.deep_dream methods.dream.dreaming",
    "07.3": "methods.dream.tiled_gradient",
    "07.4": "methods.dream.best_match methods.dream.guide_match",
    "08.2": "methods.adversarial.pgd",
    "08.4": "methods.adversarial.pgd methods.robustness.foolbox_pgd",
    "08.5": "methods.adversarial.fool",
    "09.1": "methods.planted.plant methods.planted.planted",
    "09.2": "methods.planted.mass_inside methods.planted.map_trials",
    "09.3": "methods.planted.pointing_game",
}
_OPEN = (
    "methods",
    "hooks",
    "receptive",
    "relus",
    "objectives",
    "models",
    "images",
    "batches",
)  # to be looked into
_JUDGING = ("labkit.checks", "labkit.exercises", "labkit.authoring", "labkit.grading")
_FOR_STUDENTS = {f"labkit.exercises.{name}" for name in ("check", "hint", "mine")}


@cache
def does_the_work(exercise_id: str) -> dict[int, str]:
    """The functions that do an exercise's work: their id() -> "labkit.methods.gradients.guided_backprop"."""
    stand_ins = [f"{s.module.__name__}.{s.name}" for s in STAND_INS if s.exercise == exercise_id]
    paths = [*stand_ins, *(f"labkit.{name}" for name in _MORE.get(exercise_id, "").split())]
    return {id(thing): path for path in paths for thing in look_up(path)}


def is_judging(path: str) -> bool:
    """Whether a path leads into what judges answers or knows them, and not to what notebooks use of it."""
    return (
        path.startswith(_JUDGING)
        and path not in _FOR_STUDENTS
        and path.rpartition(".")[0] not in _FOR_STUDENTS
    )


@cache
def look_up(path: str) -> tuple[object, ...]:
    """What a dotted path of the lab may lead to; nothing for any other. Imports the lab's own modules, and no others.

    Of a function and a module of one name, as in labkit.methods.dream.dreaming, it is both.
    """
    names = path.split(".")
    if names[0] != "labkit" or (names[1:2] and names[1] not in _OPEN):
        return ()
    found: list[object] = [import_module("labkit")]
    for depth, name in enumerate(names[1:], 2):
        modules = [module for module in found if isinstance(module, ModuleType)]
        inside = [vars(module)[name] for module in modules if name in vars(module)]
        found = [*inside, *(_module(".".join(names[:depth])) if modules else ())]
    return tuple({id(thing): thing for thing in found}.values())


def _module(path: str) -> tuple[ModuleType, ...]:
    try:
        return (import_module(path),)
    except (ImportError, ValueError):
        return ()


def is_module(path: str) -> bool:
    """Whether a path leads to a module of the lab, or is what notebooks call the lab by."""
    return path == "lab" or any(isinstance(thing, ModuleType) for thing in look_up(path))


def public_names(path: str) -> list[str]:
    """What `from path import *` brings; nothing for what is no module of the lab."""
    modules = [thing for thing in look_up(path) if isinstance(thing, ModuleType)]
    return [
        name
        for module in modules
        for name in getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    ]


@cache
def module_called(name: str) -> str:
    """The path of the method's module that notebooks call so: "gradients" -> "labkit.methods.gradients"."""
    path = f"labkit.methods.{name}"
    return path if any(isinstance(thing, ModuleType) for thing in look_up(path)) else ""
