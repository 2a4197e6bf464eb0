"""k-means prototypes of embeddings that no host can hold: the commands, and a model of the time they take.

Every process reads its own shards only. In a step of k-means it multiplies its rows with the k centroids and sends the
sums, k (d + 1) numbers in double precision, to all others; nothing else travels. By hand, on each of two hosts::

    perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --coordinator host0:9876 --num-processes 2 --process-id 0        # and 1 on the other

Under SLURM the three flags come from the environment::

    #SBATCH --nodes=16 --ntasks-per-node=1 --exclusive
    srun perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --iterations 20 --output prototypes.parquet

Each process writes its part, `prototypes-00003-of-00016.parquet`. A process that dies ends all with an error within
seconds; the same command resumes at the last finished step.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ManyHostsPlan:
    """Time and memory of k-means of n × d embeddings on many hosts, at measured rates.

    Attributes:
        n_rows, n_features, n_clusters: n, d, k.
        hosts: Number of hosts, a process each.
        flops_per_second: Rate of a matrix product on one host.
        steps: Steps of Lloyd's algorithm; one more pass measures the distances.
        bytes_per_number: Bytes of a number as stored.
        read_bytes_per_second: Rate at which one host reads its shards.
        network_bytes_per_second: Rate at which one host receives.
    """

    n_rows: float
    n_features: int
    n_clusters: int
    hosts: int
    flops_per_second: float
    steps: int = 20
    bytes_per_number: int = 2
    read_bytes_per_second: float = 1e9
    network_bytes_per_second: float = 1e9

    def __post_init__(self):
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"`{name}` must be > 0; got {value}")

    @property
    def stored_bytes(self) -> float:
        """Bytes of all embeddings."""
        return self.n_rows * self.n_features * self.bytes_per_number

    @property
    def flops(self) -> float:
        """2 n d k (steps + 1)."""
        return 2.0 * self.n_rows * self.n_features * self.n_clusters * (self.steps + 1)

    @property
    def received_bytes(self) -> float:
        """Bytes that each host receives: 8 k (d + 1) of every host in every step."""
        return 8.0 * self.n_clusters * (self.n_features + 1) * self.hosts * self.steps

    @property
    def memory_bytes(self) -> float:
        """Bytes held by one process: 24 k (d + 1) of sums and centroids, and 12 for each of its rows."""
        return 24.0 * self.n_clusters * (self.n_features + 1) + 12.0 * self.n_rows / self.hosts

    @property
    def hours(self) -> float:
        """Time: the slower of arithmetic and reading, which overlap, and then the exchange."""
        work = self.flops / self.hosts / self.flops_per_second
        reading = self.stored_bytes * (self.steps + 1) / self.hosts / self.read_bytes_per_second
        return (max(work, reading) + self.received_bytes / self.network_bytes_per_second) / 3600
