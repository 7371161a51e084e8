import io

import numpy as np
import pytest
import torch
from PIL import Image

from labkit import show
from labkit.errors import LabError


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB"))


def test_a_picture_brings_its_alt_text_wherever_it_is_shown():
    picture = show.image_row(torch.rand(2, 3, 8, 8), ["a", "b"], title="Two", caption="of noise")
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == "Two. of noise"
    assert Image.open(io.BytesIO(data["image/png"])).text["Description"] == "Two. of noise"


def test_equal_tensors_give_equal_bytes():
    bank = torch.rand(5, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    assert (
        show.filter_sheet(bank, title="t", caption="c").png()
        == show.filter_sheet(bank, title="t", caption="c").png()
    )


def test_a_long_caption_stays_inside_the_picture():
    caption = "every filter is scaled to its own range, W · M · 11 × 11; " * 6
    image = pixels(show.filter_sheet(torch.rand(16, 3, 5, 5), title="A sheet", caption=caption))
    assert (image[:, -4:] == 255).all()
    assert (image[-2:] == 255).all()


def test_an_image_is_drawn_in_its_colours_and_the_right_way_up():
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, :4] = 1  # red above, black below
    drawn = pixels(show.image_row(image))
    red = (drawn == [255, 0, 0]).all(-1)
    black = (drawn == [0, 0, 0]).all(-1)
    assert red.any()
    assert black.any()
    assert np.nonzero(red)[0].max() < np.nonzero(black)[0].max()


def test_no_figure_lingers_in_pyplot():
    import matplotlib.pyplot as plt

    show.dots({"one": torch.rand(9)}, label="x").png()
    assert plt.get_fignums() == []


def test_a_missing_bank_is_an_empty_frame_that_says_why():
    picture = show.filter_sheets(
        {"here": torch.rand(4, 3, 3, 3), "alexnet": "not downloaded: labkit fetch alexnet"}
    )
    texts = [text.get_text().replace("\n", " ") for axes in picture.axes for text in axes.texts]
    assert texts == ["not downloaded: labkit fetch alexnet"]
    assert pixels(picture).std() > 0


def test_wrong_shapes_and_counts_are_refused():
    with pytest.raises(LabError, match="a caption for each of 2 images, got 1"):
        show.image_row(torch.rand(2, 3, 4, 4), ["only one"])
    with pytest.raises(LabError, match=r"got \(5, 4, 4\)"):
        show.image_row([torch.rand(5, 4, 4)])
