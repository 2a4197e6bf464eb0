"""A sweep on a cluster: how to start it, and how it is reached.

Under SLURM, copy the file `launch/slurm.sh` beside this module and submit it: ``sbatch slurm.sh``. In short::

    dask scheduler --scheduler-file s.json --port 0 &
    srun dask worker --scheduler-file s.json --nworkers 1 --nthreads 1 &
    perceptron-pruning sweep sweep.toml --output sweep.zarr --scheduler s.json

On Kubernetes, `launch/kubernetes.yaml` has the same three parts: ``kubectl apply -f kubernetes.yaml``. From Python::

    with cluster("s.json") as executor:
        dataset = sweep(grid, "sweep.zarr", executor=executor)

Workers may come and go. Only the driver (the process that calls `sweep`) writes, so workers need neither the store nor
a shared disk, only the same version of this package. One worker is one process with one thread on one core: linear
algebra on more would change the last bits, and Dask sets OPENBLAS_NUM_THREADS=1 for workers it starts. A worker that
dies has its task sent to another; a task that was under way at three deaths is reported with its cells. Should the
scheduler or the driver die, start them again with the same commands.

Dask's scheduler takes about a millisecond for a task, and the driver a few; tasks of a minute then feed ten thousand
workers. `python benchmarks/sweep_plan.py` has the numbers.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

_RETRIES = 3  # times that Dask sends a task again after an error of the worker's machine
_PATIENCE = "30s"  # time that the scheduler may take to answer


@contextmanager
def cluster(scheduler: str | Path) -> Iterator[Executor]:
    """Connects to a running Dask scheduler, by its file or its address (such as tcp://host:8786).

    Raises:
        ImportError: Dask is not installed.
        ValueError: Nothing answers there.
    """
    try:
        from distributed import Client
    except ImportError as missing:
        raise ImportError(
            f'a cluster needs one more package ({missing.name}): pip install "perceptron-pruning[cluster]"'
        ) from missing
    place = str(scheduler)
    try:
        client = Client(place, timeout=_PATIENCE) if "://" in place else Client(scheduler_file=place, timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise ValueError(f"`scheduler` must be the file or address of a running Dask scheduler; got {place}") from error
    with client:
        executor = client.get_executor(pure=False, retries=_RETRIES)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)  # what is left was interrupted
