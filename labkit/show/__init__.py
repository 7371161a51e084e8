"""Pictures: tensors in, figures out."""

from labkit.show.picture import PhotoPicture, Picture
from labkit.show.plots import dots, filter_sheet, filter_sheets, image_row

__all__ = ["PhotoPicture", "Picture", "dots", "filter_sheet", "filter_sheets", "image_row"]
