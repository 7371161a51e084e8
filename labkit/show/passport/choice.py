"""The channel that a student has chosen: kept in a file beside the notebooks, so that it outlives the kernel."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from labkit.arguments import is_index, shown
from labkit.errors import LabError
from labkit.files import write_whole
from labkit.hooks import find_layer
from labkit.kernel import folder_of, students_shell
from labkit.methods.activations import record
from labkit.models import NETWORKS, Classifier, expect_classifier, load
from labkit.show.look import in_usual_look

FILE = ".labkit-channel.json"
THE_LABS: dict[str, Any] = {
    "network": "squeezenet",
    "layer": "features.12",
    "number": 232,
    "called": "a face seen from the front",
}
_not_written: dict[
    Path, dict[str, Any]
] = {}  # where the folder cannot be written to: known in this kernel only


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel of one layer, and what somebody takes it for."""

    model: Classifier
    layer: str
    number: int
    called: str = ""

    @property
    def place(self) -> str:
        """Such as "channel 232 of features.12 in squeezenet"."""
        untrained = "" if self.model.weights else "untrained "
        return f"channel {self.number} of {self.layer} in {untrained}{self.model.name}"

    def __repr__(self) -> str:
        return (
            f"{self.place}, called “{self.called}”" if self.called else f"{self.place}, without a name so far"
        )


@in_usual_look
def choose(model: Classifier, layer: str, number: int, called: str = "") -> Channel:
    """Choose a channel, and give it a name; later notebooks in the same folder go on with it.

    layer:  a name in model.net.named_modules() whose output is a map
    called: what you take it for
    Raises: LabError for an unknown layer, one without maps, and a channel that it has not
    """
    expect_classifier(model)
    find_layer(model.net, layer)
    grey = torch.full((1, 3, model.input_size, model.input_size), 0.5).to(model.mean)
    C = record(model, grey, layer).shape[1]
    if not is_index(number, C):
        raise LabError(f"no channel {shown(number)} in {layer!r}; try 0 to {C - 1}")
    if not isinstance(called, str):
        raise LabError(f'expected a name in words, got {shown(called)}; try called="a wheel"')
    choice = Channel(model, layer, int(number), called.strip())
    if shell := students_shell():
        _keep(choice, folder_of(shell))
    return choice


def chosen(model: Classifier | None = None) -> Channel:
    """The channel that was chosen last in this notebook's folder; the lab's own where none was.

    model:  a network that is loaded already; another is loaded where the channel is another network's
    Raises: LabError where its network is not here any more
    """
    shell = students_shell()
    kept = _kept(folder_of(shell)) if shell else THE_LABS
    if kept is None:
        print("No channel is chosen here so far (stage 03 asks for one at its end): this is the lab's own.")
        kept = THE_LABS
    if model is None or not model.weights or model.name != kept["network"]:
        model = load(kept["network"])
    return Channel(model, kept["layer"], kept["number"], kept["called"])


def _keep(choice: Channel, folder: Path) -> None:
    """Write a choice down, if a later notebook can load its network; say so if not."""
    if choice.model.name not in NETWORKS or not choice.model.weights:
        print(
            f"{choice.place}: the other notebooks cannot load this network, so they do not go on with the channel."
        )
        return
    facts = {
        "network": choice.model.name,
        "layer": choice.layer,
        "number": choice.number,
        "called": choice.called,
    }
    _not_written.pop(folder, None)
    try:
        write_whole(folder / FILE, json.dumps(facts, ensure_ascii=False))
    except OSError as error:
        _not_written[folder] = facts
        print(
            f"The choice lasts as long as this kernel: {folder / FILE} cannot be written ({error.strerror})."
        )


def _kept(folder: Path) -> dict[str, Any] | None:
    """What was chosen in a folder; None where nothing was, or what is there cannot be read."""
    if folder in _not_written:
        return _not_written[folder]
    try:
        facts = json.loads((folder / FILE).read_text(encoding="utf-8"))
        found = {name: facts[name] for name in THE_LABS}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    right = all(type(found[name]) is type(usual) for name, usual in THE_LABS.items())
    return found if right and found["network"] in NETWORKS else None
