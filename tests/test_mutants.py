"""Mutants of the reference answers: what is changed, how they are judged, what is counted."""

import ast
import sys
from pathlib import Path

import pytest
import torch

from labkit.authoring.reference import Reference, all_references, references
from labkit.checks.answer import State
from labkit.checks.exercise import CheckFailed, Exercise, Mistake
from labkit.errors import LabError
from labkit.exercises import exercises, stages

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutation import marks, report, trial  # noqa: E402
from mutation.mutants import mutants  # noqa: E402
from mutation.processes import outcomes  # noqa: E402


def bodies(code, examples=None):
    """The mutants of a function's body, without its heading, as (words, text)."""
    function = "def f(x, y, n):\n" + "\n".join(f"    {line}" for line in code.split("\n"))
    return {
        m.code.split("\n", 1)[1].replace("\n    ", "\n").strip() for m in mutants("00.0", function, examples)
    }


CHANGES = {  # code -> some of what has to be among its mutants
    "return x + y": {"return x - y", "return x", "return y", "return -x + y"},
    "return x - y": {"return x + y", "return y - x"},
    "return x * y": {"return x / y"},
    "return x // y": {"return x / y", "return -(-x // y)"},
    "return x < y": {"return x <= y", "return x > y", "return x >= y"},
    "return x == y": {"return x != y"},
    "return x > 0 and y > 0": {"return x > 0 or y > 0", "return x > 0", "return y > 0"},
    "return ~x & y": {"return x & y", "return ~x | y"},
    "return x.sum(dim=1)": {"return x.sum(dim=2)", "return x.sum(dim=0)", "return x.sum()", "return x.mean(dim=1)"},
    "return x * 0.5": {"return x * 1.5", "return x * 0.25", "return x * 0.0", "return x * 1.0"},
    "return x.topk(n, largest=False)": {
        "return x.topk(n, largest=True)",
        "return x.topk(n)",
        "return x.topk(n + 1, largest=False)",
    },
    "return f(x, y)": {"return f(y, x)", "return f(x)", "return f(y)", "return x", "return y"},
    "return x.clone()": {"return x", "return x.detach()"},
    "return x.detach()": {"return x"},
    "return x.clamp(0, 1)": {"return x", "return x.clamp(0)", "return x.clamp(None, 1)", "return x.clamp_(0, 1)"},
    "return x.clamp(min=0)": {"return x.clamp(max=0)"},
    "return x.abs()": {"return x.square()", "return x"},
    "return x.square()": {"return x.abs()", "return x"},
    "return x.sqrt()": {"return x"},
    "return x.float()": {"return x"},
    "return x.sign()": {"return x / x.abs().mean()", "return x / x.square().mean().sqrt()"},
    "return x.abs().mean()": {"return x.square().mean().sqrt()", "return x.norm()"},
    "return min(x, y)": {"return max(x, y)", "return x"},
    "return x.amin()": {"return x.amax()"},
    "return x.argmax()": {"return x.argmin()"},
    "return x.floor()": {"return x.ceil()", "return x.round()"},
    "return round(x)": {"return int(x)", "return -int(-x // 1)"},
    "return net.modules()": {"return net.children()"},
    "return x[:, 1]": {"return x[1, :]", "return x[:, 0]", "return x[:, 2]", "return x", "return x[1]", "return x[:]"},
    "return x[n:y]": {"return x[n + 1:y]", "return x[n:y - 1]", "return x[:y]", "return x[n:]"},
    "return x[n]": {"return x[n + 1]", "return x[n - 1]"},
    "return x.T": {"return x"},
    "return (x, y)": {"return (y, x)"},
    "return x.max(dim=1).indices": {"return x.max(dim=1).values"},
    "return x if n else y": {"return x", "return y", "return y if n else x"},
    "return [z for z in x if z]": {"return [z for z in x]", "return [z for z in x if not z]"},
    "x = x * 2\nreturn x": {"return x", "x *= 2\nreturn x", "x = x * 2"},
    "x += y\nreturn x": {"x = y\nreturn x", "x -= y\nreturn x", "x += y\nx += y\nreturn x"},
    "x = f(x)\ny = f(x)\nreturn y": {"y = f(x)\nx = f(x)\nreturn y"},
    "if x > n:\n    y = 1\nreturn y": {
        "if not x > n:\n    y = 1\nreturn y",
        "if x >= n:\n    y = 1\nreturn y",
        "y = 1\nreturn y",
        "return y",
    },
    "for i in range(n):\n    x = x + i\nreturn x": {
        "for i in range(n - 1):\n    x = x + i\nreturn x",
        "for i in range(n + 1):\n    x = x + i\nreturn x",
        "for i in range(1, n):\n    x = x + i\nreturn x",
        "for i in range(n):\n    x = x + i\n    break\nreturn x",
        "for i in range(n):\n    x = x + i\n    return x",
        "for i in list(range(n))[::-1]:\n    x = x + i\nreturn x",
    },
    "for i in range(x, y, n):\n    x = f(x)\n    y = g(x)\nreturn y": {
        "for i in range(x, y, n + 1):\n    x = f(x)\n    y = g(x)\nreturn y",
        "for i in range(x, y, n):\n    x = f(x)\ny = g(x)\nreturn y",
        "x = f(x)\nfor i in range(x, y, n):\n    y = g(x)\nreturn y",
    },
    "while x < n:\n    x = f(x)\nreturn x": {
        "while True:\n    x = f(x)\nreturn x",
        "if x < n:\n    x = f(x)\nreturn x",
        "while not x < n:\n    x = f(x)\nreturn x",
    },
    "with g(x):\n    y = f(x)\nreturn y": {"y = f(x)\nreturn y"},
    "try:\n    return f(x)\nfinally:\n    x.remove()": {
        "return f(x)",
        "try:\n    return f(x)\nfinally:\n    pass",
        "x.remove()\nreturn f(x)",
        "try:\n    return f(x)\nexcept Exception:\n    pass\nfinally:\n    x.remove()",
    },
}  # fmt: skip


@pytest.mark.parametrize("code", CHANGES)
def test_a_change_of_every_kind_is_made(code):
    assert CHANGES[code] <= bodies(code)


def test_variables_of_one_type_are_exchanged_and_no_others():
    examples = {"x": torch.rand(2, 3), "y": torch.rand(3, 2), "n": 7}
    assert "return y + n" in bodies("return x + n", examples)
    assert "return n + n" not in bodies("return x + n", examples)


def test_a_number_is_written_down_and_a_batch_cut_to_its_first():
    examples = {"x": torch.rand(2, 3), "y": torch.rand(3, 2), "n": 7}
    assert {"return x + 7", "return x[:1] + n"} <= bodies("return x + n", examples)
    assert "return x + n[:1]" not in bodies("return x + n", examples)


def test_docstrings_type_hints_and_signatures_stay():
    code = 'def f(x: int = 3) -> list[int]:\n    """Twice 2."""\n    y: int = x + 1\n    return [y]'
    made = mutants("00.0", code)
    assert made
    for mutant in made:
        assert mutant.code.startswith('def f(x: int=3) -> list[int]:\n    """Twice 2."""')
        hints = [n.annotation for n in ast.walk(ast.parse(mutant.code)) if isinstance(n, ast.AnnAssign)]
        assert {ast.unparse(hint) for hint in hints} <= {"int"}


def test_each_mutant_is_code_is_new_and_comes_once():
    for reference in references(ROOT / "solutions" / "05_guided_backprop.py").values():
        made = mutants(reference.exercise_id, reference.code)
        texts = [mutant.code for mutant in made]
        assert len(set(texts)) == len(texts) > 10
        assert ast.unparse(ast.parse(reference.code)) not in texts
        for mutant in made:
            compile(mutant.code, "mutant", "exec")
            assert mutant.before != mutant.after


def test_what_a_mutant_is_known_by_stays_when_lines_move():
    code = "def f(x):\n    y = x + 1\n    return y * 2"
    moved = code.replace("\n    return", "\n\n    # in between\n    return")
    before, after = mutants("00.0", code), mutants("00.0", moved)
    assert [m.key for m in before] == [m.key for m in after]
    assert {m.label for m in before} >= {"00.0 line 3: * -> /"}
    assert {m.label for m in after} >= {"00.0 line 5: * -> /"}


COUNT = Reference(
    "99.1",
    "import torch",
    "def count(images):\n"
    "    total = 0\n"
    "    while total < len(images):\n"
    "        total += 1\n"
    "    return torch.tensor(total)\n",
    "count",
)


def judge_count(case, answer):
    if answer["count"].item() != len(case):
        raise CheckFailed(f"count: expected {len(case)}, got {answer['count'].item()}")


COUNTING = Exercise(
    id="99.1",
    title="Count",
    points=1,
    minutes=3,
    hints=("look", "len"),
    cases=lambda generator: {"two": torch.rand(2, 3, generator=generator)},
    answer=lambda f, case: {"count": f(case)},
    judge=judge_count,
    mistakes=(Mistake("one more", "one too many.", lambda images: torch.tensor(len(images) + 1)),),
)


@pytest.fixture(scope="module")
def tried():
    """The code of each mutant of COUNT -> its outcome."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        made = mutants("99.1", COUNT.code, trial.examples(COUNTING, COUNT))
        return {o.mutant.code: o for o in outcomes(COUNTING, COUNT, made, jobs=2, limit_s=0.3)}
    finally:
        torch.set_num_threads(threads)


def changed(old, new):
    return ast.unparse(ast.parse(COUNT.code.replace(old, new)))


def test_every_mutant_has_one_outcome(tried):
    assert set(tried) == {m.code for m in mutants("99.1", COUNT.code, trial.examples(COUNTING, COUNT))}


def test_a_survivor_is_found_and_one_that_answers_wrongly_is_none(tried):
    assert tried[changed("total = 0", "total = 1")].survived  # as long as no case has no image
    assert tried[changed("return torch", "return -torch")].state == State.WRONG
    assert tried[changed("len(images)", "len(images[:1])")].state == State.WRONG


def test_an_endless_loop_is_ended_and_its_neighbours_are_judged(tried):
    assert tried[changed("total += 1", "total -= 1")].state == State.TIMED_OUT


def test_what_was_named_is_kept(tried):
    assert tried[changed("len(images)", "len(images) + 1")].named == "one more"


def test_a_process_that_ends_itself_costs_one_mutant():
    code = "import os\nos._exit(3)\ndef count(images):\n    return 0"
    made = mutants("99.1", COUNT.code)[:3]
    deadly = [type(made[0])("99.1", 1, "the end", "", "", code)]
    found = {o.mutant.words: o for o in outcomes(COUNTING, COUNT, [*made, *deadly], jobs=1, limit_s=0.3)}
    assert found["the end"].state == State.CRASHED
    assert len(found) == 4


def test_one_that_spoils_what_others_share_does_not_decide_over_them():
    code = "torch.tensor = None\ndef count(images):\n    return 0"
    made = [m for m in mutants("99.1", COUNT.code) if m.words == "total = 0 -> 1" or "0 -> 1" in m.words]
    spoiling = type(made[0])("99.1", 1, "spoiling", "", "", code)
    found = {o.mutant.words: o for o in outcomes(COUNTING, COUNT, [spoiling, *made], jobs=1, limit_s=0.3)}
    assert not found["spoiling"].survived
    assert found["0 -> 1"].survived


def test_a_reference_answer_that_does_not_pass_is_said():
    wrong = Reference("99.1", "import torch", "def count(images):\n    return torch.tensor(7)", "count")
    with pytest.raises(LabError, match=r"99\.1 does not pass: count: expected 2, got 7"):
        trial.examples(COUNTING, wrong)


def test_survivors_count_unless_they_are_listed_as_equivalent(tried):
    survivors = [o for o in tried.values() if o.survived]
    assert survivors
    strict = report.Count({}, {}, [*tried.values()])
    assert strict.dead_share < 1
    listed = {o.mutant.key: marks.Mark(*o.mutant.key, reason="for the test") for o in survivors}
    lenient = report.Count(listed, {}, [*tried.values()])
    assert lenient.dead_share == 1
    assert len(lenient.excused) == len(survivors)
    counts = [len(tried), len(tried) - len(survivors), len(lenient.crashed), len(survivors), 0]
    assert lenient.row("99").split()[:6] == ["99", *map(str, counts)]


def test_a_mark_that_no_survivor_bears_is_stale(tried):
    survivor, killed = (next(o for o in tried.values() if o.survived == wanted) for wanted in (True, False))
    listed = {o.mutant.key: marks.Mark(*o.mutant.key, reason="for the test") for o in (survivor, killed)}
    assert [m.key for m in report.stale(listed, tried.values(), ["99.1"])] == [killed.mutant.key]
    assert report.stale(listed, tried.values(), ["99.2"]) == []


def test_a_wrong_name_counts_as_long_as_it_is_told(tried):
    named = next(o for o in tried.values() if o.named)
    told = marks.Mark(*named.mutant.key, reason="it is another thing", named=named.named)
    other = marks.Mark(*named.mutant.key, reason="it is another thing", named="another name")
    assert report.Count({}, {told.key: told}, [named]).named_wrongly == [named]
    assert report.Count({}, {other.key: other}, [named]).named_wrongly == []
    assert report.Count({}, {told.key: told}, [named]).wrong_share == 1
    assert report.stale_names({told.key: told}, [named], ["99.1"]) == []
    assert report.stale_names({other.key: other}, [named], ["99.1"]) == [other]
    assert report.stale_names({other.key: other}, [named], ["99.2"]) == []


def test_an_entry_is_read_as_it_was_written(tmp_path):
    made = mutants("99.1", COUNT.code)
    path = tmp_path / "marks.toml"
    path.write_text("\n".join(marks.entry(m, 'a "reason"\nof two lines') for m in made), encoding="utf-8")
    assert list(marks.read(path)) == [m.key for m in made]


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "marks.toml"
    path.write_text(marks.entry(mutants("99.1", COUNT.code)[0]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"expected a reason at 99\.1"):
        marks.read(path)


@pytest.mark.parametrize("path", [marks.EQUIVALENT, marks.MISNAMED], ids=lambda path: path.stem)
def test_every_entry_is_a_mutant_of_an_exercise(path):
    answers = all_references(ROOT / "solutions")
    known = {exercise.id for stage in stages() for exercise in exercises(stage)}
    assert set(answers) == known
    for mark in marks.read(path).values():
        assert mark.exercise_id in known
        assert not mark.before or mark.before.split("\n")[0] in ast.unparse(
            ast.parse(answers[mark.exercise_id].code)
        ), mark.title
