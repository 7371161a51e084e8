"""Downloads against a real server on this machine, which fails in every way that servers do."""

import errno
import hashlib
import io
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torch import nn

from labkit import downloads, models
from labkit.downloads import download, explained
from labkit.errors import LabError


def build_tiny():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000)
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        if server.mood == "missing":
            self.send_error(404)
            return
        body = server.body[::-1] if server.mood == "wrong file" else server.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if server.mood in ("good", "wrong file") else body[: len(body) // 2])
        self.wfile.flush()
        if server.mood == "stalled":
            server.over.wait(10)
        if server.mood == "interrupted":
            time.sleep(0.1)  # the reader is waiting for the rest by now
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            server.over.wait(10)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serves the weights of a network called "tiny", which joins the catalogue."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("LABKIT_MIRROR", raising=False)
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.save(build_tiny().state_dict(), file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.mood, server.requests, server.over = file.getvalue(), "good", [], threading.Event()
    server.prefix = hashlib.sha256(server.body).hexdigest()[:8]
    server.base = f"http://127.0.0.1:{server.server_port}"
    server.url = f"{server.base}/tiny-{server.prefix}.pth"
    tiny = models.Network("tiny", 1, "", ("0",), build_tiny, server.url, (0.5,) * 3, (0.5,) * 3)
    monkeypatch.setitem(models.NETWORKS, "tiny", tiny)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "hub" / "checkpoints"


def files_in(folder):
    return [path.name for path in folder.rglob("*")]


def message(call, *arguments, **options):
    with pytest.raises(LabError) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return str(caught.value)


def assert_recovers(server, cache):
    """Nothing is left behind, nothing is trusted, and a good server puts everything right."""
    assert files_in(cache) == []
    assert "tiny" not in models.available()
    assert socket.getdefaulttimeout() is None
    server.mood = "good"
    models.load("tiny")
    assert files_in(cache) == [f"tiny-{server.prefix}.pth"]


def test_a_download_is_loaded_and_needs_no_server_again(server, cache):
    assert "tiny" not in models.available()
    model = models.load("tiny")
    net = build_tiny()
    net.load_state_dict(torch.load(io.BytesIO(server.body), weights_only=True))
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(model(images), net((images - 0.5) / 0.5))
    assert files_in(cache) == [f"tiny-{server.prefix}.pth"]
    assert "tiny" in models.available()

    server.mood = "missing"
    torch.testing.assert_close(models.load("tiny")(images), model(images))
    assert models.fetch("tiny") == cache / f"tiny-{server.prefix}.pth"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("mood", "words"),
    [("missing", "answered 404"), ("wrong file", "not the expected file"), ("cut", "a cut connection")],
)
@pytest.mark.parametrize("ask", [models.load, models.fetch])
def test_a_server_that_fails_is_explained_and_leaves_nothing(server, cache, mood, words, ask):
    server.mood = mood
    text = message(ask, "tiny")
    assert text.startswith("tiny (1 MB) from 127.0.0.1 could not be downloaded")
    assert words in text
    assert "`labkit fetch tiny`" in text
    assert "efficientnet_lite0" in text
    assert_recovers(server, cache)


def test_no_server_at_that_address(server, cache, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and not listening
        monkeypatch.setenv("LABKIT_MIRROR", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert "refused the connection" in message(models.load, "tiny")
    monkeypatch.delenv("LABKIT_MIRROR")
    assert_recovers(server, cache)


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), OSError(errno.ENETUNREACH, "unreachable")]
)
def test_no_connection_at_all(server, cache, monkeypatch, error):
    def fail(*_, **__):
        raise error

    with monkeypatch.context() as offline:
        offline.setattr(socket, "create_connection", fail)
        text = message(models.load, "tiny")
    assert "there is no connection" in text
    assert "load what is here: squeezenet, efficientnet_lite0" in text
    assert_recovers(server, cache)


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(server, cache):
    server.mood = "stalled"
    path = cache / f"tiny-{server.prefix}.pth"
    text = message(
        download, server.url, path, sha256_prefix=server.prefix, what="tiny", try_="again", timeout_s=0.2
    )
    assert "did not answer in time" in text
    assert_recovers(server, cache)


def test_an_interrupted_download_is_not_taken_for_a_good_one(server, cache):
    server.mood = "interrupted"
    with pytest.raises(KeyboardInterrupt):
        models.load("tiny")
    assert_recovers(server, cache)


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "disk quota is used up")]
)
def test_a_full_disk_is_explained_and_leaves_nothing(server, cache, monkeypatch, code, words):
    class FullDisk(io.FileIO):
        def write(self, _):
            raise OSError(code, "no room")

        def close(self):
            if not self.closed:
                super().close()
                raise OSError(code, "no room")  # what was still buffered does not fit either

    with monkeypatch.context() as full:
        full.setattr(torch.hub, "open", FullDisk, raising=False)
        assert words in message(models.load, "tiny")
    assert_recovers(server, cache)


def test_a_folder_that_may_not_be_written_to(server, cache, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as locked:
        locked.setattr(downloads, "TemporaryDirectory", refuse)
        assert "may not be written to" in message(models.load, "tiny")
    assert_recovers(server, cache)


@pytest.mark.parametrize(
    "damage", [lambda body: body[: len(body) // 2], lambda _: b"", lambda _: b"<html>Login"]
)
def test_a_damaged_file_is_named_with_its_repair(server, cache, damage):
    path = models.fetch("tiny")
    path.write_bytes(damage(server.body))
    text = message(models.load, "tiny")
    assert "damaged" in text
    assert "`labkit fetch tiny`" in text
    models.fetch("tiny")
    assert path.read_bytes() == server.body
    models.load("tiny")


def test_a_damaged_file_goes_even_if_its_repair_fails(server, cache):
    models.fetch("tiny").write_bytes(b"damaged")
    server.mood = "cut"
    message(models.fetch, "tiny")
    assert_recovers(server, cache)


def test_weights_of_another_network_are_called_damaged(server, cache):
    torch.save({"0.weight": torch.zeros(1)}, models.fetch("tiny"))
    assert "damaged (RuntimeError)" in message(models.load, "tiny")


def test_a_mirror_serves_the_file_in_place_of_the_usual_server(server, cache, monkeypatch):
    monkeypatch.setenv("LABKIT_MIRROR", f"{server.base}/classroom/weights/")
    models.fetch("tiny")
    assert server.requests == [f"/classroom/weights/tiny-{server.prefix}.pth"]


def test_a_mirror_may_be_a_folder_and_is_checked_as_well(server, cache, tmp_path, monkeypatch):
    stick = tmp_path / "stick"
    stick.mkdir()
    monkeypatch.setenv("LABKIT_MIRROR", stick.as_uri())
    (stick / f"tiny-{server.prefix}.pth").write_bytes(b"not the weights")
    assert "not the expected file" in message(models.fetch, "tiny")
    (stick / f"tiny-{server.prefix}.pth").write_bytes(server.body)
    assert models.fetch("tiny").read_bytes() == server.body
    assert server.requests == []


def test_a_mirror_that_is_no_address_is_refused(server, monkeypatch):
    monkeypatch.setenv("LABKIT_MIRROR", "classroom.local")
    assert "LABKIT_MIRROR is 'classroom.local', expected" in message(models.fetch, "tiny")


def test_explained_puts_the_timeout_back_and_lets_other_errors_pass():
    inside = []

    def work():
        with explained("x", try_="y", timeout_s=1):
            inside.append(socket.getdefaulttimeout())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert inside == [1]
    assert socket.getdefaulttimeout() is None
