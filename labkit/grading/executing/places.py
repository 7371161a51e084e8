"""What code in a sandbox can see of this machine: Python, what it imports, networks and fonts. Nothing of a class."""

import os
import site
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from labkit.grading.executing.student_side import PACKAGE

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/sys")


@cache
def readable() -> tuple[Path, ...]:
    """The folders that are needed, the package itself not among them, though it may lie in one of them."""
    import torch

    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages()]
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    libraries = [str(Path(torch.__file__).parents[1])]
    fonts = [str(Path("~").expanduser() / part) for part in (".fonts", ".local/share/fonts")]
    found = dict.fromkeys(
        path
        for place in (*_SYSTEM, *python, *user, *libraries, *fonts, torch.hub.get_dir())
        for path in (Path(os.path.abspath(place)), Path(place).resolve())
        if path.is_dir()
    )
    return tuple(sorted(found))


def private(hidden: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The folders that are not to be seen, should they lie within readable ones: the clone, the home, the class."""
    clone = PACKAGE.parent
    beside = [clone] if clone not in readable() else [clone / name for name in ("solutions", "tests", ".git")]
    found = {*beside, Path("~").expanduser().resolve(), *(place.resolve() for place in hidden)}
    return tuple(sorted(path for path in found if path.is_dir() and path not in readable()))


def within(path: Path, folders: Iterable[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def around(place: Path, left_out: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """A folder without some places in it.

    Returns: what can be given away whole, and the folders on the way, of which only the names can
    """
    out = [path for path in left_out if place == path or place in path.parents]
    if not out:
        return [place], []
    if place in out:
        return [], []
    whole, on_the_way = [], [place]
    for child in sorted(place.iterdir()):
        inner, names = around(child, out) if not child.is_symlink() else ([child], [])
        whole += inner
        on_the_way += names
    return whole, on_the_way
