"""The README's pictures, taken out of the executed solution notebooks: python docs/pictures.py [--check]"""

import base64
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
CHOSEN = {  # stage -> how the title of its picture begins
    "00_fully_convolutional": "Twelve categories on a wall",
    "01_first_layer_filters": "Grown, not trained",
    "05_guided_backprop": "Neurons of",
    "06_gradient_ascent": "Ten classes",
    "07_deep_dream": "More of what is there",
    "08_adversarial_examples": "As in the lecture",
}


def picture(stage: str, title: str) -> bytes:
    """The picture, as WebP, of the one figure of a stage's solution whose title begins so.

    Raises: LookupError if there is not exactly one
    """
    cells = nbformat.read(ROOT / "solutions" / f"{stage}.ipynb", as_version=4).cells
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    figures = [data["text/html"] for data in shown if "labkit-figure" in data.get("text/html", "")]
    found = [markup for markup in figures if re.search(rf"<div[^>]*>{re.escape(title)}", markup)]
    if len(found) != 1:
        raise LookupError(f"expected one picture in {stage} whose title begins {title!r}, found {len(found)}")
    return base64.b64decode(re.search("data:image/webp;base64,([^']+)", found[0])[1])


def main(check: bool) -> int:
    """Write the pictures, or with check only say which are not what their notebook shows; 1 if any."""
    stale = 0
    for stage, title in CHOSEN.items():
        kept, new = PICTURES / f"{stage}.webp", picture(stage, title)
        if kept.is_file() and kept.read_bytes() == new:
            continue
        stale = 1
        print(f"{kept.name} is not what its notebook shows" if check else f"wrote {kept.name}")
        if not check:
            PICTURES.mkdir(exist_ok=True)
            kept.write_bytes(new)
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
