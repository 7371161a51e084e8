"""Another backward rule for every ReLU, and a way through ReLUs that are closed."""

from labkit.relus.closed import expect_open, past_closed_relus
from labkit.relus.rules import RULES, ReluCalls, expect_reached, relu_rule

__all__ = ["RULES", "ReluCalls", "expect_open", "expect_reached", "past_closed_relus", "relu_rule"]
