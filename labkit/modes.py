"""Eval mode, which a network is asked for wherever it is looked into."""

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from labkit.errors import LabError

_OTHERWISE_IN_TRAINING = (_NormBase, _DropoutNd, nn.RReLU, nn.MultiheadAttention, nn.RNNBase)


def expect_eval(model: nn.Module) -> None:
    """Require a network of which no part is in training mode.

    There batch norm and dropout answer otherwise each time, and batch norm's statistics are changed for good.

    Raises: LabError
    """
    whole = (model, getattr(model, "net", model))
    inside = (module for module in model.modules() if not _is_alike_in_both(module))
    if any(module.training for module in (*whole, *inside)):
        raise LabError("expected a network in eval mode, got one in training mode; try model.eval()")


def _is_alike_in_both(module: nn.Module) -> bool:
    """Whether a module itself does the same in training mode: PyTorch's own without statistics or chance."""
    own = type(module).__module__.startswith("torch.nn.modules")
    return own and not isinstance(module, _OTHERWISE_IN_TRAINING)
