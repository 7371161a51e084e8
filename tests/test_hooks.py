import pytest
import torch
from torch import nn

from labkit.errors import LabError
from labkit.hooks import recording


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3))


def hooks_left(net):
    return sum(len(module._forward_hooks) for module in net.modules())


def test_a_recording_is_the_layers_own_output(net):
    x = torch.rand(2, 3, 8, 8)
    with recording(net, "0", "2") as seen:
        y = net(x)
    torch.testing.assert_close(seen["0"], net[0](x), rtol=0, atol=0)
    torch.testing.assert_close(seen["2"], y, rtol=0, atol=0)


def test_an_in_place_layer_behind_it_does_not_change_what_was_recorded(net):
    with recording(net, "0") as seen:
        net(torch.rand(1, 3, 8, 8))
    assert (seen["0"] < 0).any()


def test_gradients_flow_from_a_recording_to_the_image(net):
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    with recording(net, "1") as seen:
        net(x)
    seen["1"].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_hooks_come_off_at_the_end_and_after_an_exception(net):
    with recording(net, "0", "1"):
        assert hooks_left(net) == 2
    assert hooks_left(net) == 0
    with pytest.raises(RuntimeError, match="mid-flight"), recording(net, "0"):
        raise RuntimeError("mid-flight")
    assert hooks_left(net) == 0


def test_no_hook_is_left_when_one_of_several_layers_is_unknown(net):
    with pytest.raises(LabError, match=r"no layer '7' in Sequential; try one of"), recording(net, "0", "7"):
        pass
    assert hooks_left(net) == 0


def test_an_unknown_layer_is_answered_with_near_names():
    net = nn.ModuleDict({"features": nn.Conv2d(3, 3, 1), "classifier": nn.Linear(3, 2)})
    with pytest.raises(LabError, match=r"'feature'.*\['features'"), recording(net, "feature"):
        pass


def test_a_layer_that_did_not_run_says_so(net):
    with recording(net, "0") as seen:
        pass
    with pytest.raises(LabError, match="run the network inside the with block"):
        seen["0"]


def test_a_layer_that_puts_out_no_tensor_is_refused():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    net = nn.Sequential(Pair())
    with pytest.raises(LabError, match="puts out a tuple, expected one tensor"), recording(net, "0"):
        net(torch.rand(1, 3, 4, 4))
    assert hooks_left(net) == 0
