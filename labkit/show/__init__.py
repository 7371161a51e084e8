"""Pictures: tensors in, figures out."""

from labkit.show.bets import bet, how_well_you_knew, settle
from labkit.show.filters import filter_sheet, filter_sheets
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import dots, grid, lines
from labkit.show.waiting import watch

__all__ = [
    "PhotoPicture",
    "Picture",
    "bet",
    "dots",
    "filter_sheet",
    "filter_sheets",
    "grid",
    "how_well_you_knew",
    "lines",
    "settle",
    "watch",
]
