"""A folder, as a server of the web shows it."""

import functools
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing of each file that is asked for."""


@contextmanager
def served(folder):
    """The address at which a folder's files are, until the block ends."""
    handler = functools.partial(Silent, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
