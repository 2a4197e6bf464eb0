"""What one solution of `risk_on_data` costs, beside the Gram product of its rows.

    python benchmarks/data_risk.py      # a minute of one core; writes data_risk.csv

Rows: two classes of Fashion-MNIST by ResNet-18 (2600 rows, 64 leading principal components, whitened or not) and two
of EfficientNet-lite's by all components they have (3000 rows, d = 256), by each loss, at a ridge of .05 and of .002 of
the mean loss, all rows kept alike or the half with the smaller margins of a probe. Medians of several repeats that
alternate over all settings. Milliseconds of the processor, one thread. ``gram_products`` is the time over that of one
product zᵀ diag(r) z of all rows, in double precision, at the same moments.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from machine import description, load

from perceptron_pruning.datasets.loaders import load_fashion_mnist, load_fashion_mnist_resnet
from perceptron_pruning.output.tables import Row, write_table
from replica_theory import risk_on_data
from replica_theory.losses import LossName

LOSSES: tuple[LossName, ...] = ("square", "logistic", "hinge", "squared_hinge")
RIDGES, N_KEPT, REPEATS = (0.05, 0.002), 512, 15
POOLS = {
    "resnet, components": (load_fashion_mnist_resnet, (2, 4), 2600, 64, False),
    "resnet, whitened": (load_fashion_mnist_resnet, (2, 4), 2600, 64, True),
    "efficientnet, components": (load_fashion_mnist, (7, 9), 2900, 256, False),
}
FOLDER = Path(__file__).parent


def pool(load_data: Callable, classes: tuple[int, int], n: int, d: int, whitened: bool) -> tuple[np.ndarray, ...]:
    """Rows (n, d) in their leading components, labels, and margins of a probe."""
    data, rng = load_data(), np.random.default_rng(0)
    chosen = rng.permutation(np.flatnonzero(np.isin(data.train_labels, classes)))[:n]
    rows = data.train_embeddings[chosen].astype(float)
    labels = np.where(data.train_labels[chosen] == classes[0], -1.0, 1.0)
    rows -= rows.mean(axis=0)
    variance, directions = np.linalg.eigh(np.cov(rows.T))
    variance, directions = variance[: -d - 1 : -1], directions[:, : -d - 1 : -1]
    rows = rows @ (directions / np.sqrt(variance if whitened else variance.mean()))
    seen = rng.permutation(n)[:300]
    probe = np.linalg.solve(rows[seen].T @ rows[seen] + 30 * np.eye(d), rows[seen].T @ labels[seen])
    return rows, labels, np.abs(rows @ probe)


def processor_milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def main() -> None:
    pools = {name: pool(*settings) for name, settings in POOLS.items()}
    cells: list[tuple[str, str, LossName, float]] = [
        (name, rule, loss, ridge)
        for name in pools
        for rule in ("all rows", "hardest half")
        for loss in LOSSES
        for ridge in RIDGES
    ]
    times: dict[tuple, list[float]] = {cell: [] for cell in cells}
    products: dict[str, list[float]] = {name: [] for name in pools}
    for _ in range(REPEATS):
        for cell in cells:
            name, rule, loss, ridge = cell
            rows, labels, margins = pools[name]
            q = np.ones(len(rows)) if rule == "all rows" else (margins <= np.median(margins)).astype(float)
            times[cell].append(
                processor_milliseconds(
                    lambda rows=rows, labels=labels, q=q, loss=loss, ridge=ridge: risk_on_data(
                        rows, labels, keep_probability=q, n_kept=N_KEPT, loss=loss, ridge=ridge
                    )
                )
            )
            weight = q + 0.5
            products[name].append(processor_milliseconds(lambda rows=rows, r=weight: (rows.T * r) @ rows))
    table: list[Row] = []
    for name, rule, loss, ridge in cells:
        milliseconds = float(np.median(times[name, rule, loss, ridge]))
        table.append(
            {
                "rows": name,
                "n": len(pools[name][0]),
                "d": pools[name][0].shape[1],
                "kept": rule,
                "loss": loss,
                "ridge": ridge,
                "milliseconds": milliseconds,
                "gram_products": milliseconds / float(np.median(products[name])),
                "load": load(),
                "machine": description(),
            }
        )
        print(*(f"{k} {v:.3g}" if isinstance(v, float) else v for k, v in table[-1].items() if k != "machine"))
    write_table(FOLDER / "data_risk.csv", table)


if __name__ == "__main__":
    main()
