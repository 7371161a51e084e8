"""What holds for every pytest run here, nbval's kernels included."""

from collections import Counter

import pytest

from labkit.threads import set_openmp_wait_policy

set_openmp_wait_policy()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the most slow tests come first, so that of two workers none is left alone with one at the end."""
    slow = Counter(item.path for item in items if _is_slow(item))
    items.sort(key=lambda item: -slow[item.path])  # a file's tests stay together, in their order


def _is_slow(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb" or item.get_closest_marker("slow") is not None
