"""k-means against faiss, naive loops and itself in other arrangements, on real embeddings."""

import os
import subprocess
import sys

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist, score
from perceptron_pruning.embeddings.io.rows import Rows, array_rows
from perceptron_pruning.embeddings.io.shards import ArrayShard
from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans
from perceptron_pruning.embeddings.metrics.kmeans.start import plus_plus
from perceptron_pruning.embeddings.runtime.settings import KMeansSettings, ScoreSettings

faiss = pytest.importorskip("faiss", exc_type=ImportError)


@pytest.fixture(scope="module")
def pool():
    return load_fashion_mnist().train_embeddings[:6000].astype(np.float32)


def settings(**options) -> KMeansSettings:
    return KMeansSettings(**{"n_clusters": 30, "iterations": 10, "tolerance": 0.0} | options)


def faiss_run(rows, start, steps, spherical=False):
    """Objective before each step, and the centroids after the last."""
    rival = faiss.Kmeans(
        rows.shape[1], len(start), niter=steps, spherical=spherical,
        max_points_per_centroid=10**6, min_points_per_centroid=1,
    )  # fmt: skip
    rival.train(rows, init_centroids=start)
    return (2 * (len(rows) - rival.obj) if spherical else rival.obj), rival.centroids  # spherical: similarities


@pytest.mark.parametrize("spherical", [False, True], ids=["plain", "spherical"])
def test_objective_is_that_of_faiss_from_the_same_start(pool, spherical):
    rows = pool / np.linalg.norm(pool, axis=1, keepdims=True) if spherical else pool
    centroids = rows[:30]
    for _ in range(5):
        objective, moved = faiss_run(rows, centroids, 1, spherical)
        fitted = fit_kmeans(array_rows(pool), settings(spherical=spherical, iterations=1), centroids=centroids)
        np.testing.assert_allclose(fitted.history, objective, rtol=1e-5)  # faiss adds it up in single precision
        np.testing.assert_allclose(fitted.centroids, moved, atol=2e-3 * np.abs(rows).max())
        centroids = moved


def test_ten_steps_are_those_of_double_precision(pool):
    """A row on the edge between two clusters, rounded to the other side, changes all later steps: faiss leaves the
    exact path by up to 6e-5 of the objective. We must not leave it, nor differ from faiss by more than faiss does."""
    single = fit_kmeans(array_rows(pool), settings(), centroids=pool[:30]).history
    double = fit_kmeans(array_rows(pool.astype(np.float64)), settings(), centroids=pool[:30].astype(np.float64)).history
    rival, _ = faiss_run(pool, pool[:30], 10)
    np.testing.assert_allclose(single, double, rtol=2e-7)
    assert np.abs(single / rival - 1).max() <= 1e-5 + np.abs(double / rival - 1).max()
    assert single[-1] < 0.99 * single[0]


def test_faiss_as_the_engine_gives_the_same(pool):
    ours = fit_kmeans(array_rows(pool), settings(iterations=3), centroids=pool[:30])
    theirs = fit_kmeans(array_rows(pool), settings(engine="faiss", iterations=3), centroids=pool[:30])
    np.testing.assert_allclose(ours.history, theirs.history, rtol=1e-6)


def test_a_step_by_explicit_loop():
    rows = load_fashion_mnist().train_embeddings[:300, :8]
    fitted = fit_kmeans(array_rows(rows), settings(n_clusters=5, iterations=2), centroids=rows[:5])
    centroids = rows[:5]
    for step in range(2):
        distances = np.linalg.norm(rows[:, None] - centroids, axis=2)
        assert fitted.history[step] == pytest.approx((distances.min(axis=1) ** 2).sum(), rel=1e-12)
        centroids = np.array([rows[distances.argmin(axis=1) == k].mean(axis=0) for k in range(5)])
    np.testing.assert_allclose(fitted.centroids, centroids, rtol=1e-12)


def test_an_empty_cluster_begins_at_the_farthest_row(pool):
    start = np.vstack([pool[:4], np.full((1, pool.shape[1]), 1e3, np.float32)])
    one = fit_kmeans(array_rows(pool), settings(n_clusters=5, iterations=1), centroids=start)
    distances = np.linalg.norm(pool[:, None] - start[None, :4], axis=2).min(axis=1)
    np.testing.assert_array_equal(one.centroids[4], pool[distances.argmax()])
    assert one.reseeded == 1
    later = fit_kmeans(array_rows(pool), settings(n_clusters=5, iterations=20), centroids=start)
    assert later.counts.min() > 0


def test_spherical_scores_are_distances_not_similarities(pool):
    name = "self_supervised_prototypes"
    scores = score(pool, metrics=name, settings=_score_settings(spherical=True, n_clusters=1))[name]
    unit = pool / np.linalg.norm(pool, axis=1, keepdims=True)
    mean = unit.mean(axis=0) / np.linalg.norm(unit.mean(axis=0))
    np.testing.assert_allclose(scores, np.sqrt(2 - 2 * (unit @ mean).clip(max=1)), atol=1e-3)
    assert np.corrcoef(scores, unit @ mean)[0, 1] < -0.9


def _score_settings(**options):
    return ScoreSettings(kmeans=KMeansSettings(**options))


def test_plus_plus_is_better_than_random(pool):
    def objective(start):
        return np.mean(
            [fit_kmeans(array_rows(pool), settings(start=start, iterations=1), seed=s).history[0] for s in range(5)]
        )

    assert objective("k-means++") < 0.97 * objective("random")


def test_plus_plus_takes_distinct_rows():
    rows = np.repeat(np.arange(4.0), 5)[:, None]
    assert set(plus_plus(rows, 4, seed=0).ravel()) == {0, 1, 2, 3}
    with pytest.raises(ValueError, match="`n_clusters` = 5 leaves a cluster empty"):
        plus_plus(rows, 5, seed=0)


def test_shards_do_not_matter(pool):
    parts = Rows(tuple(ArrayShard(part) for part in np.split(pool, [100, 4097])))
    whole, sharded = (fit_kmeans(rows, settings()) for rows in (array_rows(pool), parts))
    np.testing.assert_array_equal(whole.centroids, sharded.centroids)


@pytest.mark.slow
def test_two_devices_give_the_same():
    """The rows of a block are shared among the devices of the process."""
    script = (
        "import jax, numpy as np\n"
        "from perceptron_pruning.embeddings import load_fashion_mnist\n"
        "from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans\n"
        "from perceptron_pruning.embeddings.runtime.settings import KMeansSettings\n"
        "from perceptron_pruning.embeddings.io.rows import array_rows\n"
        "rows = array_rows(load_fashion_mnist().train_embeddings[:2000])\n"
        "fitted = fit_kmeans(rows, KMeansSettings(n_clusters=7, iterations=5, tolerance=0))\n"
        "print(len(jax.local_devices()), *map(repr, fitted.history.tolist()))"
    )
    outputs = []
    for count in (1, 2):
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}", "JAX_PLATFORMS": "cpu"}
        run = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ | flags
        )
        assert run.returncode == 0, run.stderr
        outputs.append([float(word) for word in run.stdout.split()])
    assert [int(o[0]) for o in outputs] == [1, 2]
    np.testing.assert_allclose(outputs[0][1:], outputs[1][1:], rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "`n_clusters` must be at least 1; got 0"),
        ({"start": "best"}, "`start` must be one of k-means[+][+], random; got best"),
        ({"engine": "gpu"}, "`engine` must be one of jax, faiss; got gpu"),
        ({"iterations": 0}, "`iterations` must be at least 1; got 0"),
        ({"tolerance": -1.0}, "`tolerance` must be at least 0"),
    ],
    ids=["clusters", "start", "engine", "iterations", "tolerance"],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        KMeansSettings(**options)


def test_more_clusters_than_rows_are_refused(pool):
    with pytest.raises(ValueError, match=r"`n_clusters` must be in \[1, 10\], the number of rows; got 11"):
        fit_kmeans(array_rows(pool[:10]), settings(n_clusters=11))


def test_a_zero_row_has_no_direction(pool):
    rows = pool[:50].copy()
    rows[7] = 0
    with pytest.raises(ValueError, match="`spherical` needs rows of positive length; row 7"):
        fit_kmeans(array_rows(rows), settings(n_clusters=3, spherical=True))
