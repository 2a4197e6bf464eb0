"""What `recommend` says of its cost, and what it takes, on pools and settings of which none gave the rates.

    python benchmarks/recommend_cost.py [POOL ...]        # default all; writes recommend_cost.csv then

Synthetic pools are Gaussian classes of spread 1, whose means are ``hard`` times closer, with standard deviations
j^−decay along feature j. The rates in `perceptron_pruning/embeddings/recommendation/work.py` were fitted to other pools
of these kinds. Of three runs below 1.5 s the one of least processor time counts. What other processes take shows in
wall seconds, and in the estimate where they stop the call before it is said.
"""

import argparse
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import description, load
from recommend import all_rows

from perceptron_pruning.embeddings import recommend
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.output.tables import Row, write_table

TABLE = Path(__file__).with_suffix(".csv")
SHORT = 1.5  # seconds of a run that is repeated
FACTOR = 1.5  # that was asked for
CALM, CALM_FACTOR = "runs that had a core to themselves", 1.15  # wall over processor seconds, at most
CALLS: dict[str, dict[str, object]] = {
    "default": {},
    "quick": {"quick": True},
    "coverage": {"coverage": True},
    "3 folds": {"folds": 3},
    "one ridge, two fractions": {"ridges": [1e-3], "fractions": [0.3, 0.6]},
    "three ridges, four fractions": {"ridges": [1e-1, 1e-2, 1e-4], "fractions": [0.05, 0.2, 0.4, 0.6]},
    "coverage, 2 folds, one fraction": {"coverage": True, "folds": 2, "fractions": [0.3]},
    "quick, two_layer": {"quick": True, "student": "two_layer"},
    "quick, knn": {"quick": True, "student": "knn"},
    "knn": {"student": "knn"},
}
MOST_ROWS = {"quick, two_layer": 4000, "quick, knn": 8000, "knn": 4000}  # for whose sake nobody waits


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """A pool of Gaussian classes; see the module's docstring. ``tail``: largest over smallest class."""

    n: int
    d: int
    n_classes: int
    hard: float
    seed: int
    flips: float = 0.0
    decay: float = 0.5
    tail: float = 1.0

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings and labels."""
        rng = np.random.default_rng(self.seed)
        spread = np.arange(1, self.d + 1) ** -self.decay
        means = rng.normal(size=(self.n_classes, self.d)) * spread / self.hard
        share = self.tail ** (-np.arange(self.n_classes) / (self.n_classes - 1))
        labels = rng.choice(self.n_classes, self.n, p=share / share.sum())
        inputs = means[labels] + rng.normal(size=(self.n, self.d)) * spread
        return inputs.astype(np.float32), flipped(labels, self.flips, rng)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A pool drawn from a source of `benchmarks/recommend.py`."""

    source: str
    n: int
    seed: int
    flips: float = 0.0

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings and labels."""
        rows, labels = all_rows(self.source)
        rng = np.random.default_rng(self.seed)
        chosen = rng.permutation(len(rows))[: self.n]
        return rows[chosen], flipped(labels[chosen], self.flips, rng)


POOLS = {
    "Gaussian 300 x 20": Synthetic(n=300, d=20, n_classes=4, hard=1.5, seed=201),
    "Gaussian 500 x 400": Synthetic(n=500, d=400, n_classes=3, hard=3.0, seed=202),
    "Gaussian 900 x 100": Synthetic(n=900, d=100, n_classes=30, hard=2.0, seed=203),
    "Gaussian 2000 x 48, 10 % flipped": Synthetic(n=2000, d=48, n_classes=6, hard=2.5, seed=204, flips=0.1),
    "Gaussian 4500 x 24": Synthetic(n=4500, d=24, n_classes=12, hard=1.0, seed=205),
    "Gaussian 5500 x 128": Synthetic(n=5500, d=128, n_classes=5, hard=2.0, seed=206, decay=0.2),
    "Gaussian 10000 x 16": Synthetic(n=10_000, d=16, n_classes=15, hard=1.5, seed=207),
    "Gaussian 12000 x 200": Synthetic(n=12_000, d=200, n_classes=8, hard=3.0, seed=208),
    "Gaussian 7000 x 8": Synthetic(n=7000, d=8, n_classes=2, hard=1.0, seed=209),
    "Gaussian 3000 x 1000": Synthetic(n=3000, d=1000, n_classes=2, hard=3.0, seed=210),
    "Gaussian 8000 x 100, tail 10:1": Synthetic(n=8000, d=100, n_classes=30, hard=1.5, seed=211, tail=10.0),
    "digits 700": Drawn(source="digits", n=700, seed=301),
    "digits 1200, 5 % flipped": Drawn(source="digits", n=1200, seed=302, flips=0.05),
    "fashion 1800": Drawn(source="fashion", n=1800, seed=303),
    "wordnet 1200, 10 % flipped": Drawn(source="wordnet", n=1200, seed=304, flips=0.1),
    "resnet 2500": Drawn(source="resnet", n=2500, seed=305),
    "wordnet 7000": Drawn(source="wordnet", n=7000, seed=306),
    "pixels 4000": Drawn(source="pixels", n=4000, seed=307),
    "breast cancer 350": Drawn(source="cancer", n=350, seed=308),
    "fashion 12000": Drawn(source="fashion", n=12_000, seed=309),
    "resnet 11000, 10 % flipped": Drawn(source="resnet", n=11_000, seed=310, flips=0.1),
}


def flipped(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Labels of which about a share is drawn anew."""
    anew = rng.random(len(labels)) < share
    return np.where(anew, rng.integers(0, labels.max() + 1, len(labels)), labels)


class Heard(NoProgress):
    """Keeps the plan."""

    said = ""

    def say(self, text: str) -> None:
        self.said = text


def said_seconds(text: str) -> float:
    """The estimate."""
    found = re.search(r"about (\S+) (s|min|h) on one core", text)
    assert found, text
    return float(found[1]) * {"s": 1.0, "min": 60.0, "h": 3600.0}[found[2]]


def measured(rows: np.ndarray, labels: np.ndarray, call: dict[str, object]) -> Row:
    """Seconds said and taken."""
    runs = []
    while len(runs) < 3 and (not runs or runs[-1][0] < SHORT):
        heard, wall, processor = Heard(), time.perf_counter(), time.process_time()
        recommend(rows, labels, progress=heard, **call)  # pyright: ignore[reportArgumentType]
        runs.append((time.process_time() - processor, time.perf_counter() - wall, heard.said))
    processor, wall, text = min(runs)
    said = said_seconds(text)
    return {
        "said": said,
        "processor": round(processor, 3),
        "wall": round(wall, 3),
        "said_over_processor": round(said / processor, 2),
        "said_over_wall": round(said / wall, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="*", default=list(POOLS))
    names = parser.parse_args().pools
    rows, labels = POOLS["Gaussian 300 x 20"].rows()
    measured(rows, labels, {})  # imports
    table: list[Row] = []
    for name in names:
        rows, labels = POOLS[name].rows()
        for call, arguments in CALLS.items():
            if len(rows) > MOST_ROWS.get(call, len(rows)):
                continue
            size = {"rows": len(rows), "features": rows.shape[1], "classes": int(labels.max()) + 1}
            table.append({"pool": name, "call": call, **size, **measured(rows, labels, arguments)})
            print(table[-1], flush=True)
    for line in (notes := summary(table)):
        print(line)
    if names == list(POOLS):
        write_table(TABLE, table, comments=[f"{description()}; load {load()}", *notes])


def has_a_core(row: Row) -> bool:
    """Whether other processes left the run a core."""
    return float(str(row["wall"])) <= CALM_FACTOR * float(str(row["processor"]))


def summary(table: list[Row]) -> list[str]:
    """Of every call and of all: share within the factor, range of said over processor seconds."""
    lines = []
    for call in ["all", CALM, *CALLS]:
        rows = [row for row in table if call in ("all", row["call"]) or (call == CALM and has_a_core(row))]
        if not rows:
            continue
        ratios = {key: np.array([row[f"said_over_{key}"] for row in rows], float) for key in ("processor", "wall")}
        within = {key: int(np.sum((r >= 1 / FACTOR) & (r <= FACTOR))) for key, r in ratios.items()}
        low, middle, high = np.quantile(ratios["processor"], [0.1, 0.5, 0.9])
        lines.append(
            f"{call}: within {FACTOR} x of {within['processor']} (processor) and {within['wall']} (wall) "
            f"of {len(rows)}; said over processor seconds {ratios['processor'].min():.2f} to "
            f"{ratios['processor'].max():.2f}, tenths and median {low:.2f} {middle:.2f} {high:.2f}"
        )
    return lines


if __name__ == "__main__":
    main()
