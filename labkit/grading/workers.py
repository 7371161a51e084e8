"""Who does the work: units side by side on this machine, or on a Dask cluster."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait

import psutil

from labkit.errors import LabError
from labkit.grading.unit import Graded, Unit, grade_unit

Done = tuple[Unit, Graded | Exception]


def on_this_machine(units: Sequence[Unit], *, jobs: int | None = None) -> Iterator[Done]:
    """Grade units, a few at a time, and hand on each as it is done.

    A unit computes in processes of its own; threads here wait for them. If whoever asks stops asking, or is
    interrupted, what runs is ended.

    jobs: how many side by side; as many as this machine has cores by default
    """
    pool = ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1)
    futures = {pool.submit(grade_unit, unit): unit for unit in units}
    try:
        for future in as_completed(futures):
            yield futures.pop(future), _outcome(future)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while running := [future for future in futures if future.running()]:
            _end_children()  # again and again, since a unit may be about to start another
            wait(running, timeout=0.2)
        pool.shutdown()


def on_cluster(units: Sequence[Unit], address: str, *, patience_s: float = 20) -> Iterator[Done]:
    """The same on the workers of a Dask cluster; a worker that dies gives its units to another.

    address: of its scheduler, such as "tcp://10.0.0.1:8786", which must answer within patience_s
    Raises:  LabError where Dask is not installed or nobody answers there
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise LabError("a cluster needs Dask; try pip install 'cnn-labkit[cluster]'") from None
    try:
        client = Client(address, timeout=patience_s)
    except (OSError, ValueError) as error:
        raise LabError(
            f"no Dask scheduler answers at {address} ({error}); try dask scheduler there"
        ) from None
    with client:
        futures = {client.submit(_grade_on_worker, unit, pure=False, retries=2): unit for unit in units}
        for future in as_completed(futures):
            yield futures.pop(future), _outcome(future)
            future.release()


def _grade_on_worker(unit: Unit) -> Graded:
    """Dask's workers are daemons, which multiprocessing forbids to have children; this one judges in one."""
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    return grade_unit(unit)


def _outcome(future: "Future[Graded]") -> Graded | Exception:
    try:
        return future.result()
    except Exception as error:
        return error


def _end_children() -> None:
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
