"""Files from the network: whole and checked, or not at all."""

import errno
import hashlib
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from torch.hub import download_url_to_file

from labkit.errors import LabError

# The first that fits is the answer, so the narrow come before the wide.
REASONS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (socket.gaierror, "there is no connection, or nobody here knows that server"),
    (TimeoutError, "the server did not answer in time"),
    (ConnectionRefusedError, "the server refused the connection"),
    (ssl.SSLCertVerificationError, "the server's certificate is not trusted here"),
    ((ConnectionError, HTTPException, EOFError), "the connection was cut"),
    (RuntimeError, "what came is not the expected file (a cut connection, or a login page in between)"),
)
NO_FOLDER = "the folder for it may not be written to"
DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EACCES: NO_FOLDER,
    errno.EPERM: NO_FOLDER,
    errno.EROFS: NO_FOLDER,
}
UNREACHABLE = dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN), "there is no connection")


def reason(error: BaseException) -> str:
    """Why a download failed, in a few words on one line."""
    if isinstance(error, HTTPError):
        return f"the server answered {error.code} {error.reason}"
    numbers = UNREACHABLE if isinstance(error, URLError) else UNREACHABLE | DISK
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    for kind, words in REASONS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.errno in numbers:
        return numbers[error.errno]
    return " ".join(f"{type(error).__name__} {error}".split())[:100]


@contextmanager
def explained(what: str, *, try_: str, timeout_s: float = 20) -> Iterator[None]:
    """Turn whatever stops the download inside the with block into one LabError, and let nothing hang.

    what:      the download, with its size: "alexnet (233 MB)"
    try_:      what the reader can do about it: "`labkit fetch alexnet`"
    timeout_s: a connection silent for longer has failed (each address of a server is waited for once)
    Raises:    LabError for a network, server, disk or hash that failed; an interrupt passes as it is
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(timeout_s)  # urllib is not ours to hand a timeout to
    try:
        yield
    except (OSError, HTTPException, RuntimeError, EOFError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise LabError(
            f"{what} could not be downloaded: {reason(error)}. Nothing broken was left behind; try {try_}"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def mirrored(url: str) -> str:
    """The address to download from: the url's file on the server of LABKIT_MIRROR, where that is set.

    LABKIT_MIRROR is an address of a folder, such as http://classroom.local/weights or file:///media/usb.
    """
    mirror = os.environ.get("LABKIT_MIRROR", "").strip()
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https", "file"):
        raise LabError(
            f"LABKIT_MIRROR is {mirror!r}, expected an address that starts with http, https or file; "
            "correct it, or unset it to download from the usual server"
        )
    return f"{mirror.rstrip('/')}/{url.rpartition('/')[2]}"


def is_intact(path: Path, sha256_prefix: str) -> bool:
    """Whether the file can be read and its SHA-256, in hex, starts like that."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest().startswith(sha256_prefix)
    except OSError:
        return False


def download(
    url: str, path: Path, *, sha256_prefix: str, what: str, try_: str, timeout_s: float = 20.0
) -> Path:
    """Download a file to path, with a progress bar; at path there is the right file or none.

    The file grows in a folder of its own, which goes whatever happens, and is moved when its hash is right.

    sha256_prefix: the first hex digits of the file's SHA-256
    what, try_:    for the error message, as in explained()
    Raises:        LabError where the download fails, and for a LABKIT_MIRROR that is no address
    """
    source = mirrored(url)
    what = f"{what} from {urlsplit(source).hostname or 'LABKIT_MIRROR'}"
    with explained(what, try_=try_, timeout_s=timeout_s):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with TemporaryDirectory(prefix=".labkit-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            print(f"Downloading {what}")  # the bar comes with the first byte, which may take a while
            growing = Path(folder, path.name)
            download_url_to_file(source, str(growing), sha256_prefix)
            os.replace(growing, path)
    return path
