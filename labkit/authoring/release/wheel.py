"""The lab itself as a wheel, so that students and graders install what the release was made with."""

import base64
import hashlib
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import labkit
from labkit.authoring.release.trees import Files, zipped
from labkit.errors import LabError

_WHEEL = "Wheel-Version: 1.0\nGenerator: labkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ABOUT = ("METADATA", "entry_points.txt", "licenses/LICENSE")  # what a wheel tells besides its modules


def wheel() -> tuple[str, bytes]:
    """The file name and the content of a wheel of the lab as it runs here, an editable installation included.

    Raises: LabError if the lab is neither a clone nor installed, so that nobody can say what it needs
    """
    package = Path(labkit.__file__).parent
    clone = package.parent
    about = _of_clone(clone) if (clone / "pyproject.toml").is_file() else _of_installation()
    folder = f"cnn_labkit-{labkit.__version__}.dist-info"
    files = {f"labkit/{name}": content for name, content in _modules(package).items()}
    files |= {f"{folder}/{name}": content for name, content in about.items()}
    files[f"{folder}/WHEEL"] = _WHEEL.encode()
    files[f"{folder}/RECORD"] = _record(files, f"{folder}/RECORD")
    return f"cnn_labkit-{labkit.__version__}-py3-none-any.whl", zipped(files)


def _of_clone(clone: Path) -> dict[str, bytes]:
    """From pyproject.toml: what an editable installation once noted may be older than the clone."""
    project = tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {labkit.__version__}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
    ]
    scripts = [f"{name} = {place}" for name, place in project["scripts"].items()]
    texts = ("\n".join([*lines, ""]), "\n".join(["[console_scripts]", *scripts, ""]))
    licence = (clone / "LICENSE").read_bytes()
    return dict(zip(_ABOUT, (*(text.encode() for text in texts), licence), strict=True))


def _of_installation() -> dict[str, bytes]:
    try:
        installed = distribution("cnn-labkit")
    except PackageNotFoundError as error:
        raise LabError("the lab is not installed here; install it, or name a wheel with --lab") from error
    return {name: (installed.read_text(name) or "").encode() for name in _ABOUT}


def _modules(package: Path) -> dict[str, bytes]:
    """Every file of the package; no caches, nothing hidden, and not the course that came with an installation.

    The course is handed out by whoever releases it, and its solutions are not.
    """
    found = {}
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        if parts[:2] == ("authoring", "course"):
            continue
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
            found["/".join(parts)] = path.read_bytes()
    return found


def _record(files: Files, own_name: str) -> bytes:
    """What a wheel says of its files: path, hash and size, one a line, and its own path without."""
    lines = []
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{own_name},,\n"]).encode()
