import ipywidgets
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from labkit import models
from labkit.errors import LabError
from labkit.images import Photos, to_8_bit
from labkit.methods import adversarial, robustness
from labkit.models import Classifier
from labkit.show import adversarial as pictures
from labkit.show.adversarial_explorer import explore, pushed_to
from labkit.show.picture import Picture


def tiny(seed=0, categories="abcde"):
    torch.manual_seed(seed)
    net = nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, len(categories))),
    )
    for parameter in net.parameters():
        parameter.data *= 4
    return Classifier(net, name="tiny", categories=list(categories))


@pytest.fixture
def model():
    return tiny()


@pytest.fixture
def images():
    """Two images, in part pure black and pure white."""
    return (2 * torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1)) - 0.5).clamp(0, 1)


LABELS = torch.tensor([3, 1])


def losses(model, images, labels=LABELS):
    with torch.no_grad():
        return F.cross_entropy(model(images), labels, reduction="none")


# beside foolbox


@pytest.fixture
def foolbox(monkeypatch):
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")
    return pytest.importorskip("foolbox")


@pytest.mark.parametrize("epsilon", [0.001, 8 / 255, 0.3])
def test_fgsm_equals_foolbox(model, images, foolbox, epsilon):
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1))
    expected = attack.run(wrapped, images, foolbox.criteria.Misclassification(LABELS), epsilon=epsilon)
    got = adversarial.fgsm(model, images, LABELS, epsilon=epsilon)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("epsilon", [1 / 255, 8 / 255, 0.1])
def test_pgd_from_the_same_start_is_as_strong_as_foolboxs(foolbox, epsilon):
    generator = torch.Generator().manual_seed(3)
    for seed in range(4):
        model, images = tiny(seed), torch.rand(5, 3, 12, 12, generator=generator)
        labels = model(images).argmax(dim=1)
        budget = {"epsilon": epsilon, "steps": 8, "step_size": epsilon / 3}
        theirs = robustness.foolbox_pgd(model, images, labels, **budget)
        ours = adversarial.pgd(model, images, labels, **budget, seed=None)
        assert losses(model, ours, labels).mean() >= losses(model, theirs, labels).mean() - 1e-3


def test_targeted_pgd_agrees_with_foolbox(model, images, foolbox):
    attack = foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=5, random_start=False)
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1))
    criterion = foolbox.criteria.TargetedMisclassification(LABELS)
    theirs = attack.run(wrapped, images, criterion, epsilon=0.03)
    ours = adversarial.pgd(
        model, images, LABELS, epsilon=0.03, steps=5, step_size=0.01, targeted=True, seed=None
    )
    assert losses(model, ours).mean() <= losses(model, theirs).mean() + 1e-3
    assert losses(model, ours).mean() < losses(model, images).mean()


def test_without_foolbox_a_sentence_says_so(model, images, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "foolbox", None)
    with pytest.raises(
        LabError, match=r"cannot import foolbox .*; try pip install foolbox, or go on without"
    ):
        robustness.foolbox_pgd(model, images, LABELS, epsilon=0.1, steps=1, step_size=0.1)


# beside finite differences


def test_fgsm_moves_each_value_the_way_in_which_nudging_it_raises_the_loss(model, images):
    model, images, epsilon, step = model.double(), images.double(), 0.01, 1e-6
    got = adversarial.fgsm(model, images, LABELS, epsilon=epsilon)
    slope = torch.zeros_like(images)
    for i in range(images[0].numel()):
        nudge = torch.zeros_like(images).flatten(1)
        nudge[:, i] = step
        nudge = nudge.view_as(images)
        slope.flatten(1)[:, i] = losses(model, images + nudge) - losses(model, images - nudge)
    clear = slope.abs() > 1e-3 * slope.abs().mean()
    assert clear.double().mean() > 0.8  # the last row and column meet no window of stride 2
    expected = (images + epsilon * slope.sign()).clamp(0, 1)
    torch.testing.assert_close(got[clear], expected[clear], rtol=0, atol=1e-9)


# the box


@pytest.mark.parametrize("seed", range(40))
def test_every_image_lies_in_its_box_and_in_0_to_1(seed):
    generator = torch.Generator().manual_seed(seed)
    epsilon = [0, 1e-9, 1.0, *torch.rand(37, generator=generator).square().tolist()][seed]
    steps = 1 + seed % 4
    model, images = tiny(), torch.rand(2, 3, 9, 9, generator=generator).round(decimals=1)
    labels = torch.randint(5, (2,), generator=generator)
    attacked = [
        adversarial.fgsm(model, images, labels, epsilon=epsilon),
        adversarial.pgd(model, images, labels, epsilon=epsilon, steps=steps, seed=seed),
        adversarial.pgd(model, images, labels, epsilon=epsilon, steps=steps, targeted=True),
        adversarial.pgd(model, images, labels, epsilon=epsilon, steps=steps, step_size=1.0),
        adversarial.project(images + torch.randn(images.shape, generator=generator), images, epsilon=epsilon),
    ]
    for got in attacked:
        assert got.shape == images.shape
        assert not got.requires_grad
        assert (got.double() - images.double()).abs().max() <= epsilon + 1e-6
        assert got.min() >= 0
        assert got.max() <= 1


def test_the_projection_is_the_nearest_image_allowed(images):
    generator = torch.Generator().manual_seed(0)
    away = images + 0.3 * torch.randn(images.shape, generator=generator)
    got = adversarial.project(away, images, epsilon=0.1)
    for _ in range(200):  # no random image that is allowed is nearer, in any value
        other = (images + 0.1 * (2 * torch.rand(images.shape, generator=generator) - 1)).clamp(0, 1)
        assert ((got - away).abs() <= (other - away).abs() + 1e-6).all()
    assert torch.equal(adversarial.project(got, images, epsilon=0.1), got)


def test_the_callers_images_stay_as_they_are(model, images):
    before = images.clone()
    adversarial.fgsm(model, images, LABELS, epsilon=0.1)
    adversarial.pgd(model, images, LABELS, epsilon=0.1)
    adversarial.fool(model, images[:1], "b", eight_bit=True)
    adversarial.project(images, images / 2, epsilon=0.1)
    assert torch.equal(images, before)
    assert not images.requires_grad


def test_attacks_work_in_inference_mode(model, images):
    expected = adversarial.pgd(model, images, LABELS, epsilon=0.1)
    with torch.inference_mode():
        assert torch.equal(adversarial.pgd(model, images, LABELS, epsilon=0.1), expected)
        adversarial.fool(model, images[:1], "b")


# pgd


def test_pgd_is_stronger_than_fgsm_where_the_loss_bends(images):
    model = tiny(2)
    labels = model(images).argmax(dim=1)
    once = losses(model, adversarial.fgsm(model, images, labels, epsilon=0.2), labels)
    many = losses(model, adversarial.pgd(model, images, labels, epsilon=0.2, steps=20), labels)
    assert many.mean() > once.mean()


def test_a_random_start_leaves_a_flat_spot():
    photo = torch.full((1, 3, 4, 4), 0.5)
    first = nn.Linear(48, 8)
    torch.manual_seed(0)
    first.bias.data = -(first.weight @ photo.flatten()).data - 0.001
    model = Classifier(
        nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Linear(8, 3)),
        name="flat",
        categories=["a", "b", "c"],
    )
    label = torch.tensor([0])
    stuck = adversarial.pgd(model, photo, label, epsilon=0.1, seed=None)
    assert torch.equal(stuck, photo)
    moved = adversarial.pgd(model, photo, label, epsilon=0.1, seed=0)
    assert losses(model, moved, label) > losses(model, photo, label) + 1e-3


def test_a_seed_repeats_and_another_differs(model, images):
    first = adversarial.pgd(model, images, LABELS, epsilon=0.1, steps=1, seed=4)
    assert torch.equal(first, adversarial.pgd(model, images, LABELS, epsilon=0.1, steps=1, seed=4))
    assert not torch.equal(first, adversarial.pgd(model, images, LABELS, epsilon=0.1, steps=1, seed=5))


def test_each_image_of_a_batch_is_attacked_as_if_alone(model, images):
    together = adversarial.pgd(model, images, LABELS, epsilon=0.05, seed=None)
    alone = [
        adversarial.pgd(model, image[None], label[None], epsilon=0.05, seed=None)
        for image, label in zip(images, LABELS, strict=True)
    ]
    torch.testing.assert_close(losses(model, together), losses(model, torch.cat(alone)), rtol=1e-2, atol=1e-2)


# several networks at once


@pytest.mark.parametrize("targeted", [False, True])
def test_one_step_against_several_networks_goes_up_the_sum_of_their_losses(images, targeted):
    networks, epsilon = [tiny(0), tiny(1)], 0.01
    leaf = images.clone().requires_grad_()
    total = sum(F.cross_entropy(network(leaf), LABELS) for network in networks)
    towards = -1 if targeted else 1
    way = towards * torch.autograd.grad(total, leaf)[0].sign()
    budget = {"epsilon": epsilon, "steps": 1, "step_size": epsilon, "targeted": targeted, "seed": None}
    got = adversarial.pgd(networks, images, LABELS, **budget)
    torch.testing.assert_close(got, (images + epsilon * way).clamp(0, 1), rtol=0, atol=1e-6)
    if not targeted:
        torch.testing.assert_close(adversarial.fgsm(networks, images, LABELS, epsilon=epsilon), got)


def test_an_attack_on_both_fools_both_where_an_attack_on_one_leaves_the_other(images):
    networks = [tiny(0), tiny(1)]
    right = [network(images).argmax(dim=1) for network in networks]
    targets = torch.tensor([next(k for k in range(5) if k not in seen) for seen in zip(*right, strict=True)])
    budget = {"epsilon": 0.3, "steps": 40, "targeted": True, "seed": None}
    both = adversarial.pgd(networks, images, targets, **budget)
    for network in networks:
        assert robustness.outcome(network, images, both, targets) == {"target": 1, "as before": 0}


def test_a_list_of_one_network_is_that_network_and_an_empty_one_is_refused(model, images):
    alone = adversarial.pgd(model, images, LABELS, epsilon=0.1)
    assert torch.equal(adversarial.pgd([model], images, LABELS, epsilon=0.1), alone)
    with pytest.raises(LabError, match=r"got an empty list; try \[model, other\]"):
        adversarial.pgd([], images, LABELS, epsilon=0.1)
    with pytest.raises(LabError, match="eval mode"):
        adversarial.pgd([model, tiny().train()], images, LABELS, epsilon=0.1)


def test_an_outcome_is_the_share_of_targets_and_of_what_was_read_before(model, images):
    before = model(images).argmax(dim=1)
    assert robustness.outcome(model, images, images, before) == {"target": 1, "as before": 1}
    other = torch.stack([before[0], (before[1] + 1) % 5])
    assert robustness.outcome(model, images, images, other) == {"target": 0.5, "as before": 1}


# fool


@pytest.mark.parametrize("eight_bit", [False, True])
@pytest.mark.parametrize("target", ["a", "b", "c", "d", "e"])
def test_what_fool_says_of_its_image_is_true(model, images, target, eight_bit):
    image = images[:1]
    result = adversarial.fool(model, image, target, step_size=0.01, steps=60, eight_bit=eight_bit)
    name, probability = model.top(result.image, k=1)[0]
    assert result.succeeded == (name == target)
    if result.succeeded:
        assert result.probability == pytest.approx(probability)
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    rounding = 0.5 / 255 if eight_bit else 0
    assert adversarial.rms(result.image - image).item() <= result.steps * 0.01 + rounding + 1e-6


def test_a_photo_that_is_the_target_already_stays(model, images):
    image = images[:1]
    result = adversarial.fool(model, image, model.top(image)[0][0])
    assert (result.steps, result.succeeded) == (0, True)
    assert torch.equal(result.image, image)


def test_each_step_has_the_size_that_was_asked_for(model):
    image = torch.full((1, 3, 12, 12), 0.5)
    target = model.top(image)[-1][0]
    result = adversarial.fool(model, image, target, steps=1, step_size=0.002)
    assert adversarial.rms(result.image - image).item() == pytest.approx(0.002, rel=1e-4)


def test_confidence_goes_on_until_the_network_is_sure(model, images):
    target = model.top(images[:1])[1][0]
    fooled = adversarial.fool(model, images[:1], target, step_size=0.01)
    sure = adversarial.fool(model, images[:1], target, step_size=0.01, confidence=0.95, steps=200)
    assert fooled.succeeded
    assert sure.succeeded
    assert sure.probability >= 0.95 > fooled.probability
    assert sure.steps > fooled.steps


def test_an_attack_that_runs_out_of_steps_says_so(model, images):
    target = model.top(images[:1])[-1][0]
    result = adversarial.fool(model, images[:1], target, steps=2, step_size=1e-6)
    assert (result.steps, result.succeeded) == (2, False)


def test_an_image_made_for_a_file_is_the_same_when_it_comes_back(model, images):
    target = model.top(to_8_bit(images[:1]))[1][0]
    result = adversarial.fool(model, images[:1], target, step_size=0.001, steps=300, eight_bit=True)
    assert result.succeeded
    assert torch.equal(robustness.png(result.image), result.image)


# what survives


def test_png_rounds_to_the_nearest_of_256_levels(images):
    saved = robustness.png(images)
    torch.testing.assert_close(saved, to_8_bit(images), rtol=0, atol=0)
    assert (saved - images).abs().max() <= 0.5 / 255 + 1e-6


def test_png_keeps_what_pillow_reads_from_a_file(tmp_path, images):
    path = tmp_path / "saved.png"
    pixels = (images[0] * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path)
    from labkit.images import load

    assert torch.equal(load(path), robustness.png(images[:1]))


def test_jpeg_of_lower_quality_changes_more():
    ramp = torch.linspace(0, 1, 32).view(1, 1, 1, 32).expand(1, 3, 32, 32)
    noisy = (ramp + 0.1 * torch.randn(ramp.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    changes = [adversarial.rms(robustness.jpeg(noisy, quality=q) - noisy).item() for q in (95, 75, 50)]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_treatments_keep_shape_and_range(images):
    for treat in (
        robustness.png,
        lambda x: robustness.jpeg(x, quality=75),
        lambda x: robustness.resized(x, size=7),
        lambda x: robustness.shifted(x, pixels=2),
        robustness.mirrored,
    ):
        got = treat(images)
        assert got.shape == images.shape
        assert got.dtype == images.dtype
        assert got.min() >= 0
        assert got.max() <= 1
    assert torch.equal(robustness.shifted(images, pixels=2)[..., 2:], images[..., :-2])
    assert torch.equal(robustness.mirrored(robustness.mirrored(images)), images)


def test_changes_elsewhere_have_the_very_same_values():
    originals = torch.full((2, 3, 6, 6), 0.5)
    changed = originals + 0.1 * torch.rand(originals.shape, generator=torch.Generator().manual_seed(0))
    control = robustness.elsewhere(originals, changed)
    for a, b in zip(changed - originals, control - originals, strict=True):
        torch.testing.assert_close(a.flatten().sort().values, b.flatten().sort().values, atol=1e-6, rtol=0)
    assert not torch.equal(control, changed)


def test_readings_are_what_the_network_says_after_each_treatment(model, images):
    read = robustness.readings(model, images, {"nothing": lambda x: x, "mirrored": robustness.mirrored})
    assert torch.equal(read["nothing"], model(images).argmax(dim=1))
    assert torch.equal(read["mirrored"], model(images.flip(3)).argmax(dim=1))
    assert torch.equal(robustness.reads_as(model, images, LABELS), read["nothing"] == LABELS)


# errors


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (torch.tensor([0]), r"labels as \(2,\) int64, got \(1,\)"),
        (torch.tensor([0.0, 1.0]), r"labels as \(2,\) int64, got \(2,\) torch.float32"),
        ([0, 1], "got list"),
        (torch.tensor([0, -1]), r"in 0\.\.4, got -1; try the photos with a label"),
        (torch.tensor([5, 0]), r"in 0\.\.4, got 5"),
    ],
)
def test_labels_that_are_none_are_refused(model, images, labels, words):
    for attack in (adversarial.fgsm, adversarial.pgd):
        with pytest.raises(LabError, match=words):
            attack(model, images, labels, epsilon=0.1)


def test_bad_images_budgets_and_networks_are_refused(model, images):
    with pytest.raises(LabError, match=r"values in 0\.\.1"):
        adversarial.fgsm(model, images + 1, LABELS, epsilon=0.1)
    with pytest.raises(LabError, match=r"shape \(N, 3, H, W\)"):
        adversarial.pgd(model, images[0], LABELS, epsilon=0.1)
    for epsilon in (-0.1, float("nan"), 300, 1e9):
        with pytest.raises(LabError, match=r"expected .* size .*change.*, got .*; try 8 / 255"):
            adversarial.fgsm(model, images, LABELS, epsilon=epsilon)
    for levels in (8, 8.0, 16, 255):
        with pytest.raises(LabError, match=rf"try {levels:g} / 255, if that is meant in levels"):
            adversarial.pgd(model, images, LABELS, epsilon=levels)
    with pytest.raises(LabError, match="steps as a whole number of 1 or more"):
        adversarial.pgd(model, images, LABELS, epsilon=0.1, steps=0)
    with pytest.raises(LabError, match="one image"):
        adversarial.fool(model, images, "a")
    with pytest.raises(LabError, match="no category 'koala'; try one of"):
        adversarial.fool(model, images[:1], "koala")
    with pytest.raises(LabError, match=r"no category 7; try 0 to 4"):
        adversarial.fool(model, images[:1], 7)
    with pytest.raises(LabError, match="eval mode"):
        adversarial.fgsm(tiny().train(), images, LABELS, epsilon=0.1)


# pictures


def test_the_lectures_figure_tells_what_became_of_each(model, images):
    target = model.top(images[:1])[1][0]
    fooled = adversarial.fool(model, images[:1], target, step_size=0.01).image
    figure = pictures.as_in_the_lecture(model, [images[:1]], [fooled], title="T", caption="C")
    assert isinstance(figure, Picture)
    assert f"becomes {target}" in figure.alt
    with pytest.raises(LabError, match="as many"):
        pictures.as_in_the_lecture(model, [images[:1]], [])


def test_a_difference_of_nothing_is_grey(images):
    assert (pictures.difference(images, images, times=10) == 0.5).all()


@pytest.mark.parametrize(("probability", "said"), [(0.9951, "99.5%"), (0.99996, "over 99.9%"), (0.5, "50%")])
def test_no_probability_is_rounded_up_to_certainty(probability, said):
    class Sure:
        def top(self, _image, *, k):
            return [("koala", probability)]

    assert pictures.says(Sure(), torch.zeros(1, 3, 2, 2)) == f"koala {said}"


def test_a_table_tells_its_shares(model):
    figure = pictures.share_table({"plain": {"PNG": 0.5, "JPEG": 0.0}}, title="T")
    assert "plain: PNG 50%, JPEG 0%" in figure.alt
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    assert bars == pytest.approx([0.8, 0.4, 0.8, 0])  # each on a track as long as a whole


def test_images_are_told_with_what_each_of_several_networks_says_of_them(model, images):
    other = tiny(1)
    figure = pictures.predicted({"one": model, "two": other}, {"a": images[:1], "b": images[1:]}, columns=3)
    for name, image in {"a": images[:1], "b": images[1:]}.items():
        said = f"{name}: one: {pictures.says(model, image)}, two: {pictures.says(other, image)}"
        assert said in figure.alt
    alone = pictures.predicted(model, {"a": images[:1]})
    assert alone.axes[0].get_xlabel() == pictures.says(model, images[:1])


# the explorer


@pytest.fixture
def bank(images):
    return Photos(images, torch.tensor([0, 1]), ("first", "second"), ("", ""))


def tiny_other():
    other = tiny(1)
    other.name = "other"
    return other


def test_the_explorer_draws_anew_for_epsilon_target_and_photo(model, bank):
    found = explore([model, tiny_other()], bank, list("abc"), epsilon=1.0)
    assert isinstance(found.controls["epsilon"], ipywidgets.FloatSlider)
    seen = {found.picture.webp()}
    for control, value in {"epsilon": 8.0, "target": "c", "photo": "second", "attack": "other"}.items():
        found.controls[control].value = value
        assert found.message.value == ""
        seen.add(found.picture.webp())
    assert len(seen) == 5
    assert "second towards c" in found.picture.alt


def test_at_epsilon_zero_the_explorer_shows_the_photo(model, images):
    figure = pushed_to([model], images[:1], "b", 0)
    said = pictures.says(model, images[:1])
    assert f"The photo: {said}. Now: {said}. Root mean square of the change: 0.00/255" in figure.alt


def test_the_explorer_refuses_what_is_not_there(model, bank):
    with pytest.raises(LabError, match="no category 'koala'"):
        explore([model], bank, ["koala"])
    with pytest.raises(LabError, match="no photo 'third'"):
        explore([model], bank, ["a"], photo="third")


# the embedded network


@pytest.mark.slow
def test_the_embedded_network_takes_a_dalmatian_for_a_koala_and_a_file_keeps_it():
    from labkit import images as photos

    model, photo = models.load("efficientnet_lite0"), photos.photos()["dalmatian"]
    result = adversarial.fool(model, photo, "koala", eight_bit=True)
    assert result.succeeded
    assert result.steps <= 40
    assert adversarial.rms(result.image - photo).item() <= 0.012
    assert model.top(robustness.png(result.image), k=1)[0][0] == "koala"
