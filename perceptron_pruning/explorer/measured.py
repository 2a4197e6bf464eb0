"""The theory on embeddings of one's own: their measured law, and errors of students on pruned pools of any size.

Two classes at a time, as the theory of rows has it: the two that are most alike, whose means lie nearest. A quarter of
their rows trains the probe and is then left out. Nothing is fitted to students.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.experiments.pilot_forecasts import Pilot, plane, whole_law
from perceptron_pruning.experiments.two_class import logistic_student
from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, short
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

RIDGE = 0.05  # λ of probe and students, whose risk is divided by the number of features
_FRACTION = 0.5
_MOST_ROWS, _MOST_FEATURES, _LEAST_ROWS = 3000, 40, 120
_SIZES = 14  # of pools, from two rows a feature to the rows at hand
_BULK = 10  # features below which a plane leaves no bulk
_LABELS = {"hardest": "hard", "easiest": "easy", "random": "random"}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two classes of embeddings as students see them.

    Attributes:
        names: The labels of the classes; the second is +1.
        pilot: Rows, and the probe that ranks them.
        spectrum: Variances of all features, descending, of mean 1.
    """

    names: tuple[str, str]
    pilot: Pilot
    spectrum: np.ndarray


def pair_of(embeddings: Any, labels: Any) -> Pair:
    """The two classes that are most alike, on their leading principal components.

    Raises:
        ValueError: No two classes have enough rows, or the embeddings are not finite.
    """
    rows, rng = open_rows(embeddings), np.random.default_rng(0)
    classes, names = encoded(labels, len(rows))
    first, second = _most_alike(rows, classes, rng)
    chosen = rng.permutation(np.flatnonzero((classes == first) | (classes == second)))[:_MOST_ROWS]
    chosen = np.sort(chosen)
    values = _finite(rows, chosen)
    signs = np.where(classes[chosen] == second, 1.0, -1.0)
    centred = values - values.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1][:, :_MOST_FEATURES]
    inputs = centred @ axes / math.sqrt(variances[:_MOST_FEATURES].mean())
    trains = rng.random(len(signs)) < 0.25
    probe = logistic_student(inputs[trains], signs[trains], RIDGE)
    pilot = Pilot(inputs=inputs[~trains], labels=signs[~trains], probe=probe / np.linalg.norm(probe))
    return Pair(names=(str(names[first]), str(names[second])), pilot=pilot, spectrum=variances / variances.mean())


def _most_alike(rows: Rows, classes: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """The two classes of least distance between their means, among those that have enough rows."""
    large = np.flatnonzero(np.bincount(classes) >= _LEAST_ROWS // 2)
    if len(large) < 2:
        raise ValueError(f"two classes must have {_LEAST_ROWS // 2} rows each")
    some = [rng.permutation(np.flatnonzero(classes == one))[: _MOST_ROWS // len(large) + 10] for one in large]
    means = np.stack([_finite(rows, np.sort(ones)).mean(axis=0) for ones in some])
    distance = np.linalg.norm(means[:, None] - means[None], axis=2) + np.diag(np.full(len(large), np.inf))
    one, other = sorted(np.unravel_index(distance.argmin(), distance.shape))
    return int(large[one]), int(large[other])


def _finite(rows: Rows, chosen: np.ndarray) -> np.ndarray:
    values = np.asarray(rows.take(chosen), dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("`embeddings` must be finite")
    return values


def rules() -> dict[str, Selection]:
    return {"hardest": KeepHardest(_FRACTION), "easiest": KeepEasiest(_FRACTION), "random": KeepRandom(_FRACTION)}


def errors(pair: Pair) -> Chart:
    """Errors of students on half of a pool: from the rows themselves, and at any size from their plane and bulk."""
    pilot = pair.pilot
    n, d = pilot.inputs.shape
    sizes = np.unique(np.geomspace(min(2 * d, n / 2), n, _SIZES).round().astype(int))
    more = (n, n // 4, 2 * n, 4 * n)  # the first is where the dashed line stands
    setting = {"ridge": RIDGE, "rng": np.random.default_rng(0)}
    curves = {
        name: [_known(whole_law(pilot, rule, pool_size=size, **setting)) for size in sizes.tolist()]
        for name, rule in rules().items()
    }
    dots = [
        (name, size, plane(pilot, rule, pool_size=size, **setting))
        for size in (more if d >= _BULK else ())
        for name, rule in rules().items()
    ]
    told = sorted((curve[-1], _LABELS[name]) for name, curve in curves.items() if curve[-1] is not None)
    far = sorted((error, _LABELS[name]) for name, size, error in dots if size == more[-1] and math.isfinite(error))
    return Chart(
        title=f"{pair.names[0]} or {pair.names[1]}: test error when half of a pool is kept, by the size of the pool",
        sentence=f"Half of these {n} rows: ε = {_listed(told)}."
        + (f" Half of {more[-1]} such rows: {_listed(far)}." if far else ""),
        x=Axis("rows of the pool", "log", (float(sizes[0]), float(more[-1]))),
        y=Axis("ε, test error", "log"),
        series=[Series(name, _LABELS[name], sizes.tolist(), curve) for name, curve in curves.items()],
        marks=[Mark(name, float(size), error) for name, size, error in dots if math.isfinite(error)],
    )


def _listed(errors: list[tuple[float, str]]) -> str:
    return ", ".join(f"{short(error)} {name}" for error, name in errors)


def law(pair: Pair) -> Chart:
    """The spectrum of the rows."""
    spectrum = pair.spectrum[pair.spectrum > 1e-6 * pair.spectrum[0]]
    ranks = np.arange(1, len(spectrum) + 1)
    middle = slice(len(spectrum) // 20, max(3, len(spectrum) // 2))
    slope = float(np.polyfit(np.log(ranks[middle]), np.log(spectrum[middle]), 1)[0])
    effective = float(spectrum.sum() ** 2 / np.square(spectrum).sum())
    pilot = pair.pilot
    missed = float(np.mean(pilot.field * pilot.labels <= 0))
    return Chart(
        title="Measured law: variances of the principal components, of mean 1",
        sentence="",
        numbers=[
            ("features that count, (Σ s)²/Σ s²", f"{effective:.1f} of {len(pair.spectrum)}"),
            ("power of the spectrum", f"{slope:.2f}"),
            ("labels that the probe misses", f"{100 * missed:.1f} %"),
        ],
        x=Axis("rank", "log"),
        y=Axis("variance", "log"),
        series=[Series("plain", "", ranks.tolist(), spectrum.tolist())],
    )


def theory_of(embeddings: Any, labels: Any) -> dict[str, Any]:
    """Charts of the theory on two classes, and a line that says what they are."""
    pair = pair_of(embeddings, labels)
    n, d = pair.pilot.inputs.shape
    return {
        "about": f"Theory, nothing fitted: logistic students (ridge {RIDGE}) of the two classes most alike, on "
        f"their {d} leading components, ranked by a probe that was trained on other rows. Lines: risk_on_data, the law "
        f"of the {n} rows as they are, up to that size; dots: structured_risk, a measured plane and bulk, at any size.",
        "charts": [chart.as_json() for chart in (errors(pair), law(pair))],
    }


def _known(error: float) -> float | None:
    return error if math.isfinite(error) else None
