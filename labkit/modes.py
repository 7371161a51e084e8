"""Eval mode, which a network is asked for wherever it is looked into."""

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from labkit.errors import LabError

_OTHERWISE_IN_TRAINING = (_NormBase, _DropoutNd, nn.RReLU, nn.MultiheadAttention, nn.RNNBase)


def expect_eval(model: nn.Module) -> None:
    """Require a network of which no part is in training mode, where that makes a difference.

    There batch norm and dropout answer otherwise each time, and batch norm's statistics are changed for good. Layers
    that do the same in both modes, such as a ReLU that has just been made, are no reason to refuse; a classifier is
    asked as a whole.

    Raises: LabError
    """
    whole = (model, model.net) if hasattr(model, "net") else ()
    inside = (module for module in model.modules() if isinstance(module, _OTHERWISE_IN_TRAINING))
    if any(module.training for module in (*whole, *inside)):
        raise LabError("expected a network in eval mode, got one in training mode; try model.eval()")
