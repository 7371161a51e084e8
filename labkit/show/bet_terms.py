"""What may be bet: a number within a range, or one of several choices."""

import math
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError

Answer = float | str


@dataclass(frozen=True)
class Number:
    """A number from low to high, both included."""

    question: str
    low: float
    high: float
    unit: str
    kind = "a number"

    @property
    def range(self) -> str:
        unit = "" if self.unit.startswith("of ") else self.unit  # "0 to 5", not "0 to 5 of 5"
        return f"{self.plain(self.low)} to {self.plain(self.high)} {unit}".strip()

    def same_kind(self, answer: Answer) -> bool:
        return isinstance(answer, float)

    def allows(self, guess: Answer) -> bool:
        return isinstance(guess, float) and self.low <= guess <= self.high

    def read(self, said: str | float) -> float:
        """The number that was said; "3,5" is taken as 3.5, and the unit may stand behind it.

        Raises: LabError for what is no number, or outside the range
        """
        text = str(said).strip().removesuffix(self.unit).strip().replace(",", ".")
        try:
            number = float(text)
        except ValueError:
            raise LabError(f"expected a number from {self.range}, got {str(said)!r}") from None
        if not self.allows(number):
            raise LabError(f"expected a number from {self.range}, got {text}")
        return number

    def plain(self, value: Answer) -> str:
        """The value to about a hundredth of the range, without zeros at its end."""
        span = self.high - self.low
        rounded = round(float(value), max(0, 2 - math.floor(math.log10(span))) if span else 2)
        return f"{rounded:.10f}".rstrip("0").rstrip(".") if math.isfinite(rounded) else str(rounded)

    def written(self, value: Answer) -> str:
        return f"{self.plain(value)} {self.unit}".strip()

    def near(self, guess: Answer, answer: Answer) -> str:
        """How far off, in the number's own measure: "off by 1.7", and "exactly right" where that rounds to 0."""
        off = self.plain(abs(float(self.plain(guess)) - float(self.plain(answer))))
        return "exactly right" if off == "0" else f"off by {off}"

    def share(self, guess: Answer, answer: Answer) -> float | None:
        """How far off, as a share of the range."""
        return abs(float(guess) - float(answer)) / (self.high - self.low)

    def control(self, guess: Answer | None) -> Any:
        """A text field: unlike a slider it suggests no number."""
        import ipywidgets

        return ipywidgets.Text(
            value="" if guess is None else self.plain(guess),
            description=f"Your bet ({self.range})",
            continuous_update=False,
            layout=ipywidgets.Layout(width="auto"),
        )


@dataclass(frozen=True)
class Choice:
    """One of several options."""

    question: str
    options: tuple[str, ...]
    kind = "one of the options"

    @property
    def range(self) -> str:
        return " · ".join(self.options)

    def same_kind(self, answer: Answer) -> bool:
        return isinstance(answer, str)

    def allows(self, guess: Answer) -> bool:
        return guess in self.options

    def read(self, said: str | float) -> str:
        """The option. Raises: LabError for none of them"""
        if said not in self.options:
            raise LabError(f"expected one of {list(self.options)}, got {said!r}")
        return str(said)

    def plain(self, value: Answer) -> str:
        return str(value)

    written = plain

    def near(self, guess: Answer, answer: Answer) -> str:
        return "right" if guess == answer else "not right"

    def share(self, guess: Answer, answer: Answer) -> float | None:
        """None: a choice is right or not, and nothing between."""
        return None

    def control(self, guess: Answer | None) -> Any:
        """Buttons: JupyterLab keeps the arrow keys, which a dropdown would need, to itself."""
        import ipywidgets

        buttons = ipywidgets.ToggleButtons(options=self.options, value=guess, description="Your bet")
        buttons.style.button_width = "auto"
        return buttons


Terms = Number | Choice
