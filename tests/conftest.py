"""What holds for every test file: it writes into tmp_path, never into the clone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from warm import warm_kernels

ROOT = Path(__file__).parent.parent


def changed_files():
    """What git finds changed or new in the clone, one file a line."""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    return set(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    )


@pytest.fixture(scope="module", autouse=True)
def clean_clone():
    """The clone is after a test file as it was before; asked in CI only, since at a desk its author may be at work."""
    if not os.environ.get("LABKIT_REQUIRE_CLEAN_CLONE"):
        yield
        return
    before = changed_files()
    yield
    appeared = sorted(changed_files() - before)
    assert not appeared, f"expected tests that write into tmp_path only, got {appeared} in the clone"


@pytest.fixture(scope="session", autouse=True)
def no_server_left():
    """JupyterLab, where tests in a browser have started it, ends with them."""
    yield
    if "browser" in sys.modules:
        sys.modules["browser"].end_servers()


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    with warm_kernels(tmp_path_factory.mktemp("warm")) as variables:
        yield variables


@pytest.fixture(scope="module", autouse=True)
def warm_kernels_here(warm):
    """A test's kernel is the fork of a warm process. Solution notebooks, run by nbval, have kernels as students do."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in warm.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def a_new_cell():
    """Nothing has been made with anybody's functions yet, as when a notebook's cell begins."""
    from labkit import whose

    whose.forget()
    yield
    whose.forget()
