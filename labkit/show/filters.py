"""Figures of stage 01: sheets of filters, of one network or of several."""

from collections.abc import Mapping
from typing import Unpack

from torch import Tensor

from labkit.arguments import expect_tensor, expect_whole
from labkit.methods import sheets
from labkit.show.drawing import BETWEEN
from labkit.show.layout import WIDTH
from labkit.show.look import in_usual_look
from labkit.show.picture import Picture, Texts
from labkit.show.plots import grid


@in_usual_look
def filter_sheet(filters: Tensor, *, columns: int = 16, **texts: Unpack[Texts]) -> Picture:
    """Filters as one sheet of small pictures, each scaled to 0..1 by itself.

    filters: (K, 3, h, w) or (K, 1, h, w)
    """
    K = expect_tensor("filters", filters, "K C h w")["K"]
    return grid(
        [_sheet(filters, min(expect_whole("columns", columns, 1), K))], side=WIDTH, exact=True, **texts
    )


@in_usual_look
def filter_sheets(banks: Mapping[str, Tensor | str], *, columns: int = 8, **texts: Unpack[Texts]) -> Picture:
    """Sheets of several networks side by side; a text in place of filters becomes an empty frame that says it.

    banks: name -> filters (K, 3, h, w), at most 64 of which are drawn, or the reason why there are none
    """
    drawn = [bank if isinstance(bank, str) else _sheet(bank[:64], columns) for bank in banks.values()]
    names = [
        name if isinstance(bank, str) else f"{name}\n{' × '.join(map(str, bank.shape))}"
        for name, bank in banks.items()
    ]
    return grid(drawn, above=names, side=WIDTH, exact=True, **texts)


def _sheet(filters: Tensor, columns: int) -> Tensor:
    """Filters laid out on one sheet, each scaled to 0..1 by itself, about an eighth of a filter apart."""
    times = max(1, round(8 / filters.shape[-1]))  # small ones are enlarged, since a gap is one pixel at least
    large = sheets.rescale(filters).repeat_interleave(times, dim=2).repeat_interleave(times, dim=3)
    return sheets.tile(large, columns=columns, background=BETWEEN)
