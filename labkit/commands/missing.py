"""Installing what the lab needs and is not here, and nothing else: `python -m labkit.commands.missing`.

A service such as Colab brings PyTorch and most of the rest, in versions that its own kernel hangs on: Colab's has
ipykernel 6.17 and ipywidgets 7. Whatever is there is left as it is.
"""

import subprocess
import sys

from labkit.commands.requirements import needed

_NOT_IN_A_KERNEL = ("jupyterlab", "nbval")  # where a notebook is open, something has opened it


def missing() -> list[str]:
    """What to ask pip for."""
    return [one.pip for one in needed() if not one.found and one.name not in _NOT_IN_A_KERNEL]


def main() -> int:
    if not (packages := missing()):
        return 0
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
