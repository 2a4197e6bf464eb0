"""Prototypes of embeddings that no host can hold: how to start them, and what they will take.

Every process reads its own shards only. In a step of k-means it multiplies its rows with the k centroids and sends the
sums, k (d + 1) numbers in double precision, to all others; nothing else travels. By hand, on each of two hosts::

    perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --coordinator host0:9876 --num-processes 2 --process-id 0        # and 1 on the other

Under SLURM the three flags are found in the environment::

    #SBATCH --nodes=16 --ntasks-per-node=1 --exclusive
    srun perceptron-pruning score embeddings/ --metrics self_supervised_prototypes --n-clusters 50000 --start random \\
        --iterations 20 --output prototypes.parquet

Each process writes its part, `prototypes-00003-of-00016.parquet`. A process that dies ends all with an error within
seconds; the same command goes on at the last finished step.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """k-means of n × d embeddings on many hosts, at measured rates.

    Attributes:
        n_rows, n_features, n_clusters, steps: Of the work; the last pass measures the distances.
        hosts: Number of hosts.
        bytes_per_number: As stored.
        flops_per_second: Of a matrix product, on one host.
        read_bytes_per_second: Of one host.
        network_bytes_per_second: Of one host.
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
        """2 n d k for each step, and once more for the distances."""
        return 2.0 * self.n_rows * self.n_features * self.n_clusters * (self.steps + 1)

    @property
    def sent_bytes(self) -> float:
        """Bytes that each host receives: k (d + 1) doubles of every host, each step."""
        return 8.0 * self.n_clusters * (self.n_features + 1) * self.hosts * self.steps

    @property
    def memory_bytes(self) -> float:
        """Held by one process: sums and centroids, and a distance and a score for each of its rows."""
        return 24.0 * self.n_clusters * (self.n_features + 1) + 12.0 * self.n_rows / self.hosts

    @property
    def hours(self) -> float:
        """Arithmetic or reading, whichever is slower (they overlap), and the exchange."""
        work = self.flops / self.hosts / self.flops_per_second
        reading = self.stored_bytes * (self.steps + 1) / self.hosts / self.read_bytes_per_second
        return (max(work, reading) + self.sent_bytes / self.network_bytes_per_second) / 3600
