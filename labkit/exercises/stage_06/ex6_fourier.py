"""06.6 An image from its Fourier coefficients, each divided by its frequency."""

from types import SimpleNamespace

import torch
from torch import Tensor

from labkit.checks.exercise import Cases, Exercise, Mistake, each
from labkit.checks.expect import expect_close
from labkit.exercises.stage_06.spectra import frequencies, image_with, sum_of_waves


def _spectra(generator: torch.Generator) -> Cases:
    def case(N: int, height: int, width: int) -> SimpleNamespace:
        spectrum = torch.randn(N, 3, height, width // 2 + 1, 2, generator=generator)
        return SimpleNamespace(spectrum=spectrum, size=(height, width))

    even, odd = case(1, 6, 6), case(2, 6, 5)
    wave = SimpleNamespace(spectrum=torch.zeros(1, 3, 5, 4, 2), size=(5, 7))
    wave.spectrum[
        0, torch.arange(3), torch.tensor([1, 4, 3]), torch.tensor([0, 1, 3]), torch.tensor([0, 0, 1])
    ] = 1.0
    return {
        "as high as wide": even,
        "two images of odd width": odd,
        "one wave a colour": wave,
        "wider than high": case(1, 4, 9),
        "of odd height": case(2, 7, 4),
    }


def _judge_image(case: SimpleNamespace, answer: dict[str, Tensor]) -> None:
    expect_close(
        "image",
        answer["image"],
        sum_of_waves(case.spectrum, case.size),
        why="the sum of all waves, each with its cosine and sine, divided by its frequency in waves per pixel",
        atol=1e-4,
        rtol=1e-4,
    )


EXERCISE = Exercise(
    id="06.6",
    title="An image from its spectrum",
    points=2,
    minutes=12,
    hints=(
        "Three lines: the frequency of every coefficient, (H, W // 2 + 1); the division; the transform back.",
        "torch.fft.fftfreq(H) are the frequencies down the image, half of them negative; torch.fft.rfftfreq(W) those "
        "across it. One wave's frequency is the length of the two: torch.hypot(down[:, None], across).",
        "The constant part has frequency 0. .clamp(min=1 / max(H, W)) gives it that of one wave on the longer side.",
        'torch.fft.irfft2(torch.view_as_complex(spectrum) / frequency, s=size, norm="ortho")',
    ),
    cases=_spectra,
    answer=lambda f, case: {"image": f(case.spectrum, case.size)},
    judge=_judge_image,
    alone=each("spectrum"),
    mistakes=(
        Mistake(
            "not divided",
            "you do not divide by the frequencies, so all waves are equally strong: noise as in pixels. Divide before"
            " the transform.",
            image_with(lambda size: torch.ones(())),
        ),
        Mistake(
            "multiplied",
            "you multiply by the frequency, which makes fine patterns strong. Divide by it.",
            image_with(lambda size: 1 / frequencies(size)),
        ),
        Mistake(
            "divided by 0",
            "the constant part has frequency 0, and you divide by it: .clamp(min=1 / max(H, W)) first.",
            image_with(lambda size: frequencies(size, low=0.0)),
        ),
        Mistake(
            "no constant part",
            "you set the constant part to 0. It stays, divided by the frequency of one wave on the longer side.",
            image_with(
                lambda size: torch.where(
                    frequencies(size, low=0.0) > 0, frequencies(size, low=0.0), torch.inf
                )
            ),
        ),
        Mistake(
            "constant part as it is",
            "you leave the constant part as it is, divided by 1. Divide it by 1 / max(H, W), the frequency of one "
            "wave on the longer side.",
            image_with(lambda size: torch.where(frequencies(size, low=0.0) > 0, frequencies(size), 1.0)),
        ),
        Mistake(
            "the shorter side",
            "the lowest frequency is that of one wave on the *longer* side: 1 / max(H, W).",
            image_with(lambda size: frequencies(size, low=1 / min(size))),
        ),
        Mistake(
            "a little in place of 0",
            "you put a tiny number in place of frequency 0, so the constant part outshines everything. The lowest is "
            "1 / max(H, W).",
            image_with(lambda size: frequencies(size, low=0.0) + 1e-8),
        ),
        Mistake(
            "added",
            "you add 1 / max(H, W) to all frequencies. It is the least that they are: clamp(min=…).",
            image_with(lambda size: frequencies(size, low=0.0) + 1 / max(size)),
        ),
        Mistake(
            "squared",
            "you divide by the square of the frequency. That is how the *power* of photos falls; the amplitude falls "
            "with the frequency itself.",
            image_with(lambda size: frequencies(size).square()),
        ),
        Mistake(
            "sum of the two",
            "you added the two frequencies up. A slanting wave's frequency is the length of the two: torch.hypot.",
            image_with(lambda size: frequencies(size, join=lambda down, across: down.abs() + across)),
        ),
        Mistake(
            "across only",
            "you divide by the frequency across the image alone. Waves run down it as well: torch.hypot(down[:, "
            "None], across).",
            image_with(lambda size: frequencies(size, join=lambda down, across: 0 * down + across)),
        ),
        Mistake(
            "down only",
            "you divide by the frequency down the image alone. Waves run across it as well: torch.hypot(down[:, "
            "None], across).",
            image_with(lambda size: frequencies(size, join=lambda down, across: down.abs() + 0 * across)),
        ),
        Mistake(
            "negative frequencies",
            "you count the rows' frequencies up to 1. From the middle on they are negative, and slow again: "
            "torch.fft.fftfreq(H).",
            image_with(lambda size: frequencies(size, down=lambda count: torch.arange(count) / count)),
        ),
        Mistake(
            "waves per image",
            "your frequencies count waves per image. Here they are per pixel, as fftfreq gives them: divide by H and "
            "by W.",
            image_with(
                lambda size: frequencies(
                    size,
                    down=lambda n: n * torch.fft.fftfreq(n),
                    across=lambda n: n * torch.fft.rfftfreq(n),
                    low=1.0,
                )
            ),
        ),
        Mistake(
            "norm left out",
            'norm="ortho" is missing: by default the inverse divides by H · W, the orthonormal one by its root.',
            image_with(norm="backward"),
        ),
        Mistake(
            "norm forward",
            'norm="forward" does not divide at all on the way back. norm="ortho" divides by the root of H · W.',
            image_with(norm="forward"),
        ),
        Mistake(
            "size left out",
            "irfft2 cannot know whether the width was odd and makes it even. Say so: s=size.",
            image_with(given_size=False),
        ),
        Mistake(
            "cosines alone",
            "you use the first of the two numbers alone. The second is the imaginary part: torch.view_as_complex "
            "takes both.",
            image_with(numbers=lambda s: torch.complex(s[..., 0], 0 * s[..., 1])),
        ),
        Mistake(
            "sines and cosines exchanged",
            "you took the second number for the real part. The first is the real one, as torch.view_as_complex has "
            "it.",
            image_with(numbers=lambda s: torch.complex(s[..., 1], s[..., 0])),
        ),
        Mistake(
            "conjugate",
            "you changed the imaginary part's sign, which turns the image round by 180°. It is real + i · imaginary.",
            image_with(numbers=lambda s: torch.complex(s[..., 0], -s[..., 1])),
        ),
        Mistake(
            "squashed to 0..1",
            "you squash the image to 0..1. That comes later, after the colours; here the sum of the waves is asked "
            "for as it is.",
            lambda spectrum, size: image_with()(spectrum, size).sigmoid(),
        ),
        Mistake(
            "across the colours",
            "irfftn without dim transforms the colours as well. Each colour is a picture of its own: irfft2.",
            lambda spectrum, size: torch.fft.irfftn(
                torch.view_as_complex(spectrum) / frequencies(size), s=(3, *size), dim=(1, 2, 3), norm="ortho"
            ),
        ),
    ),
)
