"""Pictures: tensors in, figures out."""

from labkit.show.filters import filter_sheet, filter_sheets
from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import dots, grid, lines

__all__ = ["PhotoPicture", "Picture", "dots", "filter_sheet", "filter_sheets", "grid", "lines"]
