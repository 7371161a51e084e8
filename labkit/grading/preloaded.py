"""Imported where judging processes are forked from: the photos that cases are drawn from, read once for all of them."""

from contextlib import suppress

import torch

from labkit import images
from labkit.errors import LabError

torch.set_num_threads(1)  # a fork of a process that has computed with more hangs
with suppress(LabError):  # a package is missing, which the case that needs it will say
    images.photos()
