"""Networks ready to look into: trained on ImageNet, or untrained as the control."""

from labkit.models.catalogue import DEFAULT, EMBEDDED, NETWORKS, Network
from labkit.models.classifier import Classifier, expect_classifier, logits_of
from labkit.models.loading import available, fetch, load
from labkit.modes import expect_eval

__all__ = [
    "DEFAULT",
    "EMBEDDED",
    "NETWORKS",
    "Classifier",
    "Network",
    "available",
    "expect_classifier",
    "expect_eval",
    "fetch",
    "load",
    "logits_of",
]
