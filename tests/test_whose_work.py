"""Whose work it is: the lab's own functions, the published solution, equal code. Flags, and what raises none."""

import ast
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from lab import released

from labkit.authoring.reference import all_references
from labkit.checks.answer import State
from labkit.exercises import exercises, stages
from labkit.grading.fingerprints import printed
from labkit.grading.lab_functions import does_the_work, look_up
from labkit.grading.records import Outcome, Result
from labkit.grading.whose_work import SHORT, equal_code, fingerprint, signs

SOLUTIONS = Path(__file__).parent.parent / "solutions"
IDS = [exercise.id for stage in stages() for exercise in exercises(stage)]
PATH = "labkit.methods.gradients.guided_backprop"


@cache
def published():
    return {exercise_id: found.code for exercise_id, found in all_references(SOLUTIONS).items()}


@cache
def cells(stage):
    (path,) = SOLUTIONS.glob(f"{stage}_*.py")
    return tuple(cell.source for cell in released(path).cells if cell.cell_type == "code")


def own_code_flags(code, **around):
    return {exercise_id: found.flags for exercise_id, found in signs(code, **around).items()}


def forbidden(code, **around):
    return {
        exercise_id: found.own_code for exercise_id, found in signs(code, **around).items() if found.own_code
    }


@pytest.mark.parametrize("exercise_id", IDS)
def test_a_published_solution_uses_no_function_of_the_lab_that_does_its_work(exercise_id):
    code = {exercise_id: published()[exercise_id]}
    for around in ((), cells(exercise_id[:2])):
        assert forbidden(code, cells=around) == {}
        assert own_code_flags(code, cells=around) == {}


@pytest.mark.parametrize("exercise_id", IDS)
def test_each_function_that_does_an_exercises_work_is_seen_and_named(exercise_id):
    assert does_the_work(exercise_id)
    for path in does_the_work(exercise_id).values():
        module, _, name = path.rpartition(".")
        code = f"from {module} import {name}\n\ndef answer(*inputs):\n    return {name}(*inputs)"
        assert path in forbidden({exercise_id: code})[exercise_id]


def test_the_functions_that_the_judges_compare_with_are_among_those_seen():
    """Where an exercise's judge calls one by the name `reference`, that is the exercise's own work, or a step to it."""
    seen = 0
    for path in sorted((SOLUTIONS.parent / "labkit" / "exercises").glob("stage_*/ex*.py")):
        tree = ast.parse(path.read_text())
        imports = {
            alias.asname: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        exercise_id = f"{path.parent.name[-2:]}.{path.name[2]}"
        judge = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("_judge"))
        for node in ast.walk(judge):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "reference":
                things = look_up(f"{imports['reference']}.{node.attr}")
                assert any(id(thing) in does_the_work(exercise_id) for thing in things), (path, node.attr)
                seen += 1
    assert seen >= 5


@pytest.mark.parametrize(
    "code",
    [
        "from labkit.methods.gradients import guided_backprop",
        "from labkit.methods.gradients import guided_backprop as g\ndef answer(*a): return g(*a)",
        "from labkit.methods import gradients as x\nanswer = x.guided_backprop",
        "import labkit.methods.gradients\nanswer = labkit.methods.gradients.guided_backprop",
        "import labkit.methods.gradients as m\ndef answer(*a):\n    h = m\n    return h.guided_backprop(*a)",
        "import labkit\nanswer = labkit.methods.gradients.guided_backprop",
        "from labkit import methods\nanswer = methods.gradients.guided_backprop",
        "from labkit.methods.gradients import *\ndef answer(*a): return guided_backprop(*a)",
        "def answer(*a):\n    from labkit.methods.gradients import guided_backprop\n    return guided_backprop(*a)",
        "from labkit.methods import gradients\nanswer = getattr(gradients, 'guided_' + 'backprop')",
        "from labkit.methods import gradients\nanswer = getattr(gradients, f'guided_{\"backprop\"}')",
        "from labkit.methods import gradients\nanswer = gradients.__dict__['guided_backprop']",
        "from labkit.methods import gradients\nanswer = vars(gradients)['guided_backprop']",
        "import importlib\nm = importlib.import_module('labkit.methods.gradients')\nanswer = m.guided_backprop",
        "import importlib as i\ni.import_module('labkit.' + '.'.join(['methods', 'gradients'])).guided_backprop",
        "answer = __import__('labkit.methods.gradients', fromlist=['x']).guided_backprop",
        "import sys\nanswer = sys.modules['labkit.methods.gradients'].guided_backprop",
        "exec('from labkit.methods.gradients import guided_backprop as answer')",
        "(a, b) = (None, __import__)\nanswer = b('labkit.methods.gradients', fromlist='x').guided_backprop",
        "import functools\nfrom labkit.methods import gradients\nanswer = functools.partial(gradients.guided_backprop)",
        "from labkit import mine\nfrom labkit.methods import gradients\nanswer = mine(gradients).guided_backprop",
        "answer = gradients.guided_backprop",
        "import operator as o\nfrom labkit.methods import gradients as g\nanswer = o.attrgetter('guided_backprop')(g)",
        "answer = globals()['gradients'].guided_backprop",
        "answer = lambda *a: lab.guided_backprop(*a)",
        "%matplotlib inline\nfrom labkit.methods.gradients import guided_backprop as answer",
        "if (m := __import__('labkit.methods.gradients', fromlist='x')):\n    answer = m.guided_backprop",
    ],
)  # fmt: skip
def test_the_labs_own_function_is_seen_under_any_name(code):
    assert forbidden({"05.4": code}) == {"05.4": f"uses {PATH}, which does the exercise's work"}
    assert own_code_flags({"05.4": code})["05.4"][0] == forbidden({"05.4": code})["05.4"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "from labkit.methods.gradients import guided_backprop as helper",
        "from labkit.methods import gradients as g\ndef helper(*a):\n    return g.guided_backprop(*a)",
        "def deeper(*a):\n    return lab.guided_backprop(*a)\ndef helper(*a):\n    return deeper(*a)",
        "import labkit.methods.gradients as g\nhelper = g.guided_backprop",
        "class helper:\n    from labkit.methods.gradients import guided_backprop",
    ],
)
def test_what_a_task_imports_and_calls_from_other_cells_counts(elsewhere):
    code = {"05.4": "def guided_backprop(*a):\n    return helper(*a)"}
    assert PATH in forbidden(code, cells=["x = 1", elsewhere, "this is no Python"])["05.4"]
    assert forbidden(code) == {}


def test_a_cell_that_defines_the_tasks_function_anew_counts():
    honest = {"05.4": published()["05.4"]}
    again, task, check = (
        "from labkit.methods.gradients import guided_backprop",
        honest["05.4"],
        'check("05.4", f)',
    )
    assert PATH in forbidden(honest, cells=["x = 1", task, "y = 2", again, check])["05.4"]
    for harmless in ([again, task, check], [task, check, again], [task, "z = 3", check]):
        assert forbidden(honest, cells=harmless) == {}


def test_the_set_up_cells_own_names_are_known():
    assert PATH in forbidden({"05.4": "guided_backprop = lab.guided_backprop"}, cells=cells("05"))["05.4"]


@pytest.mark.parametrize(
    ("exercise_id", "code"),
    [
        ("05.4", "def guided_backprop(model, image, target):\n    return model.guided_backprop(image)"),
        ("05.4", "from mylab.gradients import guided_backprop"),
        ("05.4", "def f(gradients):\n    return gradients.guided_backprop"),
        ("05.4", "def f(x):\n    lab = x\n    return lab.guided_backprop"),
        (
            "01.3",
            "def f(tiles):\n    for tile in tiles:\n        tile.add_(1)\n    return [tile[0] for tile in tiles]",
        ),
        (
            "05.3",
            "def f(a):\n    '''Like labkit.methods.gradients.guided_backprop; see solutions/05.'''\n    return a",
        ),
        ("00.5", "def suppress(boxes):\n    return yolo.iou(boxes, boxes)"),
        ("05.4", "this is no Python"),
        ("05.4", "x = " + "(" * 5_000 + ")" * 5_000),
        ("05.4", "x = " + "-" * 40_000 + "1"),
        ("05.4", "x = 1\0"),
        ("05.4", ""),
    ],
)
def test_what_only_looks_like_it_raises_no_flag(exercise_id, code):
    around = cells(exercise_id[:2])
    assert own_code_flags({exercise_id: code}) == own_code_flags({exercise_id: code}, cells=around) == {}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "from labkit.exercises import find\nf = find('05.4').mistakes[0].wrong",
            "uses labkit.exercises.find",
        ),
        ("import labkit.checks.judging as j\nj.judge = print", "uses labkit.checks.judging"),
        ("text = open('../solutions/05_guided_backprop.py').read()", "names the solutions"),
        (
            "from labkit.methods import gradients\ng = getattr(gradients, input())",
            "looks up a name of labkit.methods",
        ),
    ],
)
def test_judges_solutions_and_computed_names_are_flagged_but_not_forbidden(code, said):
    (flag,) = own_code_flags({"05.4": code})["05.4"]
    assert said in flag
    assert forbidden({"05.4": code}) == {}


AT_RUN_TIME = {
    "exec(text)": "exec",
    "import builtins as b\nb.exec(text)": "exec",
    "from builtins import eval as e\nanswer = e('guided' + rest)": "eval",
    "answer = compile(text, '', 'exec')": "compile",
    "exec('answer = eval(rest)')": "eval",
    "import importlib\nanswer = getattr(importlib.import_module(name), rest)": "importlib.import_module",
    "answer = __import__('labkit.methods.' + name)": "__import__",
    "answer = globals()[name]": "globals",
    "answer = [f for n, f in globals().items() if n.startswith('guided')]": "globals",
    "answer = max(locals().values(), key=id)": "locals",
    "answer = vars()[name]": "vars",
    "import sys\nanswer = sys.modules[name]": "sys.modules",
    "from sys import modules as m\nanswer = list(m.values())": "sys.modules",
    "answer = check.__globals__['find']": "__globals__",
    "answer.__code__ = other.__code__": "__code__",
    "import sys\nanswer = sys._getframe(1).f_globals": "f_globals, sys._getframe",
    "import pkgutil\nanswer = pkgutil.resolve_name('labkit.methods.' + name)": "pkgutil.resolve_name",
    "get_ipython().ev(text)": "get_ipython",
    "answer = object.__subclasses__()": "__subclasses__",
    "def pick(m, n):\n    return getattr(m, n)\nanswer = pick(gradients, 'guided_' + rest)": "getattr",
    "def answer(x, m=gradients):\n    return getattr(m, name)(x)": "getattr",
    "for m in (gradients, 1):\n    answer = getattr(m, name)": "getattr",
    "import operator\nanswer = operator.attrgetter(name)(gradients)": "operator.attrgetter",
    "answer = list(vars(gradients).values())[3]": "vars",
    "answer = gradients.__dict__.get(name)": "__dict__",
    "answer = [n for n in dir(gradients) if n > 'g']": "dir",
}


@pytest.mark.parametrize("code", AT_RUN_TIME)
def test_names_that_only_a_run_could_tell_are_flagged_and_never_forbidden(code):
    said = f"looks up names at run time ({AT_RUN_TIME[code]}): look at it"
    for written, around in ((code, ()), ("def f(x):\n    return answer(x)", [code]), (code, cells("05"))):
        assert said in own_code_flags({"05.4": written}, cells=around)["05.4"]
        assert forbidden({"05.4": written}, cells=around) == {}


@pytest.mark.parametrize(
    "code",
    [
        "def f(net, name):\n    return getattr(net, name)",
        "def f(net):\n    return [getattr(net, f'layer{i}') for i in range(4)], lab.input_gradient(net)",
        "def f(net):\n    return gradients.input_gradient(net), net.__dict__['weight'], dir(net)",
        "import operator\nf = operator.attrgetter('weight')",
        "def f(model):\n    model.eval()\n    return torch.compile(model)",
        "import re\nfrom re import compile\nf = re.compile(x), compile(x)",
        "f = globals()['width'], __import__('math').pi, eval('1 + 1'), vars(settings)['width']",
        "def f(locals, exec):\n    return exec(locals)",
        "import sys, pickle, importlib\nm = importlib.import_module('math'), sys.modules['math']",
        "class Hook:\n    def __init__(self, **more):\n        self.__dict__.update(more)",
        "setattr(settings, name, 3)",
    ],
)
def test_plain_ways_to_write_python_raise_no_flag_whatever_they_look_up(code):
    for around in ((), cells("05")):
        assert own_code_flags({"05.4": code}, cells=around) == {}


@pytest.mark.parametrize(
    "added",
    [
        "guided_backprop.__code__ = gradients.guided_backprop.__code__",
        "guided_backprop = functools.partial(lab.guided_backprop)",
        "setattr(guided_backprop, '__code__', gradients.guided_backprop.__code__)",
    ],
)
def test_what_changes_the_tasks_function_before_its_check_counts(added):
    honest = {"05.4": published()["05.4"]}
    around = [*cells("05"), honest["05.4"], added, 'check("05.4", guided_backprop)']
    assert PATH in forbidden(honest, cells=around)["05.4"]
    compared = "print(guided_backprop(model, photos[:1], 3) - lab.guided_backprop(model, photos[:1], 3))"
    around[-2] = compared
    assert own_code_flags(honest, cells=around) == {}


def test_a_notebook_of_thousands_of_statements_is_read_once_and_not_for_each_task():
    tasks = {f"05.{n}": f"def f{n}(x):\n    return unknown{n}(x)" for n in range(1, 6)}
    began = time.perf_counter()
    assert signs(tasks, cells=[f"g({n})" for n in range(2_500)]) == {}
    assert time.perf_counter() - began < 20


RENAMED = '''
import torch
def guided_backprop(net: object, picture, k: int = 3) -> "Tensor":
    """Another text."""
    # and another comment
    def   h(_m, gi, go):
        return (gi[0].clamp(min=0),)

    handles = [m.register_full_backward_hook(h)
               for m in net.modules() if isinstance(m, torch.nn.ReLU)]
    try:
        x: object = picture.clone().requires_grad_()
        return torch.autograd.grad(net(x)[0, k], x)[0]
        print("never reached")
    finally:
        for each in handles:
            each.remove()
'''.replace(" = 3", "")  # fmt: skip


def test_code_is_the_published_one_but_for_names_and_layout():
    flags = own_code_flags({"05.4": RENAMED}, published=published())
    assert flags == {"05.4": ("the code is the published solution's, but for names and layout",)}
    assert own_code_flags({"05.4": RENAMED}) == {}


@pytest.mark.parametrize("exercise_id", IDS)
def test_a_solution_is_its_own_and_no_other_ones(exercise_id):
    code = published()[exercise_id]
    flags = own_code_flags({exercise_id: code}, published=published())
    assert bool(flags) == (printed(code).size >= SHORT)
    assert sum(fingerprint(other) == fingerprint(code) for other in published().values()) == 1
    assert fingerprint(ast.unparse(ast.parse(code))) == fingerprint(code)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("def f(a, b): return a - b", "def g(x, y): return x - y", True),
        ("def f(a, b): return a - b", "def g(x, y): return y - x", False),
        ("def f(a): return a.sum(dim=1, keepdim=True)", "def f(a): return a.sum(keepdim=True, dim=1)", True),
        ("def f(a): return a.sum(1)", "def f(a): return a.mean(1)", False),
        ("def f(a): return a + 1", "def f(a): return a + 2", False),
        ("import torch.nn.functional as G\ndef f(a): return G.relu(a)", "def f(a): return F.relu(a)", True),
        ("from torch import relu as r\ndef f(a): return r(a)", "def f(a): return torch.relu(a)", True),
        ("def f(a): return [i for i in a]", "def f(i): return [a for a in i]", True),
        ("def f(a): return [a for a in a]", "def f(x): return [y for y in x]", True),
        ("def f(a): return [i * j for i, j in a]", "def f(a): return [j * i for i, j in a]", False),
        ("def f(a):\n x = 1\n return lambda y: x + y", "def f(a):\n u = 1\n return lambda v: u + v", True),
        ("def f(a):\n x = 1\n return lambda y: x + y", "def f(a):\n u = 1\n return lambda v: v + u", False),
        ("def f(a):\n return a\nprint(f(3))", "def f(b):\n return b", True),
        ("x = 1", "y = 1", True),
    ],
)
def test_a_fingerprint_sees_what_code_does_and_not_how_it_is_called(one, other, alike):
    assert (fingerprint(one) == fingerprint(other)) == alike
    assert fingerprint(one)


@pytest.mark.parametrize(
    "code",
    ["", "no Python here", "# a comment", 'def f(a):\n    """Says."""\n    raise NotImplementedError("TODO")', "pass",
     "x = 1\0", "x = " + "(" * 5_000 + ")" * 5_000, "x = " + "-" * 50_000 + "1"],
)  # fmt: skip
def test_what_is_no_code_has_no_fingerprint(code):
    assert fingerprint(code) == ""


def result(student, code, exercise_id="05.4"):
    outcome = Outcome(exercise_id, State.PASSED, code=code)
    return Result(student, exercise_id[:2], f"{student}.ipynb", "0", (outcome,))


def own(k, size):
    """Code that nobody else writes, of about so many statements and expressions."""
    return f"def f(x):\n    x = x + {k}\n" + "    x = x.abs()\n" * (size // 4) + "    return x"


def flagged(counts, size):
    """Who is flagged in a class where so many students each share one code."""
    names = iter(f"s{i:03d}" for i in range(1_000))
    return equal_code(
        [result(next(names), own(k, size)) for k, count in enumerate(counts) for _ in range(count)]
    )


def test_two_of_a_class_with_equal_code_are_flagged_with_whom_and_how_many_have_it():
    rest = [result(f"s{i}", own(i, 40)) for i in range(98)]
    pair = [result("ada", published()["05.4"]), result("bob", RENAMED)]
    found = equal_code([*rest, *pair])
    assert set(found) == {("ada", "05.4"), ("bob", "05.4")}
    assert "bob" in found["ada", "05.4"]
    assert "2 of the 100 who wrote it, 2 %" in found["ada", "05.4"]


def test_short_answers_and_what_many_write_are_no_sign():
    assert flagged([2, *[1] * 98], SHORT - 15) == {}
    assert len(flagged([2, *[1] * 98], SHORT + 10)) == 2
    assert len(flagged([10, *[1] * 90], SHORT + 10)) == 10
    assert flagged([11, *[1] * 89], SHORT + 10) == {}
    assert len(flagged([11, *[1] * 89], 80)) == 11
    assert flagged([51, *[1] * 49], 80) == {}
    assert len(flagged([2, 1], SHORT + 10)) == 2


def test_equal_code_in_another_exercise_or_of_the_same_student_is_no_sign():
    code = own(1, 60)
    assert equal_code([result("ada", code, "05.3"), result("bob", code, "05.4")]) == {}
    assert equal_code([result("ada", code), result("ada", code)]) == {}
    empty = replace(result("bob", code), outcomes=(Outcome("05.4", State.NOT_ATTEMPTED),))
    assert equal_code([result("ada", code), empty]) == {}


def test_many_with_equal_code_are_not_all_named():
    found = flagged([9, *[1] * 91], 80)
    assert "and 3 more" in found["s000", "05.4"]


def test_what_is_too_long_to_be_looked_into_is_said():
    code = {"05.4": "from labkit.methods.gradients import guided_backprop\n" + "# padding\n" * 6_000}
    assert own_code_flags(code) == {"05.4": ("its cell is too long to be looked into",)}
    many = ["x = 1"] * 3_000
    assert own_code_flags({"05.4": "x = 1"}, cells=many) == {
        "05.4": ("a part of the notebook is too long to be looked into",)
    }


@pytest.mark.parametrize(
    "handed_out",
    [
        "import sys\nhere = sys.modules[__name__]",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "width = globals().get('WIDTH', 8)",
        "def setting(name):\n    return globals()[name]",
    ],
)
def test_lookups_that_were_handed_out_are_no_sign_and_the_students_own_are(handed_out):
    task = "def guided_backprop(model, image, target):\n    return setting('x') * width * somebodys(here)"
    others = ["import torch", handed_out, "x = 1"]
    assert "05.4" not in own_code_flags({"05.4": task}, cells=[*others, task], released=others)
    assert "at run time" in str(own_code_flags({"05.4": task}, cells=[*others, task]))
    changed = [*others, "somebodys = vars()[input()]", task]
    assert "at run time" in str(own_code_flags({"05.4": task}, cells=changed, released=others))


def test_a_helper_that_was_handed_out_is_still_followed_to_the_lab():
    helper = "def help_me(*given):\n    return lab.guided_backprop(*given)"
    task = "def guided_backprop(model, image, target):\n    return help_me(model, image, target)"
    around = ["from labkit.methods import gradients as lab", helper, task]
    assert "guided_backprop" in str(forbidden({"05.4": task}, cells=around, released=around[:2]))
