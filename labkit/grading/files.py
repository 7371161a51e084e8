"""Writing files so that they are whole or not there at all, whenever the process ends."""

import os
import tempfile
from pathlib import Path


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
