import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from labkit import show
from labkit.errors import LabError
from labkit.show import palette
from labkit.show.drawing import spread


def pixels(picture, ground="white"):
    """What a page of that colour shows, (H, W, 3) uint8."""
    shown = Image.open(io.BytesIO(picture.webp())).convert("RGBA")
    page = Image.new("RGBA", shown.size, ground)
    page.alpha_composite(shown)
    return np.asarray(page.convert("RGB"))


class Figure(HTMLParser):
    """A figure's markup, read back: its tags in order, the image's attributes, the texts."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.image, self.texts = [], {}, []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.image = dict(attrs) if tag == "img" else self.image

    def handle_data(self, data):
        self.texts.append(data)


def test_a_picture_is_a_figure_with_its_texts_around_it_and_its_alt_text_in_it():
    picture = show.grid(
        torch.rand(2, 3, 8, 8), above=["a", "b"], title="Two <b>", caption="of 'noise'.", alt='2 "x"'
    )
    data = picture._repr_mimebundle_()
    assert data["text/plain"] == '2 "x"'
    figure = Figure(data["text/html"])
    assert figure.tags == ["figure", "div", "div", "img", "figcaption"]
    assert figure.texts == ["Two <b>", "of 'noise'."]
    assert figure.image["alt"] == '2 "x"'
    kind, _, encoded = figure.image["src"].partition(",")
    assert kind == "data:image/webp;base64"
    shown = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert shown.width == 960
    assert (int(figure.image["width"]), int(figure.image["height"])) == (576, round(shown.height * 0.6))


def test_without_an_alt_text_of_its_own_a_picture_says_its_title_and_caption():
    assert (
        show.dots({"one": torch.rand(3)}, label="x", title="One?", caption="Of three.").alt
        == "One?. Of three"
    )


def contrast(one, other):
    """WCAG 2's contrast of two colours."""
    linear = [np.array(to_rgb(c)) for c in (one, other)]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in linear]
    dark, light = sorted(c @ (0.2126, 0.7152, 0.0722) for c in linear)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111", "#1e1e1e"], ids=["light", "JupyterLab", "VS Code"])
def test_the_palette_is_readable_on_a_light_page_and_on_a_dark_one(page):
    for colour in palette.HUES:
        assert contrast(colour, page) > 3.6


@pytest.mark.parametrize("ground", ["white", "#111111"])
def test_a_figure_has_no_ground_of_its_own_and_all_its_texts_are_in_mid_tones(ground):
    picture = show.dots({"one": torch.rand(9)}, label="x")
    picture.axes[0].text(0.5, 0, "nobody chose a colour")
    picture.axes[0].legend(["neither here"])
    shown = pixels(picture, ground)
    assert (shown[0, 0] == shown[0, -1]).all()
    assert (np.asarray(Image.open(io.BytesIO(picture.webp())))[0, 0, 3]) == 0
    assert {text.get_color() for text in picture.findobj(Text) if text.get_text()} == {palette.INK}
    far = 0 if ground == "white" else 255  # no text or line is black on white, or white on black
    assert abs(shown.astype(int) - far).sum(axis=2).min() > 150


def test_between_filters_is_grey_on_any_page():
    picture = show.filter_sheet(torch.rand(4, 3, 5, 5), columns=2)
    light, dark = pixels(picture), pixels(picture, "#111111")
    middle = light[light.shape[0] // 2, light.shape[1] // 2], dark[dark.shape[0] // 2, dark.shape[1] // 2]
    assert [list(pixel) for pixel in middle] == [[140, 140, 140]] * 2
    assert (light == dark).all(axis=2).mean() > 0.5


def test_equal_tensors_give_equal_bytes_and_so_does_one_picture_asked_twice():
    bank = torch.rand(5, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    first, second = (show.filter_sheets({"a": bank, "b": bank}, title="t", caption="c") for _ in range(2))
    assert first.html() == second.html() == first.html()


def test_an_image_is_drawn_in_its_colours_and_the_right_way_up():
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, :4] = 1  # red above, black below
    drawn = pixels(show.grid(image))
    red = (abs(drawn.astype(int) - [255, 0, 0]) < 8).all(-1)
    black = (drawn < 8).all(-1)
    assert red.any()
    assert black.any()
    assert np.nonzero(red)[0].max() < np.nonzero(black)[0].max()


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_the_names_of_sheets_are_not_cut_off_at_the_border(columns):
    picture = show.filter_sheets({f"Network {i}": torch.rand(64, 3, 3, 3) for i in range(columns)})
    opaque = picture.pixels()[..., 3] > 0
    assert not opaque[0].any()
    assert not opaque[-1].any()
    assert not opaque[:, 0].any()
    assert not opaque[:, -1].any()


def test_no_figure_lingers_in_pyplot():
    import matplotlib.pyplot as plt

    show.dots({"one": torch.rand(9)}, label="x").webp()
    assert plt.get_fignums() == []


def test_a_missing_bank_is_an_empty_frame_that_says_why():
    picture = show.filter_sheets(
        {"here": torch.rand(4, 3, 3, 3), "alexnet": "not downloaded: labkit fetch alexnet"}
    )
    texts = [text.get_text().replace("\n", " ") for axes in picture.axes for text in axes.texts]
    assert texts == ["not downloaded: labkit fetch alexnet"]
    assert pixels(picture).std() > 0


def test_wrong_shapes_and_counts_are_refused():
    with pytest.raises(
        LabError, match="a line for each of 2 images, or of 2 columns, got 1 above and 0 below"
    ):
        show.grid(torch.rand(2, 3, 4, 4), above=["only one"])
    with pytest.raises(LabError, match="of 2 images, or of 2 columns, got 0 above and 1 below"):
        show.grid(torch.rand(2, 3, 4, 4), below=["only one"])
    with pytest.raises(LabError, match="rows of one length, got 'one': 2, 'two': 1"):
        show.grid({"one": torch.rand(2, 3, 4, 4), "two": torch.rand(1, 3, 4, 4)})
    with pytest.raises(LabError, match=r"expected .*images, got none"):
        show.grid([])
    with pytest.raises(LabError, match=r"got \(5, 4, 4\)"):
        show.grid([torch.rand(5, 4, 4)])


def test_a_grid_has_its_words_where_they_belong():
    shown = torch.rand(4, 3, 6, 8)
    picture = show.grid(
        {"first": shown[:2], "a name of many letters": shown[2:]}, above=["x", "y"], below=list("abcd")
    )
    assert [axes.get_title() for axes in picture.axes] == ["x", "y", "", ""]
    assert [axes.get_xlabel() for axes in picture.axes] == list("abcd")
    assert [axes.get_ylabel() for axes in picture.axes] == ["first", "", "a name of many letters", ""]
    each = show.grid(shown[:3], above=["x", "y", "z"], columns=2)
    assert [axes.get_title() for axes in each.axes] == ["x", "y", "z", ""]
    assert [axes.get_visible() for axes in each.axes] == [True, True, True, False]


@pytest.mark.parametrize(("count", "columns"), [(10, 5), (8, 4), (3, 3)])
def test_images_are_as_large_as_the_page_allows(count, columns):
    picture = show.grid(torch.rand(count, 3, 8, 8), above=["a"] * count, columns=columns)
    width, height = picture.get_size_inches()
    assert width == pytest.approx(9)
    assert 0 < height / (count // columns) - 9 / columns < 0.32
    picture.pixels()
    for axes in picture.axes:
        assert axes.get_position().width * width > 0.94 * 9 / columns


def test_lines_are_named_at_their_ends_apart_from_each_other():
    picture = show.lines({"a": ([0, 1], [1.0, 5.0]), "b": ([0, 1], [2.0, 5.0])}, across="x", up="y")
    a, b = picture.axes[0].texts
    assert (a.get_text(), b.get_text()) == ("a", "b")
    assert abs(a.xy[1] - b.xy[1]) >= 0.059
    assert 0.9 < min(a.xy[1], b.xy[1]) < 1  # in shares of the axes' height
    assert spread([0.9, 0.1, 0.12, 0.1], apart=0.05) == pytest.approx([0.9, 0.1, 0.2, 0.15])


def test_lines_of_several_measures_are_their_mean_in_a_band_of_their_range():
    measures = torch.tensor([[0.0, 1.0], [2.0, 6.0]])
    picture = show.lines({"a": ([0, 1], measures)}, across="x", up="y", legend=True)
    (axes,) = picture.axes
    assert axes.lines[0].get_ydata().tolist() == [0.5, 4]
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band.tolist()} == {(0, 0), (0, 1), (1, 2), (1, 6)}


def test_levels_rules_and_points_are_marked_with_their_names():
    values = {"ours": ([0, 1, 2], [3.0, 2.0, 1.0]), "theirs": ([0, 1, 2], [3.0, 2.0, 1.0])}
    picture = show.lines(
        values, across="x", up="y", ticks={0: "none", 2: "all"}, levels={2.0: "guessing"}, rules={1: "border"},
        points=["theirs"], legend=True,
    )  # fmt: skip
    (axes,) = picture.axes
    assert [text.get_text() for text in axes.texts] == ["guessing", "border"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["none", "all"]
    assert {line.get_label(): line.get_linestyle() for line in axes.lines[:2]} == {
        "ours": "-",
        "theirs": "None",
    }


def test_a_dot_that_stands_out_is_named_where_its_value_is():
    groups = {"a": torch.tensor([0.1, 0.7]), "b": torch.tensor([0.4, 0.2])}
    picture = show.dots(groups, label="", marks=[(0.7, "channel 1"), (0.4, "channel 0")])
    assert [text.xy[0] for text in picture.axes[0].texts] == pytest.approx([0.7, 0.4])
    assert [text.get_text() for text in picture.axes[0].texts] == ["channel 1", "channel 0"]
