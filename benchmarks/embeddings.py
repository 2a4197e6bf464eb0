"""The metrics on 20 000 x 1280 embeddings, and k-means and the heads against rivals in the same run.

    python benchmarks/embeddings.py --embeddings rows.npy --labels labels.npy \
        --test-embeddings test_rows.npy --test-labels test_labels.npy        # writes benchmarks/embeddings*.csv

Every metric is computed twice: the first time compiles. Times are wall and processor seconds; with other work on the
machine only the latter, and ratios, mean something. Rivals alternate with us and the smallest of several times counts.
The embeddings of the tables are Fashion-MNIST through EfficientNet-Lite0 at 96 px before any rotation
(`make_fashion_mnist.embed`): 20 000 training and 5000 test images, 1280 features, single precision.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

import numpy as np
from machine import description

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime.cost import matrix_rate, problem_size
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, ScoreSettings
from perceptron_pruning.output.tables import Row, write_table

HERE = Path(__file__).parent
REPEATS = 5  # rounds of the rivals in turn
Result = TypeVar("Result")


class Data(TypedDict):
    """The arguments of `score`."""

    embeddings: np.ndarray
    labels: np.ndarray
    test_embeddings: np.ndarray
    test_labels: np.ndarray


def timed(work: Callable[[], Result]) -> tuple[Result, float, float]:
    """Result, wall seconds, processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor


def metric_rows(data: Data) -> list[Row]:
    """Times and costs, a row for each family of metrics."""
    rate = matrix_rate(np.dtype(np.float32))
    table = []
    for family in FAMILIES:
        scores, first, _ = timed(lambda family=family: score(**data, metrics=family.metrics))
        _, wall, processor = timed(lambda family=family: score(**data, metrics=family.metrics))
        cost = family.cost(problem_size(scores.context), scores.context.settings, set(family.metrics))
        assert cost.flops is not None
        row = {
            "metrics": " ".join(family.metrics),
            "first_seconds": first,
            "seconds": wall,
            "processor_seconds": processor,
            "tflop": cost.flops / 1e12,
            "fraction_of_matrix_peak": cost.flops / rate / wall,
            "machine": description(),
        }
        print(row, flush=True)
        table.append(row)
    everything, wall, processor = timed(lambda: score(**data))
    assert len(everything) == sum(len(family.metrics) for family in FAMILIES)
    table.append(table[0] | {"metrics": "all in one call", "first_seconds": wall, "seconds": wall,
                             "processor_seconds": processor, "tflop": 0.0, "fraction_of_matrix_peak": 0.0})  # fmt: skip
    print(table[-1], flush=True)
    return table


def kmeans_rows() -> list[Row]:
    """Seconds an iteration at 100 000 x 512, k = 200, from the same start; and the objective after ten."""
    import faiss
    from sklearn.cluster import KMeans, MiniBatchKMeans  # pyright: ignore[reportMissingImports]

    rows = np.random.default_rng(0).standard_normal((100_000, 512), dtype=np.float32)
    start, steps = rows[:200].copy(), 10
    kept = array_rows(rows)
    options: dict[str, Any] = {"init": start, "n_init": 1}  # scikit-learn's stubs know only strings

    def ours(engine: Literal["jax", "faiss"] = "jax"):
        settings = KMeansSettings(n_clusters=200, iterations=steps, tolerance=0, engine=engine)
        return fit_kmeans(kept, settings, centroids=start).history[-1]

    def by_faiss():
        rival = faiss.Kmeans(512, 200, niter=steps, max_points_per_centroid=10**9, min_points_per_centroid=1)
        rival.train(rows, init_centroids=start)
        return np.asarray(rival.obj)[-1]

    def by_sklearn():
        return KMeans(200, **options, max_iter=steps, tol=0, algorithm="lloyd").fit(rows).inertia_

    def by_minibatches():
        return MiniBatchKMeans(200, **options, max_iter=1, batch_size=4096).fit(rows).inertia_

    engines = {
        "perceptron_pruning": ours,
        "perceptron_pruning, faiss engine": lambda: ours("faiss"),
        "faiss-cpu": by_faiss,
        "scikit-learn Lloyd": by_sklearn,
        "scikit-learn mini-batch, one epoch": by_minibatches,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    objectives = {name: float(work()) for name, work in engines.items()}  # compiles
    for _ in range(REPEATS):
        for name, work in engines.items():
            times[name].append(timed(work)[1:])
    table = []
    for name in engines:
        wall, processor = np.array(times[name]).T / (1 if "mini" in name else steps)
        rival = np.array(times["faiss-cpu"]).T / steps
        table.append(
            {
                "engine": name,
                "seconds_per_iteration": wall.min(),
                "median": np.median(wall),
                "processor_seconds_per_iteration": processor.min(),
                "ratio_to_faiss": wall.min() / rival[0].min(),
                "median_ratio_in_the_same_round": np.median(wall / rival[0]),
                "processor_ratio_to_faiss": processor.min() / rival[1].min(),
                "objective": objectives[name],
                "machine": description(),
            }
        )
        print(table[-1], flush=True)
    return table


def head_rows(data: Data) -> list[Row]:
    """Twenty heads together against a loop over twenty."""
    together = HeadSettings(n_models=20)
    alone = HeadSettings(n_models=1)

    def run(heads: HeadSettings, seed: int = 0):
        return score(
            data["embeddings"], data["labels"], metrics=["el2n", "ddd"], settings=ScoreSettings(heads=heads, seed=seed)
        )

    for heads in (together, alone):
        run(heads)  # compiles
    _, wall, processor = timed(lambda: run(together))
    _, loop_wall, loop_processor = timed(lambda: [run(alone, seed) for seed in range(20)])
    row = {
        "heads": 20,
        "seconds": wall,
        "processor_seconds": processor,
        "loop_seconds": loop_wall,
        "loop_processor_seconds": loop_processor,
        "speed_up": loop_wall / wall,
        "machine": description(),
    }
    print(row, flush=True)
    return [row]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("embeddings", "labels", "test-embeddings", "test-labels"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    data = Data(
        embeddings=np.load(arguments.embeddings),
        labels=np.load(arguments.labels),
        test_embeddings=np.load(arguments.test_embeddings),
        test_labels=np.load(arguments.test_labels),
    )
    write_table(HERE / "embeddings_kmeans.csv", kmeans_rows())
    write_table(HERE / "embeddings_heads.csv", head_rows(data))
    write_table(HERE / "embeddings.csv", metric_rows(data))


if __name__ == "__main__":
    main()
