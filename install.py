"""Set the lab up in a virtual environment: python install.py [--dev] [--venv .venv]

`make lab` and `make test` call it; without make, as on Windows, it does the same. It needs nothing but Python.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SAVED_GB = 4  # that the build for CPUs is smaller by; 5.5 against 1.3 GB on Linux


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dev", action="store_true", help="with what its tests need")
    parser.add_argument(
        "--venv", type=Path, default=ROOT / ".venv", help="where; .venv beside this file if not said"
    )
    asked = parser.parse_args()
    python = python_of(asked.venv)
    if not python.exists():
        if trouble := cannot_make_one():
            print(trouble, file=sys.stderr)
            return 2
        subprocess.run([sys.executable, "-m", "venv", str(asked.venv)], check=True)
    print(
        f"Installing the lab into {asked.venv}, once; this takes some minutes and a few GB (PyTorch)",
        flush=True,
    )
    install = installer(python, uv=shutil.which("uv"))
    if index := cpu_index(python):
        subprocess.run([*install, "--index-url", index, *torch_ranges()], cwd=ROOT, check=False)
        # where that fails, as for a Python that it has nothing for, the next takes the usual build
    lab = [*install, "--editable", ".[dev]" if asked.dev else "."]
    return subprocess.run(lab, cwd=ROOT, check=False).returncode


def python_of(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def cannot_make_one() -> str:
    """Why this Python cannot make a virtual environment; empty where it can."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return "this Python lacks venv; on Debian and Ubuntu: apt install python3-venv"
    return ""


def installer(python: Path, *, uv: str | None) -> list[str]:
    """What installs into that Python's environment: uv, where its path is given, and pip elsewhere."""
    if uv:
        return [uv, "pip", "install", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def torch_ranges() -> list[str]:
    """PyTorch's two packages as pyproject.toml asks for them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [need for need in project["dependencies"] if need.startswith(("torch>", "torchvision>"))]


def cpu_index(python: Path) -> str:
    """Where PyTorch's build for CPUs lies, if this is a Linux without an NVIDIA card that can reach it.

    Elsewhere the usual build is already that one, or the card is to be used. LABKIT_TORCH_INDEX names another place;
    empty, none.
    """
    index = os.environ.get("LABKIT_TORCH_INDEX", CPU_INDEX)
    if not index or sys.platform != "linux" or has_nvidia_card() or has_torch(python) or not answers(index):
        return ""
    print(
        f"No NVIDIA card here: taking PyTorch's build for CPUs from {index}, {SAVED_GB} GB less", flush=True
    )
    return index


def has_nvidia_card() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def has_torch(python: Path) -> bool:
    found = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    return python.exists() and subprocess.run([str(python), "-c", found], check=False).returncode == 0


def answers(index: str) -> bool:
    try:
        with urlopen(f"{index}/torch/", timeout=5):
            return True
    except (URLError, OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
