"""What a student's function stands in for: the same result as the lab's own, and the lab's own where theirs fails."""

from functools import partial
from itertools import count

import pytest
import torch
from lab import ROOT
from torch import nn

from labkit import whose
from labkit.authoring.reference import all_references
from labkit.exercises import exercises, own_functions, stages
from labkit.exercises.own_functions import Mine, remember
from labkit.exercises.stand_ins import STAND_INS
from labkit.methods import (
    activations,
    adversarial,
    ascent,
    dense,
    dream,
    evidence,
    filters,
    gradients,
    heads,
    neighbors,
    neurons,
    patches,
    planted,
    probe,
    sanity,
    sheets,
    yolo,
)
from labkit.methods.patches import top
from labkit.models import Classifier

pytestmark = pytest.mark.usefixtures("a_new_cell")
SOLVED = {key: found.function() for key, found in all_references(ROOT / "solutions").items()}


def rand(*shape, seed=1):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def net(*, relu=nn.ReLU, size=12):
    layers = nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), relu(), nn.Conv2d(6, 6, 3), relu()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)),
    )
    for number, parameter in enumerate(layers.parameters()):
        parameter.data = 0.4 * randn(*parameter.shape, seed=number)
    categories = [f"category {i}" for i in range(4)]
    return Classifier(layers, name="tiny", categories=categories, input_size=size)


def in_branches():
    """A layer whose two branches see 3 and 5 pixels: one after the other they would see 7."""

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow, self.wide = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5, padding=2)

        def forward(self, x):
            return torch.cat([self.narrow(x), self.wide(x)], dim=1)

    return nn.Sequential(Branches())


PHOTOS, LABELS = rand(3, 3, 12, 12), torch.tensor([2, 0, 1])
LARGE = rand(1, 3, 64, 96)
MAPS, VECTORS = randn(2, 3, 4, 5), randn(9, 6)
BOXES = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.52, 0.5], [0.6, 0.6, 0.9, 0.9]])
ANCHORS = torch.tensor([[0.2, 0.4], [0.5, 0.3]])
ITSELF = torch.arange(9)
PIXELS = {"parameterisation": ascent.PIXELS, "rule": ascent.normalised_steps(0.02), "size": 12, "seed": 1}
WAVES = PIXELS | {"parameterisation": ascent.FOURIER, "transforms": ()}
HELD = PIXELS | {
    "transforms": (ascent.jitter(3),),
    "regularisers": (ascent.blur(0.5, every=2), ascent.clip_contribution(20.0)),
}
OCTAVES = {"octaves": 2, "steps": 2, "jitter": 40, "tile": 64, "margin": 32}


def bank(*shape):
    return randn(*(shape or (5, 3, 4, 4)))


def found_patches(lab, **options):
    """What a layer's top patches are, as tensors."""
    chosen = lab.top_patches(net(), rand(7, 3, 12, 12), "2", [0, 3], **{"k": 4, "batch_size": 3} | options)
    crops = [crop.sum() for row in chosen.patches for crop in row]
    return chosen.values, chosen.images, chosen.boxes, torch.stack(crops)


def climbed(lab, objective=None, **options):
    return lab.maximize(objective or lab.penalised_logit(net(), 1, 0.2), steps=4, **options)


CALLS = {  # exercise -> how the lab's own is called where a figure is made
    "00.1": (heads, lambda m: m.linear_everywhere(MAPS, heads.as_convolution(nn.Linear(18, 5), (2, 3)))),
    "00.2": (dense, lambda m: m.probabilities(m.convolutionize(net()), rand(1, 3, 16, 20))),
    "00.3": (yolo, lambda m: m.boxes_of(MAPS.new_ones(3, 3, 2, 5) * 0.1, ANCHORS)),
    "00.4": (yolo, lambda m: m.iou(BOXES, BOXES)),
    "00.5": (yolo, lambda m: m.suppress(BOXES, torch.tensor([0.5, 0.9, 0.3]), torch.tensor([1, 1, 2]))),
    "01.1": (filters, lambda m: m.first_convolution(net())),
    "01.2": (sheets, lambda m: m.rescale(bank())),
    "01.3": (sheets, lambda m: m.tile(bank(), columns=2)),
    "01.4": (filters, lambda m: m.normalize_contrast(bank().flatten(1))),
    "01.5": (filters, lambda m: m.zca_whiten(bank(50, 6))),
    "01.6": (filters, lambda m: m.kmeans_round(bank(50, 6), nn.functional.normalize(bank(4, 6)))),
    "02.1": (neighbors, lambda m: m.features(net(), PHOTOS, batch_size=2)),
    "02.2": (neighbors, lambda m: m.nearest(VECTORS, 100 + 0.1 * randn(20, 6, seed=5), k=3)),
    "02.3": (neighbors, lambda m: m.nearest(VECTORS, VECTORS, k=3, leave_out=ITSELF)),
    "02.4": (neighbors, lambda m: m.precision_at_k(torch.tensor([[1], [0], [1]]), LABELS, LABELS)),
    "02.5": (neighbors, lambda m: (*m.pca_map(VECTORS), *m.pca_map(5 + randn(7, 40)))),
    "02.6": (probe, lambda m: m.probe_step(bank(6, 4), bank(9, 6), torch.arange(9) % 4, 0.3, 0.01, 0.1)),
    "03.1": (activations, lambda m: m.record(net(), PHOTOS, "2")),
    "03.2": (activations, lambda m: m.to_grey(MAPS)),
    "03.3": (activations, lambda m: torch.tensor(m.silence_by_layer(net(), PHOTOS, ["0", "3"])["0"])),
    "03.4": (activations, lambda m: m.overlay(PHOTOS[0], MAPS[0, 0])),
    "03.5": (evidence, lambda m: m.selectivity(MAPS, torch.tensor([True, False]))),
    "04.1": (patches, lambda m: torch.tensor(m.field_size(net().net, "2", (12, 12)))),
    "04.2": (patches, found_patches),
    "04.3": (top, lambda m: m.peaks(MAPS)),
    "04.4": (patches, found_patches),
    "04.5": (
        patches,
        lambda m: m.answers_alone(
            net(), "2", m.top_patches(net(), PHOTOS, "2", [1, 2], k=2), image_size=(12, 12)
        ),
    ),
    "05.1": (gradients, lambda m: m.saliency(net(), PHOTOS, LABELS)),
    "05.2": (gradients, lambda m: m.saliency(net(), PHOTOS, LABELS)),
    "05.3": (
        neurons,
        lambda m: torch.cat([*m.three_rules(net(), PHOTOS[:1], "2", channel=1, row=4, column=5).values()]),
    ),
    "05.4": (gradients, lambda m: m.guided_backprop(net(), PHOTOS, LABELS)),
    "05.5": (sanity, lambda m: m.rank_correlation(MAPS[:, 0], MAPS[:, 1])),
    "06.1": (ascent, lambda m: climbed(m, **PIXELS, transforms=())),
    "06.2": (ascent, lambda m: climbed(m, ascent.logit(net(), [1, 2]), **WAVES)),
    "06.3": (ascent, lambda m: climbed(m, **PIXELS, regularisers=(m.clip_norm(30.0),))),
    "06.4": (ascent, lambda m: climbed(m, **PIXELS, regularisers=(m.clip_contribution(30.0),))),
    "06.5": (ascent, lambda m: climbed(m, **HELD)),
    "06.6": (ascent, lambda m: climbed(m, ascent.logit(net(), [1, 2]), size=13)),
    "07.1": (dream, lambda m: m.deep_dream(net(), LARGE, "2", **OCTAVES)),
    "07.2": (dream, lambda m: m.deep_dream(net(), LARGE, "2", **OCTAVES)),
    "07.3": (dream, lambda m: m.deep_dream(net(), LARGE, "2", **OCTAVES)),
    "07.4": (dream, lambda m: m.deep_dream(net(), LARGE, "2", guide=rand(1, 3, 14, 11), **OCTAVES)),
    "08.1": (adversarial, lambda m: m.fool(net(), PHOTOS[:1], "category 3", steps=3).image),
    "08.2": (adversarial, lambda m: m.fgsm(net(), PHOTOS, LABELS, epsilon=0.03)),
    "08.3": (adversarial, lambda m: m.project(PHOTOS + 0.1, PHOTOS, epsilon=0.03)),
    "08.4": (adversarial, lambda m: m.pgd(net(), PHOTOS, LABELS, epsilon=0.03, steps=3)),
    "08.5": (adversarial, lambda m: m.fool(net(), PHOTOS[:1], 3, steps=3, eight_bit=True).image),
    "09.1": (
        planted,
        lambda m: m.plant(PHOTOS, m.watermark(), opacity=0.3, places=torch.arange(6).view(3, 2) // 2),
    ),
    "09.2": (planted, lambda m: m.mass_inside(MAPS[:, 0], MAPS[:, 1] > 0)),
    "09.3": (planted, lambda m: m.pointing_game(MAPS[:, 0], MAPS[:, 1] > 0)),
}


def made(exercise, function, call=None):
    """The lab's result with this function in its place, and without."""
    (stand_in,) = (s for s in STAND_INS if s.exercise == exercise)
    module, usual = CALLS[exercise]
    torch.manual_seed(0)
    expected = (call or usual)(module)
    torch.manual_seed(0)
    return (call or usual)(Mine(module, [stand_in], {stand_in.function: function})), expected


def expect_alike(found, expected):
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for ours, own in pairs:
        torch.testing.assert_close(ours.double(), own.double(), rtol=1e-4, atol=1e-5)


def passing(exercise, run):
    """A function of its own code that counts as one that passes."""

    def function(*args):
        return run(*args)

    function.__code__ = function.__code__.replace(co_name=f"of_{exercise}_{id(run)}")
    remember(exercise, function, passed=True)
    return function


def own(exercise):
    (name,) = (s.function for s in STAND_INS if s.exercise == exercise)
    return f"Made with your own {name}()."


WITHOUT: dict[str, str] = {}  # exercise -> why no figure below it can be made with it


def test_every_exercise_has_a_place_or_a_reason_why_not():
    ids = [exercise.id for stage in stages() for exercise in exercises(stage)]
    assert [s.exercise for s in STAND_INS] == [*CALLS]
    assert sorted([*CALLS, *WITHOUT]) == ids
    assert all(len(why) > 20 for why in WITHOUT.values())


@pytest.mark.parametrize("exercise", CALLS)
def test_the_solution_stands_in_for_the_labs_own_and_gives_the_same(exercise):
    expect_alike(*made(exercise, SOLVED[exercise]))
    assert whose.told() == own(exercise)


@pytest.mark.parametrize("exercise", CALLS)
def test_where_theirs_passes_the_check_and_fails_here_the_labs_own_takes_over(exercise):
    expect_alike(*made(exercise, passing(exercise, lambda *args: [][0])))
    assert whose.told() == "Made with the lab's own code: with yours it ended in IndexError."


def in_numpy(value):
    if isinstance(value, tuple):
        return tuple(in_numpy(part) for part in value)
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


NEED_A_GRAPH = {"06.6", "07.4"}


@pytest.mark.parametrize("exercise", CALLS)
def test_theirs_may_return_numpys_arrays(exercise):
    expect_alike(*made(exercise, passing(exercise, lambda *args: in_numpy(SOLVED[exercise](*args)))))
    assert (whose.told() == own(exercise)) == (exercise not in NEED_A_GRAPH)


RUN_SOMETHING = {
    *("01.1", "02.1", "03.1", "04.4", "04.5", "05.1", "05.4", "06.1", "06.2", "06.5"),
    *("07.1", "07.2", "07.3", "08.1", "08.2", "08.4", "08.5"),
}


@pytest.mark.parametrize("exercise", [exercise for exercise in CALLS if exercise not in RUN_SOMETHING])
def test_theirs_is_not_waited_for_without_end(exercise, monkeypatch):
    monkeypatch.setattr(own_functions, "process_time", partial(next, count(step=100)))
    expect_alike(*made(exercise, SOLVED[exercise]))
    assert whose.told() == "Made with the lab's own code: with yours it took more than 30 seconds."


@pytest.mark.parametrize("exercise", sorted(RUN_SOMETHING))
def test_the_time_of_a_network_is_not_theirs(exercise, monkeypatch):
    monkeypatch.setattr(own_functions, "process_time", partial(next, count(step=100)))
    expect_alike(*made(exercise, SOLVED[exercise]))
    assert whose.told() == own(exercise)


LEFT = {  # what theirs was never checked on -> exercise, call
    "a kernel with gaps": (
        "00.1",
        lambda m: m.linear_everywhere(MAPS, heads.as_convolution(nn.Linear(12, 5), (2, 2), dilation=(2, 2))),
    ),
    "another row left out": ("02.3", lambda m: m.nearest(VECTORS, VECTORS, k=3, leave_out=8 - ITSELF)),
    "none left out": ("02.3", lambda m: m.nearest(VECTORS, VECTORS, k=3)),
    "a map of many": ("02.5", lambda m: m.pca_map(randn(1_001, 3))),
    "branches": ("04.1", lambda m: torch.tensor(m.field_size(in_branches(), "0", (12, 12)))),
    "images that come in batches": (
        "04.4",
        lambda m: m.top_patches(net(), iter(PHOTOS.split(2)), "2", [1], k=2).values,
    ),
    "ReLUs that stop at 6": (
        "05.4",
        lambda m: m.guided_backprop(net(relu=nn.ReLU6), PHOTOS, LABELS),
    ),
    "more pixels than can be compared each with each": (
        "05.5",
        lambda m: m.rank_correlation(rand(2, 100, 100), rand(2, 100, 100, seed=2)),
    ),
    "two images at once": ("06.5", lambda m: climbed(m, ascent.logit(net(), [1, 2]), **HELD)),
    "Adam's steps": ("06.5", lambda m: climbed(m, **PIXELS | {"rule": ascent.adam()})),
    "two photos": ("07.1", lambda m: m.deep_dream(net(), rand(2, 3, 64, 64), "2", **OCTAVES)),
    "two photos in octaves": ("07.2", lambda m: m.deep_dream(net(), rand(2, 3, 64, 64), "2", **OCTAVES)),
    "tiles that are no squares": (
        "07.3",
        lambda m: m.tiled_gradient(
            dream.activation_norm(net(), "2"), rand(1, 3, 160, 200), tile=128, margin=0
        ),
    ),
    "towards the labels": (
        "08.4",
        lambda m: m.pgd(net(), PHOTOS, LABELS, epsilon=0.03, steps=3, targeted=True),
    ),
    "two networks": ("08.4", lambda m: m.pgd([net(), net()], PHOTOS, LABELS, epsilon=0.03, steps=3)),
    "until it is sure": (
        "08.5",
        lambda m: m.fool(net(), PHOTOS[:1], 3, steps=3, eight_bit=True, confidence=0.9).image,
    ),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_theirs_was_never_checked_on_stays_the_labs(what):
    exercise, call = LEFT[what]
    expect_alike(*made(exercise, SOLVED[exercise], call))
    assert whose.told() == ""


def test_two_may_stand_in_one_place():
    names = {s.function: SOLVED[s.exercise] for s in STAND_INS if s.exercise in ("08.1", "08.5")}
    lab = Mine(adversarial, STAND_INS, names)
    for eight_bit, name in ((True, "fool_by_file"), (False, "fool")):
        whose.forget()
        found = lab.fool(net(), PHOTOS[:1], 3, steps=3, eight_bit=eight_bit)
        expect_alike(found.image, adversarial.fool(net(), PHOTOS[:1], 3, steps=3, eight_bit=eight_bit).image)
        assert whose.told() == f"Made with your own {name}()."


@pytest.mark.parametrize("steps", [1, 5, 40])
def test_the_steps_of_an_attack_by_file_are_counted(steps):
    asked = {"steps": steps, "step_size": 0.03, "eight_bit": True}
    (stand_in,) = (s for s in STAND_INS if s.exercise == "08.5")

    def looks_and_steps_at_once(model, image, target, step_size, steps):
        return adversarial.fool(model, image, target, step_size=step_size, steps=steps, eight_bit=True).image

    for target in range(4):
        expected = adversarial.fool(net(), PHOTOS[:1], target, **asked)
        for function in (SOLVED["08.5"], passing("08.5", looks_and_steps_at_once)):
            lab = Mine(adversarial, [stand_in], {stand_in.function: function})
            found = lab.fool(net(), PHOTOS[:1], target, **asked)
            assert (found.steps, found.succeeded) == (expected.steps, expected.succeeded)
            assert found.probability == pytest.approx(expected.probability, abs=1e-4)


def fails_from_the(count, function):
    calls = []

    def run(*args):
        calls.append(args)
        return function(*args) if len(calls) < count else [][0]

    return run


def test_frames_come_one_by_one_and_theirs_stands_in_only_while_they_are_made():
    (stand_in,) = (s for s in STAND_INS if s.exercise == "06.1")
    lab = Mine(ascent, [stand_in], {"step_up": SOLVED["06.1"]})
    own_function = getattr(stand_in.module, stand_in.name)
    options = PIXELS | {"steps": 4, "transforms": ()}
    frames, usual = (m.ascend(m.penalised_logit(net(), 1, 0.2), **options) for m in (lab, ascent))
    for frame, expected in zip(frames, usual, strict=True):
        assert getattr(stand_in.module, stand_in.name) is own_function
        expect_alike(frame.images, expected.images)
        assert whose.told() == own("06.1")


def test_a_dream_is_frame_by_frame_too_though_its_frames_are_handed_on():
    names = {s.function: SOLVED[s.exercise] for s in STAND_INS if s.exercise.startswith("07")}
    lab = Mine(dream, STAND_INS, names)
    dreamt, usual = (m.dreaming(m.activation_norm(net(), "2"), LARGE, **OCTAVES) for m in (lab, dream))
    for frame, expected in zip(dreamt, usual, strict=True):
        expect_alike(frame.images, expected.images)
    assert whose.told() == "Made with your own dream_in_octaves(), dream_gradient() and tiled_gradient()."


def test_where_theirs_fails_at_a_later_frame_the_labs_own_goes_on():
    function = passing("06.1", fails_from_the(3, SOLVED["06.1"]))
    (stand_in,) = (s for s in STAND_INS if s.exercise == "06.1")
    lab = Mine(ascent, [stand_in], {"step_up": function})
    options = PIXELS | {"steps": 5, "transforms": ()}
    frames, usual = (m.ascend(m.penalised_logit(net(), 1, 0.2), **options) for m in (lab, ascent))
    told = []
    for frame, expected in zip(frames, usual, strict=True):
        assert frame.step == expected.step
        expect_alike(frame.images, expected.images)
        told.append(whose.told())
    own_code = "Made with the lab's own code: with yours it ended in IndexError."
    assert told == [own("06.1")] * 2 + [own_code] * 3


def test_an_error_of_the_arguments_in_a_later_frame_stays_an_error():
    (stand_in,) = (s for s in STAND_INS if s.exercise == "06.6")
    lab = Mine(ascent, [stand_in], {"image_from_spectrum": SOLVED["06.6"]})
    score = partial(torch.sum, dim=(1, 2, 3))
    once = fails_from_the(2, score)
    with pytest.raises(IndexError):
        list(lab.ascend(once, size=12, steps=3))


def test_what_ran_before_a_failure_has_made_nothing():
    names = {"step_up": SOLVED["06.1"], "clip_small_norm": passing("06.3", lambda *args: [][0])}
    lab = Mine(ascent, STAND_INS, names)
    climbed(lab, **PIXELS, regularisers=(lab.clip_norm(30.0),))
    assert whose.told() == "Made with the lab's own code: with yours it ended in IndexError."
