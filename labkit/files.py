"""Writing files so that they are whole or not there at all, whenever the process ends."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quota


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error says that there is no room on the disk."""
    return isinstance(error, OSError) and error.errno in _FULL


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name first, and give it its own once all of it is on the disk.

    Text is UTF-8; half a surrogate pair, which UTF-8 has no bytes for, becomes a question mark.
    """
    with replacing(path) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode(errors="replace"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another name to write a file under: it gets its own on leaving, and what was written is gone after an error.

    Folders above it are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".partial", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
