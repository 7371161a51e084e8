"""What holds for every test file: it writes into tmp_path, never into the clone."""

import os
import subprocess
from pathlib import Path

import pytest

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


@pytest.fixture
def a_new_cell():
    """Nothing has been made with anybody's functions yet, as when a notebook's cell begins."""
    from labkit import whose

    whose.forget()
    yield
    whose.forget()
