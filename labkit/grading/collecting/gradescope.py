"""Gradescope's export, which says whose a folder is in a file beside it."""

from dataclasses import replace
from typing import Any

import yaml

from labkit.errors import LabError
from labkit.grading.collecting.submissions import Found, Learner, Submitted, ignore, joined, notebooks_of
from labkit.grading.collecting.text import decoded
from labkit.grading.collecting.times import time_of
from labkit.grading.collecting.tree import File, Folder, Ignored

_METADATA = "submission_metadata.yml"
_LARGEST = 200 * 2**20  # bytes; it has every test's output of every attempt in it


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data; what Ruby calls an object of its own is read as the data that it is made of."""


def _plain(loader: Any, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)


def gradescope(folder: Folder) -> Found | None:
    """Gradescope's "Export Submissions", if that is in the folder. A group's work is handed in by each of its members.

    Raises: LabError where submission_metadata.yml cannot be read
    """
    file = folder.file(_METADATA)
    if file is None:
        return None
    facts = _facts(file)
    ignored: Ignored = []
    learners: list[Learner] = []
    for item in folder.items:
        if item is not file:
            learners += _gradescope_learners(item, facts.pop(item.name, None), ignored)
    for name, fact in facts.items():
        for learner in _submitters(fact):
            learner.private_notes.append(f"{_METADATA} has {name}, and there is no such folder")
            learners.append(learner)
    return Found("a Gradescope export", joined(learners), ignored, dated=True)


def _facts(file: File) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.load(decoded(file.read(_LARGEST)), _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LabError(f"{file.path} cannot be read ({reason}); export the submissions again") from None
    if not isinstance(content, dict):
        raise LabError(f"{file.path} says nothing of submissions; export them again")
    return {str(name): fact for name, fact in content.items() if isinstance(fact, dict)}


def _gradescope_learners(item: Folder | File, fact: dict[str, Any] | None, ignored: Ignored) -> list[Learner]:
    if isinstance(item, File) and not item.is_notebook:
        ignore(item, ignored)
        return []
    found = list(notebooks_of(item, ignored)) if isinstance(item, Folder) else [Submitted(item, item.name)]
    if fact is None:
        note = f"{_METADATA} does not say whose {item.name} is"
        return [Learner(item.name, submitted=found, private_notes=[note])]
    when = time_of(fact.get(":created_at"))
    history = fact.get(":history")
    attempt = 1 + len(history) if isinstance(history, list) else None
    order = when.timestamp() if when else None
    submitted = [replace(one, attempt=attempt, when=when, order=order) for one in found]
    nobody = Learner(item.name, private_notes=[f"{_METADATA} names no one for {item.name}"])
    learners = _submitters(fact) or [nobody]
    for learner in learners:
        others = [other.name for other in learners if other is not learner]
        together = (f"handed in together with {', '.join(others)}",) if others else ()
        learner.submitted = [replace(one, notes=together) for one in submitted]
        learner.ids["gradescope"] = item.name.removeprefix("submission_")
    return learners


def _submitters(fact: dict[str, Any]) -> list[Learner]:
    people = fact.get(":submitters")
    learners = []
    for person in people if isinstance(people, list) else ():
        if isinstance(person, dict):
            ids = {key: str(person.get(f":{key}") or "").strip() for key in ("sid", "email")}
            ids = {key: value for key, value in ids.items() if value}
            number = ids.get("sid") or ids.get("email") or ""
            name = str(person.get(":name") or "").strip() or number
            learners += [Learner(name, number, ids)] if name else []
    return learners
