"""06.3 The pixels that are nearest to grey become grey."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_06.clipping import clip, judge_clipped, norm
from labkit.methods.ascent import GREY


def _norm_cases(generator: torch.Generator) -> Cases:
    faint = GREY + 0.01 * torch.randn(1, 3, 6, 7, generator=generator)
    signed = GREY + 0.4 * (torch.rand(1, 3, 8, 8, generator=generator) - 0.5).sign()
    signed += 0.1 * torch.rand(1, 3, 8, 8, generator=generator)
    return {
        "two photos, the lower half": SimpleNamespace(images=draw_photos(generator, 2, 12), percent=50),
        "a faint image, the lowest fifth": SimpleNamespace(images=faint, percent=20),
        "an image dark and light": SimpleNamespace(images=signed, percent=70),
        "none": SimpleNamespace(images=draw_photos(generator, 1, 6), percent=0),
    }


def _judge_norm(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    sizes = (case.images.double() - GREY).square().sum(dim=1)
    why = "the pixels nearest to grey, counted in each image, become grey in all three colours"
    judge_clipped("clipped", answer["clipped"], case.images, sizes, case.percent, why)


EXERCISE = Exercise(
    id="06.3",
    title="Clip pixels of small norm",
    points=2,
    minutes=10,
    hints=(
        "One number a pixel first: how far its colour is from grey, (images - 0.5).norm(dim=1), shape (N, H, W).",
        "norms.flatten(1).quantile(percent / 100, dim=1) is one threshold an image, shape (N,).",
        "(norms < threshold.view(-1, 1, 1)) is (N, H, W); index it [:, None] to hold for all three colours.",
        "torch.where(small[:, None], 0.5, images)",
    ),
    cases=_norm_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.percent)},
    judge=_judge_norm,
    mistakes=(
        Mistake(
            "clipped to black",
            "you set the small pixels to 0, which is black, the loudest thing there is. Nothing is grey, 0.5.",
            clip(norm, to=0.0),
        ),
        Mistake(
            "dark, not small",
            "you took the norm of the image itself, so the dark pixels went. Small means near to grey: take 0.5 "
            "off before the norm.",
            clip(lambda images: images.norm(dim=1)),
        ),
        Mistake(
            "each colour apart",
            "you clip the three colours of a pixel apart from each other. A pixel is one place: one norm over its "
            "colours, dim=1, and all three go or stay.",
            clip(lambda images: (images - GREY).abs()),
        ),
        Mistake(
            "one threshold for the batch",
            "you took one threshold over the whole batch, so a quiet image loses more than a loud one beside it. "
            "Take the quantile in each image: flatten(1), dim=1.",
            clip(norm, each=False),
        ),
        Mistake(
            "the large ones",
            "you clipped the pixels of large norm. Those carry the picture: the small ones go.",
            clip(norm, above=True),
        ),
    ),
)
