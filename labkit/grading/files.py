"""Writing files so that they are whole or not there at all, whenever the process ends."""

import errno
import os
import tempfile
from pathlib import Path

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quota


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error says that there is no room on the disk."""
    return isinstance(error, OSError) and error.errno in _FULL


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name first, and give it its own once all of it is on the disk.

    Text is UTF-8; half a surrogate pair, which UTF-8 has no bytes for, becomes a question mark.
    """
    data = content if isinstance(content, bytes) else content.encode(errors="replace")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
