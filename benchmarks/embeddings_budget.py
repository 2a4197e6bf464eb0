"""All metrics of 200 000 x 768 in half precision, 100 classes, with a memory budget of 1 GB: time and peak memory.

    python benchmarks/embeddings_budget.py --folder /tmp/budget     # writes benchmarks/embeddings_budget.csv

The data are synthetic (class means and noise), made by this script and removed at the end. Every family of metrics runs
in a process of its own, and then all in one. Processor seconds are those of `score`; memory is the peak of the process
less what it held after its imports. Beside them what the plan said of both times, its flops, and the rate that they
make of the processor seconds: what is not carried out counts (steps of k-means after it has converged, the other half
of symmetric products, products that two rounds of subset heads share, gradients of rows that the bootstrap of a head
has not drawn).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from in_processes import peak_memory, run_stages, write_class_clusters
from machine import description, load

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime.cost import Estimate, matrix_rate, problem_size
from perceptron_pruning.output.tables import Row

ROWS, FEATURES, CLASSES, BUDGET = 200_000, 768, 100, 1e9
EVERYTHING = "all in one call"
WORK = {
    " ".join(family.metrics): family.metrics
    for family in FAMILIES
    if not family.test_set and (family.in_all or "margin_out_of_fold" in family.metrics)
}


def measured(name: str, folder: Path) -> Row:
    """Time and memory of one family, or of all, in this process."""
    labels = np.load(folder / "labels.npy")
    held = peak_memory()
    wall, processor = time.perf_counter(), time.process_time()
    scores = score(
        folder / "rows.npy",
        labels,
        metrics="all" if name == EVERYTHING else WORK[name],
        out_of_fold=name == EVERYTHING,
        memory_budget=BUDGET,
    )
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    size, settings = problem_size(scores.context), scores.context.settings
    asked = [family for family in FAMILIES if set(family.metrics) & set(scores)]
    costs = [family.cost(size, settings, set(scores) & set(family.metrics)) for family in asked]
    flops, rate = sum(cost.flops or 0.0 for cost in costs), matrix_rate(scores.context.rows.dtype)
    estimates = [estimate for cost in costs if (estimate := Estimate.of(cost, scores.context, rate))]
    return {
        "metrics": name,
        "seconds": wall,
        "estimated_seconds": sum(estimate.wall_seconds for estimate in estimates),
        "processor_seconds": processor,
        "estimated_processor_seconds": sum(estimate.processor_seconds for estimate in estimates),
        "tflop_of_the_plan": flops / 1e12,
        "gflops_of_a_processor": flops / processor / 1e9,
        "peak_gb_above_imports": (peak_memory() - held) / 1e9,
        "load": load(),
        "machine": description(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--stages", nargs="+", default=[*WORK, EVERYTHING])
    parser.add_argument("--stage")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps(measured(arguments.stage, arguments.folder)))
        return

    def make(folder: Path) -> None:
        write_class_clusters(folder, ROWS, FEATURES, CLASSES)

    run_stages(__file__, arguments.stages, arguments.folder, make, arguments.output)


if __name__ == "__main__":
    main()
