"""The README's pictures, made by the lab's own code: python docs/pictures.py"""

from pathlib import Path

from labkit import images, show
from labkit.methods.filters import learn_filters

HERE = Path(__file__).parent / "pictures"


def grown_filters() -> show.Picture:
    return show.filter_sheet(learn_filters(images.photos().images))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for make in (grown_filters,):
        (HERE / f"{make.__name__}.png").write_bytes(make().png())
