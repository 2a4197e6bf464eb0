"""Stages of a benchmark on synthetic rows, each in a process of its own, whose peak memory is then its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from perceptron_pruning.output.tables import Row, write_table


def write_class_clusters(folder: Path, n_rows: int, n_features: int, n_classes: int) -> None:
    """Rows in half precision, class means and noise, and labels in the order of the classes, as in most files."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((n_classes, n_features), dtype=np.float32)
    labels = np.sort(rng.integers(0, n_classes, n_rows))
    np.save(folder / "labels.npy", labels)
    rows = np.lib.format.open_memmap(folder / "rows.npy", mode="w+", dtype=np.float16, shape=(n_rows, n_features))
    for start in range(0, n_rows, 8192):
        stop = min(start + 8192, n_rows)
        noise = rng.standard_normal((stop - start, n_features), dtype=np.float32)
        rows[start:stop] = means[labels[start:stop]] * 0.3 + noise
    rows.flush()


def peak_memory() -> float:
    """Largest resident memory of this process since it began, bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def run_stages(script: str, stages: Iterable[str], folder: Path, make: Callable[[Path], None], table: Path) -> None:
    """Makes the rows, runs the script once for each ``--stage``, which prints its row, and removes the rows."""
    folder.mkdir(parents=True)
    try:
        make(folder)
        rows: list[Row] = []
        for stage in stages:
            command = [sys.executable, script, "--folder", str(folder), "--stage", stage]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append(json.loads(run.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
            write_table(table, rows)
    finally:
        shutil.rmtree(folder)
