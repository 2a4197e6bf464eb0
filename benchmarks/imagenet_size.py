"""Metrics at ImageNet's size: 1 281 167 x 2048 in half precision, 1000 classes, 5.2 GB on disk.

    python benchmarks/imagenet_size.py --folder /tmp/imagenet-size     # writes benchmarks/imagenet_size.csv

The data are synthetic (class means and noise), made by this script and removed at the end. Every stage runs in a
process of its own, whose peak memory is reported; the fraction of the matrix-product peak is that of the rate measured
in the same process just before.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from in_processes import peak_memory, run_stages, write_class_clusters
from machine import description

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans
from perceptron_pruning.embeddings.runtime.cost import matrix_rate
from perceptron_pruning.embeddings.runtime.progress import TerminalProgress
from perceptron_pruning.embeddings.runtime.settings import KMeansSettings
from perceptron_pruning.output.tables import Row

ROWS, FEATURES, CLASSES = 1_281_167, 2048, 1000
STAGES = ("supervised_prototypes", "assignment", "memorization")


def stage(name: str, folder: Path) -> Row:
    """One stage, with its wall and processor seconds and the peak memory of this process."""
    labels = np.load(folder / "labels.npy")
    rate = matrix_rate(np.dtype(np.float32))
    begun, processor = time.perf_counter(), time.process_time()
    flops = work(name, folder, labels)
    wall = time.perf_counter() - begun
    return {
        "stage": name,
        "rows": len(labels),
        "features": FEATURES,
        "seconds": wall,
        "processor_seconds": time.process_time() - processor,
        "peak_memory_gb": peak_memory() / 1e9,
        "matrix_gflops": rate / 1e9,
        "fraction_of_matrix_peak": flops / rate / wall,
        "machine": description(),
    }


def work(name: str, folder: Path, labels: np.ndarray) -> float:
    """Runs the stage; returns the flops of its matrix products."""
    n = len(labels)
    if name == "assignment":
        settings = KMeansSettings(n_clusters=CLASSES, start="random", iterations=1)
        fit_kmeans(open_rows(folder / "rows.npy"), settings, progress=TerminalProgress())
        return 2.0 * n * FEATURES * CLASSES
    scores = score(folder / "rows.npy", labels, metrics=name, progress=TerminalProgress())
    assert np.isfinite(scores[name]).all()
    return 4.0 * n * FEATURES**2 if name == "memorization" else 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--stages", nargs="+", default=STAGES)
    parser.add_argument("--stage")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("imagenet_size.csv"))
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps(stage(arguments.stage, arguments.folder)))
        return

    def make(folder: Path) -> None:
        write_class_clusters(folder, arguments.rows, FEATURES, CLASSES)

    run_stages(__file__, arguments.stages, arguments.folder, make, arguments.output)


if __name__ == "__main__":
    main()
