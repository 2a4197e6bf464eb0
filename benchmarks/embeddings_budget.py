"""All metrics of 200 000 x 768 in half precision, 100 classes, with a memory budget of 1 GB: time and peak memory.

    python benchmarks/embeddings_budget.py --folder /tmp/budget     # writes benchmarks/embeddings_budget.csv

The data are synthetic (class means and noise), made by this script and removed at the end. Every family of metrics runs
in a process of its own, and then all in one. Processor seconds are those of `score`; memory is the peak of the process
less what it held after its imports. Beside them the flops of the plan, and the rate that they make of the processor
seconds: what is not carried out counts (steps of k-means after it has converged, the other half of symmetric products).
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from machine import description, load

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime.cost import problem_size
from perceptron_pruning.output.tables import Row, write_table

ROWS, FEATURES, CLASSES, BUDGET = 200_000, 768, 100, 1e9
EVERYTHING = "all in one call"
WORK = {
    " ".join(family.metrics): family.metrics
    for family in FAMILIES
    if not family.test_set and (family.in_all or "margin_out_of_fold" in family.metrics)
}


def make(folder: Path) -> None:
    """Writes rows and labels in the order of the classes, as such files mostly are."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((CLASSES, FEATURES), dtype=np.float32)
    labels = np.sort(rng.integers(0, CLASSES, ROWS))
    np.save(folder / "labels.npy", labels)
    rows = np.lib.format.open_memmap(folder / "rows.npy", mode="w+", dtype=np.float16, shape=(ROWS, FEATURES))
    for start in range(0, ROWS, 8192):
        stop = min(start + 8192, ROWS)
        noise = rng.standard_normal((stop - start, FEATURES), dtype=np.float32)
        rows[start:stop] = means[labels[start:stop]] * 0.3 + noise
    rows.flush()


def measured(name: str, folder: Path) -> Row:
    """Time and memory of one family, or of all, in this process."""
    labels = np.load(folder / "labels.npy")
    held = status_bytes("VmHWM")
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
    flops = sum(family.cost(size, settings, set(scores) & set(family.metrics)).flops or 0.0 for family in asked)
    return {
        "metrics": name,
        "seconds": wall,
        "processor_seconds": processor,
        "tflop_of_the_plan": flops / 1e12,
        "gflops_of_a_processor": flops / processor / 1e9,
        "peak_gb_above_imports": (status_bytes("VmHWM") - held) / 1e9,
        "load": load(),
        "machine": description(),
    }


def status_bytes(name: str) -> float:
    """A quantity of memory of this process (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, arguments.folder)))
        return
    arguments.folder.mkdir(parents=True)
    try:
        make(arguments.folder)
        table = []
        for name in (*WORK, EVERYTHING):
            command = [sys.executable, __file__, "--folder", str(arguments.folder), "--only", name]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            table.append(json.loads(run.stdout.splitlines()[-1]))
            print(table[-1], flush=True)
            write_table(arguments.output, table)
    finally:
        shutil.rmtree(arguments.folder)


if __name__ == "__main__":
    main()
