"""Whether the installed package is still what it was: a submission that could write into it could judge itself."""

import compileall
import hashlib
import sys
from pathlib import Path

from labkit.grading.executing.student_side import PACKAGE


def package_fingerprint(package: Path = PACKAGE) -> str:
    """A hash of all files of the package, by name and content, the compiled ones of this Python included.

    What is not compiled yet is compiled first, so that nothing of that kind appears later by itself.
    """
    compileall.compile_dir(package, quiet=2)
    found = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.parent.name == "__pycache__" and sys.implementation.cache_tag not in path.name:
            continue  # written by another Python, and read by none but that
        if path.is_symlink() or path.is_file():
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found.update(f"{path.relative_to(package)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()
