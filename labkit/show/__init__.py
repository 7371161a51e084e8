"""Pictures: tensors in, figures out."""

from labkit.show.plots import Picture, dots, filter_sheet, filter_sheets, image_row

__all__ = ["Picture", "dots", "filter_sheet", "filter_sheets", "image_row"]
