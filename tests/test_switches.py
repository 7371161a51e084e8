import pytest
import torch
import torch.nn.functional as F
from torch import nn

from labkit import models
from labkit.errors import LabError
from labkit.images import photos
from labkit.methods import gradients
from labkit.methods.switches import switches, unpooling
from labkit.show import gradients as pictures

POOLS = {
    "side by side": {"kernel_size": 2},
    "overlapping": {"kernel_size": 3, "stride": 2, "ceil_mode": True},
}


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(**pool):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(**pool), nn.Conv2d(4, 5, 3), nn.MaxPool2d(2))


def slope(net, images):
    return gradients.input_gradient(lambda x: net(x)[:, 2].sum(dim=(1, 2)), images)


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_by_its_own_switches_a_pooling_hands_back_what_autograd_does(pool):
    net, images = network(**pool), draw(2, 3, 20, 20)
    expected = slope(net, images)
    with unpooling(switches(net, images)):
        torch.testing.assert_close(slope(net, images), expected)


def test_switches_are_the_places_that_torch_names_and_the_pooled_values_stay():
    net, images = network(**POOLS["overlapping"]), draw(2, 3, 20, 20)
    found = switches(net, images)
    assert len(found) == 2
    first, expected = net[0](images), net(images)
    values, places = F.max_pool2d(first, **POOLS["overlapping"], return_indices=True)
    assert torch.equal(found[0], places)
    assert torch.equal(first.flatten(2).gather(2, found[0].flatten(2)).view_as(values), values)
    for where in (found, None):
        with unpooling(where):
            assert torch.equal(net(images), expected)


def test_windows_side_by_side_are_unpooled_as_torch_unpools_them():
    x, above = draw(2, 4, 8, 8), draw(2, 4, 4, 4, seed=1)
    pool = nn.MaxPool2d(2)
    leaf = x.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(pool(leaf), leaf, above)
    assert torch.equal(F.max_unpool2d(above, switches(pool, x)[0], 2), by_autograd)


def test_by_another_images_switches_gradients_go_where_its_maxima_were():
    pool, x, other = nn.MaxPool2d(2), draw(1, 1, 8, 8), draw(1, 1, 8, 8, seed=1)
    with unpooling(switches(pool, other)):
        got = gradients.input_gradient(lambda one: pool(one).sum(), x)
    assert torch.equal(got, gradients.input_gradient(lambda one: pool(one).sum(), other))


def test_without_switches_a_gradient_is_spread_evenly():
    pool, x = nn.MaxPool2d(2), draw(1, 2, 6, 6)
    with unpooling(None):
        assert torch.equal(gradients.input_gradient(lambda one: pool(one).sum(), x), torch.full_like(x, 0.25))


def test_switches_of_another_network_or_size_are_refused():
    net, images = network(**POOLS["overlapping"]), draw(1, 3, 20, 20)
    for wrong in (switches(net, images)[:1], switches(net, draw(1, 3, 30, 30))):
        with pytest.raises(LabError, match=r"expected switches for max pooling"), unpooling(wrong):
            net(images)
    gapped = nn.MaxPool2d(2, dilation=2)
    with pytest.raises(LabError, match="without gaps"), unpooling(None):
        gradients.input_gradient(lambda one: gapped(one).sum(), images)


def test_what_ran_before_and_after_is_untouched():
    net, images = network(**POOLS["overlapping"]), draw(1, 3, 20, 20)
    before = slope(net, images)
    with pytest.raises(ZeroDivisionError), unpooling(None):
        raise ZeroDivisionError
    assert torch.equal(slope(net, images), before)


def test_the_deconvnet_knows_the_photo_by_its_switches_and_by_nothing_else():
    model, bank = models.load("squeezenet"), photos()
    dog, cannon = bank["bull mastiff"], bank["cannon"]
    with unpooling(switches(model, cannon)):
        got = gradients.deconvnet(model, dog, "koala")
    torch.testing.assert_close(got, gradients.deconvnet(model, cannon, "koala"))
    assert not torch.allclose(got, gradients.deconvnet(model, dog, "koala"))


def test_without_switches_every_photo_has_the_same_deconvnet():
    model, bank = models.load("squeezenet"), photos()
    with unpooling(None):
        first, second = gradients.deconvnet(model, torch.cat([bank["bull mastiff"], bank["cannon"]]), "koala")
    assert torch.equal(first, second)


def test_where_windows_share_a_maximum_autograd_adds_and_torchs_unpooling_does_not():
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1.0  # in all four windows
    pool, above = nn.MaxPool2d(3, stride=2), torch.tensor([[[[1.0, 2.0], [4.0, 8.0]]]])
    with unpooling(switches(pool, x)):
        got = gradients.input_gradient(lambda one: (pool(one) * above).sum(), x)
    assert got[0, 0, 2, 2] == 15.0
    assert F.max_unpool2d(above, switches(pool, x)[0], 3, stride=2)[0, 0, 2, 2] in above


def test_the_figure_says_how_far_each_map_is_from_autograds_and_from_the_other_photos():
    own, other = draw(1, 3, 12, 12), draw(1, 3, 12, 12, seed=1)
    maps = {"own": own, "theirs": other, "another": other}
    picture = pictures.by_switches(maps, autograd=own, title="Switches", caption="Tiny.")
    assert picture.caption.startswith("Tiny. ")
    assert "from autograd's: 0e+00 of" in picture.caption
    assert "theirs 1.00." in picture.caption
    assert [axes.get_title() for axes in picture.axes] == list(maps)
    off = pictures.by_switches(maps, autograd=own + 0.5 * own.abs().max() * torch.ones(1, 3, 12, 12))
    assert "from autograd's: 0e+00" not in off.caption
