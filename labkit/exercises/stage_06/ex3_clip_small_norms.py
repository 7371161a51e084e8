"""06.3 The pixels that are nearest to grey become grey."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.exercises.drawing import draw_photos
from labkit.exercises.stage_06.clipping import (
    clip,
    judge_clipped,
    norm,
    of_the_batch,
    of_the_largest,
    of_the_rest,
    threshold_mistakes,
)
from labkit.methods.ascent import GREY


def _norm_cases(generator: torch.Generator) -> Cases:
    faint = GREY + 0.01 * torch.randn(1, 3, 6, 7, generator=generator)
    signed = GREY + 0.4 * (torch.rand(1, 3, 8, 8, generator=generator) - 0.5).sign()
    signed += 0.1 * torch.rand(1, 3, 8, 8, generator=generator)
    loud_and_quiet = torch.rand(4, 3, 8, 11, generator=generator) - 0.5
    loud_and_quiet *= torch.tensor([0.4, 1.0, 0.7, 0.9]).view(4, 1, 1, 1)
    return {
        "four images, quiet and loud": SimpleNamespace(images=GREY + loud_and_quiet, percent=40),
        "two photos, the lower half": SimpleNamespace(images=draw_photos(generator, 2, 11), percent=50),
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
        "One number per pixel first: how far its colour is from grey, (images - 0.5).norm(dim=1), shape (N, H, W).",
        "norms.flatten(1).quantile(percent / 100, dim=1) is one threshold per image, shape (N,).",
        "(norms < threshold.view(-1, 1, 1)) is (N, H, W); index it [:, None] to hold for all three colours.",
        "torch.where(small[:, None], 0.5, images)",
    ),
    cases=_norm_cases,
    answer=lambda f, case: {"clipped": f(case.images, case.percent)},
    judge=_judge_norm,
    alone=each("images"),
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
            clip(norm, threshold_of=of_the_batch),
        ),
        *threshold_mistakes(lambda clipping=clip, **options: clipping(norm, **options)),
        Mistake(
            "a share of the largest",
            "your threshold is a share of the largest norm, so how many pixels go depends on one pixel. "
            "A percentile counts pixels: quantile(percent / 100).",
            clip(norm, threshold_of=of_the_largest),
        ),
        Mistake(
            "sizes added",
            "you added up the sizes of the three colours. The norm is the length of the colour vector, the root of "
            "the sum of squares: .norm(dim=1).",
            clip(lambda images: (images - GREY).abs().sum(dim=1)),
        ),
        Mistake(
            "the largest colour",
            "you took the largest of the three colours. The norm is the length of the colour vector, the root of the "
            "sum of squares: .norm(dim=1).",
            clip(lambda images: (images - GREY).abs().amax(dim=1)),
        ),
        Mistake(
            "colours cancel",
            "you averaged the three colours, so a strong red beside a weak blue counts as grey. Take the norm over "
            "the colours.",
            clip(lambda images: (images - GREY).mean(dim=1).abs()),
        ),
        Mistake(
            "signed sum",
            "you added the three colours with their signs, so it is the dark pixels that go. Small is what is near to "
            "grey: take the norm over the colours.",
            clip(lambda images: (images - GREY).sum(dim=1)),
        ),
        Mistake(
            "far from the mean",
            "you measure from the image's mean colour. Small means near to grey, 0.5.",
            clip(lambda images: (images - images.mean(dim=(2, 3), keepdim=True)).norm(dim=1)),
        ),
        Mistake(
            "nothing clipped",
            "you return the images as they came: is the result of torch.where returned?",
            lambda images, percent: images.clone(),
        ),
        Mistake(
            "the large ones",
            "you clipped the pixels of large norm. Those carry the picture: the small ones go.",
            clip(norm, threshold_of=lambda flat, share: flat.quantile(share, dim=-1), above=True),
        ),
        Mistake(
            "as many, from the other end",
            "you clipped so many percent, but the largest of them. Large ones carry the picture: the small ones go.",
            clip(norm, threshold_of=of_the_rest, above=True),
        ),
        Mistake(
            "percent as a threshold",
            "you compare the norms with percent / 100 itself. A percentile is the norm below which so many percent of "
            "the pixels lie: norms.flatten(1).quantile(percent / 100, dim=1).",
            clip(norm, threshold_of=lambda flat, share: torch.full((len(flat),), share)),
        ),
    ),
)
