"""Every metric, duplicates and selections of embeddings that no host can hold: the commands, and what they take.

    python benchmarks/many_hosts.py --output benchmarks/many_hosts.csv

Every process reads its own rows only; sums, heads and the rows that others need travel. By hand, on each of two hosts::

    perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --coordinator host0:9876 --num-processes 2 --process-id 0        # and 1 on the other

Under SLURM the three flags come from the environment::

    #SBATCH --nodes=16 --ntasks-per-node=1 --exclusive
    srun perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --iterations 20 --output prototypes.parquet

`near_duplicates` and `select` are shared by the processes that have called `jax.distributed.initialize`. Each process
writes its part, `prototypes-00003-of-00016.parquet`. A process that dies ends all with an error within seconds; the
same command resumes at the last step that all have finished. Hosts should be of one kind.

The table is a model and no measurement: flops and bytes are those of the plan that `score` shows, divided by rates
that are assumed. A process a host, with all its cores, but for a class of a selection, which takes one. Half-precision
embeddings; a read or received byte takes 1 ns of a host. 2.5e10 flop/s a core are what the search for neighbours
reached on one core, with all it does besides products (40 000 rows, 256 features). Labels of all rows, which every
process holds, are not counted.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from perceptron_pruning.embeddings.metrics.costs import covering_cost, near_duplicates_cost
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime.cost import Cost, ProblemSize
from perceptron_pruning.embeddings.runtime.settings import KMeansSettings, ScoreSettings
from perceptron_pruning.output.tables import Row, write_table

ON_ONE_CORE = 5e9  # flop/s of a selection, which multiplies all rows of a class with one at a time: as fast as memory
BYTES_PER_SECOND = 1e9  # that a host reads, and that it receives
STORED_BYTES = 2  # of a number


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Embeddings, and the hosts that share them.

    Attributes:
        n_rows, n_features, n_classes, n_clusters, n_test: n, d, C, k and test rows.
        hosts: Number of hosts.
        cores: Of a host.
        core_flops: Flop/s of one core in matrix products.
        keep_fraction: Of the selections.
        steps: Of Lloyd's algorithm.
    """

    n_rows: float = 2e9
    n_features: int = 768
    n_classes: int = 1000
    n_clusters: int = 50_000
    n_test: int = 50_000
    hosts: int = 256
    cores: int = 64
    core_flops: float = 2.5e10
    keep_fraction: float = 0.5
    steps: int = 20

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"`{name}` must be > 0; got {value}")

    def size(self) -> ProblemSize:
        """The numbers that costs of one host depend on."""
        return ProblemSize(
            n=round(self.n_rows / self.hosts),
            d=self.n_features,
            n_test=self.n_test,
            n_classes=self.n_classes,
            n_clusters=self.n_clusters,
            loaded_bytes=0,
            sent_bytes=STORED_BYTES,
            n_all=round(self.n_rows),
            processes=self.hosts,
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one host does for a piece of work.

    Attributes:
        work: Metrics, or what is searched or selected.
        hosts: Their number.
        flops: Of a host.
        read_bytes, received_bytes, held_bytes: Of a host.
        hours: The longer of arithmetic and reading, which overlap, and then what is received.
    """

    work: str
    hosts: int
    flops: float
    read_bytes: float
    received_bytes: float
    held_bytes: float
    hours: float


def plans(problem: Problem) -> Iterator[Plan]:
    """A plan for every piece of work."""
    settings = ScoreSettings(kmeans=KMeansSettings(n_clusters=problem.n_clusters, iterations=problem.steps))
    for family in FAMILIES:
        names = set(family.metrics)
        yield _plan(", ".join(family.metrics), lambda size, f=family, n=names: f.cost(size, settings, n), problem)
    yield _plan("near_duplicates", near_duplicates_cost, problem)
    yield _plan("k_centre, herding", lambda size: covering_cost(size, problem.keep_fraction), problem)


def _plan(work: str, cost_of: Callable[[ProblemSize], Cost], problem: Problem) -> Plan:
    size = problem.size()
    cost = cost_of(size)
    assert cost.flops is not None
    read = cost.passes * size.n * problem.n_features * STORED_BYTES
    rate = ON_ONE_CORE if work.startswith("k_centre") else problem.core_flops * problem.cores
    return Plan(
        work=work,
        hosts=problem.hosts,
        flops=cost.flops,
        read_bytes=read,
        received_bytes=cost.received_bytes,
        held_bytes=cost.state_bytes,
        hours=(max(cost.flops / rate, read / BYTES_PER_SECOND) + cost.received_bytes / BYTES_PER_SECOND) / 3600,
    )


def rows(problem: Problem) -> list[Row]:
    """The plans as a table; Pflop, TB, GB and hours of a host."""
    return [
        {
            "work": plan.work.replace(", ", " "),
            "hosts": plan.hosts,
            "pflop": float(f"{plan.flops / 1e15:.3g}"),
            "read_tb": float(f"{plan.read_bytes / 1e12:.3g}"),
            "received_tb": float(f"{plan.received_bytes / 1e12:.3g}"),
            "held_gb": float(f"{plan.held_bytes / 1e9:.3g}"),
            "hours": float(f"{plan.hours:.3g}"),
        }
        for plan in plans(problem)
    ]


def main() -> None:
    """Writes the table for three numbers of hosts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("many_hosts.csv"))
    defaults = asdict(Problem())
    for name, value in defaults.items():
        if name != "hosts":
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--hosts", type=int, nargs="+", default=[16, 64, 256])
    given = vars(parser.parse_args())
    problem = Problem(**{name: given[name] for name in defaults if name != "hosts"})
    write_table(given["output"], [row for hosts in given["hosts"] for row in rows(replace(problem, hosts=hosts))])


if __name__ == "__main__":
    main()
