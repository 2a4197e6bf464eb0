"""The benchmark of accelerators at a tiny size: what it writes, that nothing is lost, and its count of the work."""

import time

import accelerator
import numpy as np
import pytest
import roofline
from accelerator_adapter import numpy_step

from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans
from perceptron_pruning.embeddings.runtime.settings import KMeansSettings
from perceptron_pruning.output.tables import read_table


def run(monkeypatch, path, *options):
    monkeypatch.setattr("sys.argv", ["accelerator.py", "--size", "tiny", "--table", str(path), *options])
    accelerator.main()
    return read_table(path)


def test_a_tiny_run_is_written_and_goes_on_where_it_was_stopped(monkeypatch, tmp_path):
    path = tmp_path / "accelerator.csv"

    def stopped(**arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(accelerator.MEASUREMENTS, "kmeans", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, path)
    before = read_table(path)
    assert [row["measurement"] for row in before] == ["numpy_engine", "student", "card"]
    student = before[1]
    assert (student["quick"], student["patient"], student["cpu"]) == (32, 0, 0)
    assert student["ratio_to_numpy"] == pytest.approx(
        student["trials_per_second"] / before[0]["trials_per_second"], rel=1e-4
    )
    assert student["share_of_bound"] > 0
    assert 0 < student["largest_difference"] < 1e-9
    assert path.with_suffix(".png").stat().st_size > 10_000
    after = run(monkeypatch, path, "--resume")
    assert sorted(row["measurement"] for row in after) == ["card", "kmeans", "numpy_engine", "student"]
    again = next(row for row in after if row["measurement"] == "student")
    assert again.pop("ratio_to_numpy") == pytest.approx(student.pop("ratio_to_numpy"), rel=1e-4)
    assert all(again[name] == value for name, value in student.items())
    assert all("cpu" in row["machine"] for row in after)


def test_nothing_starts_that_may_outlast_the_time(monkeypatch):
    """The second measurement is left out when less than the first one's time is left."""

    now = [0.0]

    def slow(**arguments):
        now[0] += 0.3
        return {"trials_per_second": 1.0}

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(accelerator, "card", lambda side: ({"measurement": "card"}, roofline.Rates(1.0, 1.0, 1.0)))
    monkeypatch.setitem(accelerator.MEASUREMENTS, "numpy_engine", slow)
    monkeypatch.setitem(accelerator.MEASUREMENTS, "student", lambda **_: pytest.fail("there was no time for it"))
    tables = list(accelerator.measured(accelerator.plan("tiny"), [], side=8, seconds=0.5))
    assert [row["measurement"] for row in tables[-1]] == ["numpy_engine", "card"]


def test_a_device_that_differs_from_the_cpu_ends_the_run(monkeypatch):
    right = accelerator.observables
    monkeypatch.setattr(accelerator, "observables", lambda *data: right(*data)._replace(margin=0.5))
    with pytest.raises(ArithmeticError, match=r"devices and CPU differ by .* on the same rows"):
        accelerator.end_to_end(accelerator.setting_of(8, 2.0), 4)


def test_work_of_a_trial_has_its_leading_terms():
    """Of products of matrices at large N: AᵀA and interior steps in single, the first inverse in double precision."""
    n, p = 4000, 8000
    steps = {"coarse_steps": 0, "interior_steps": 10, "exchanges": 0}
    work = roofline.trial_work(p, n, **steps)
    assert work.single == pytest.approx(2 * p * n**2 + 10 * (2 * p * n**2 + n**3 / 3), rel=0.01)
    assert work.double == pytest.approx((2 + 10 / 3) * n**3, rel=0.01)
    more = roofline.trial_work(p, n, **(steps | {"exchanges": 7}))
    assert more.bytes - work.bytes == pytest.approx(7 * 8 * (p * n + 12 * n**2))


def test_the_roofline_is_the_slower_of_transport_and_arithmetic():
    rates = roofline.Rates(bandwidth=10.0, single=4.0, double=2.0)
    assert roofline.Work(100.0, 4.0, 2.0).seconds(rates) == 10.0
    assert roofline.Work(10.0, 4.0, 8.0).seconds(rates) == 5.0


def test_numpys_step_of_kmeans_is_the_devices():
    values = np.random.default_rng(0).standard_normal((60, 3), dtype=np.float32)
    settings = KMeansSettings(n_clusters=5, iterations=1, tolerance=0)
    ours = fit_kmeans(array_rows(values), settings, centroids=values[:5].copy()).centroids
    assert numpy_step(values, values[:5]) == pytest.approx(ours, rel=1e-5, abs=1e-6)
