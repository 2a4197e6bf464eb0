"""Two classes of real embeddings as the perceptron of the theory: teacher, probe and students measured, nothing fitted.

Reality comes in steps, so that it shows which of them the theory does not bear:

1. ``gaussian``: inputs drawn from N(0, 1), labels of the teacher: the theory's own assumptions, the control.
2. ``real inputs``: the whitened embeddings, labels of the teacher: is Gaussian universality enough?
3. ``real labels``: the whitened embeddings with their own labels, which the teacher misses with probability η.
4. ``correlated``: the same without whitening.

Seeds differ by their probes more than by anything else: each student is predicted with the probe that pruned its pool.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.experiments.two_class_theories import THEORIES, View
from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

STEPS = ("gaussian", "real inputs", "real labels", "correlated")
OWN_LABELS = STEPS[2:]
RULES = ("random", "hard", "easy")
PROBE_RIDGE = 1e-2


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a student's training set is pruned by, and how it is trained.

    Attributes:
        rule: One of `RULES`.
        keep_fraction: f.
        label_aware: Whether the rule sees labels.
        ridge: λ of the logistic student, (1/N) Σ ln(1 + e^{−y w·x}) + (λ/2) ‖w‖².
    """

    rule: str
    keep_fraction: float
    label_aware: bool
    ridge: float

    @property
    def selection(self) -> Selection:
        """The rule."""
        if self.rule == "random":
            return KeepRandom(self.keep_fraction)
        return {"hard": KeepHardest, "easy": KeepEasiest}[self.rule](self.keep_fraction, self.label_aware)


@dataclass(frozen=True, kw_only=True)
class TwoClassSettings:
    """What `measure` runs.

    Attributes:
        classes: The two labels; the second is +1.
        n_features: N, leading principal components of the pair that are kept.
        alpha_prune: α, kept examples per feature.
        keep_fraction: f of the rules in every step.
        other_fractions: More of them, where labels are the rows' own.
        ridge: λ in every step.
        other_ridge: Another, where labels are the rows' own, if any.
        probe_rows: Examples, outside of the pool, on which the probe is trained.
        n_seeds: Each draws probe rows and pools.
    """

    classes: tuple[int, int]
    n_features: int = 64
    alpha_prune: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    keep_fraction: float = 0.5
    other_fractions: tuple[float, ...] = (0.2, 0.8)
    ridge: float = 0.05
    other_ridge: float | None = 0.002
    probe_rows: int = 400
    n_seeds: int = 8

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All of them, those of every step first."""

        def of(rule: str, fraction: float, ridge: float, aware: bool = False) -> Condition:
            return Condition(rule=rule, keep_fraction=fraction, label_aware=aware, ridge=ridge)

        everywhere = [of(rule, self.keep_fraction, self.ridge) for rule in RULES]
        fractions = [of(rule, f, self.ridge) for f in self.other_fractions for rule in RULES[1:]]
        aware = [of(rule, self.keep_fraction, self.ridge, True) for rule in RULES[1:]] if fractions else []
        ridges = [of(rule, self.keep_fraction, self.other_ridge) for rule in RULES] if self.other_ridge else []
        return (*everywhere, *fractions, *aware, *ridges)

    def conditions_of(self, step: str) -> tuple[Condition, ...]:
        """Those of a step."""
        return self.conditions if step in OWN_LABELS else self.conditions[: len(RULES)]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A pair's rows with unit mean square, and the teacher: the classifier that all of them converge to.

    Attributes:
        inputs, labels: Training rows (n, N), whitened, and ±1.
        test_inputs, test_labels: Likewise.
        spectrum: Variances of the components, relative to their mean, (N,).
        teacher: Unit vector (N,).
        label_noise: η, share of the test rows whose label the teacher misses.
        train_noise: Share of the training rows, all of which it has seen, whose label it misses.
        density_at_boundary: Share of the test rows within 0.2 of the boundary, in units of the Gaussian's.
        noise_near_boundary: Share of rows near the boundary among those whose label the teacher misses, over that share
            among all rows.
    """

    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    spectrum: np.ndarray
    teacher: np.ndarray
    label_noise: float
    train_noise: float
    density_at_boundary: float
    noise_near_boundary: float

    @property
    def effective_dimension(self) -> float:
        """(Σ v)²/Σ v² of the spectrum: N where all components vary alike, as the theory has it."""
        return float(self.spectrum.sum() ** 2 / (self.spectrum**2).sum())


@dataclass(frozen=True, kw_only=True)
class TwoClassPoint:
    """One student.

    Attributes:
        step: One of `STEPS`.
        rule, keep_fraction, label_aware, ridge: Its `Condition`.
        alpha_prune, seed: α and seed of its training set.
        probe_angle: θ between probe and teacher, radians.
        test_error: Against the teacher's labels in the first two steps, against the rows' own in the others.
        isotropic, plane, whole_law: What the `THEORIES` predict with its probe; NaN where one is refused.
    """

    step: str
    rule: str
    keep_fraction: float
    label_aware: bool
    ridge: float
    alpha_prune: float
    seed: int
    probe_angle: float
    test_error: float
    isotropic: float
    plane: float
    whole_law: float


_NEAR = 0.2  # distance to the boundary that counts as near, in standard deviations of the teacher's field
_GAUSSIAN_NEAR = 0.15852  # P(|z| < 0.2) of a standard normal z


def pair_of(data: Embeddings, settings: TwoClassSettings) -> Pair:
    """Rows of two classes in their leading principal components, whitened, with their teacher.

    Raises:
        ValueError: A class has no rows, the rows have fewer features, or are too few for the settings.
    """
    largest_pool = round(max(settings.alpha_prune) * settings.n_features / settings.keep_fraction)
    return pair_with(
        data, settings.classes, n_features=settings.n_features, rows_needed=settings.probe_rows + largest_pool
    )


def pair_with(data: Embeddings, classes: tuple[int, int], *, n_features: int, rows_needed: int) -> Pair:
    """As `pair_of`, with as many rows as the probe and the largest pool need.

    Raises:
        ValueError: As for `pair_of`.
    """
    inputs, labels = _of_classes(data.train_embeddings, data.train_labels, classes)
    test_inputs, test_labels = _of_classes(data.test_embeddings, data.test_labels, classes)
    if not 1 <= n_features <= inputs.shape[1] or rows_needed > len(inputs):
        raise ValueError(
            f"`n_features` must be in [1, {inputs.shape[1]}], and `probe_rows` with the largest pool at most "
            f"{len(inputs)}, the rows of the two classes; got {n_features} and {rows_needed}"
        )
    mean = inputs.mean(axis=0)
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov((inputs - mean).T)))
    leading = slice(None, -n_features - 1, -1)
    scale = directions[:, leading] / np.sqrt(variances[leading])
    inputs, test_inputs = (inputs - mean) @ scale, (test_inputs - mean) @ scale
    teacher = _unit(fit_empirical_risk(inputs, labels, loss="logistic", ridge=PROBE_RIDGE).weights)
    field = test_inputs @ teacher
    wrong, near = field * test_labels <= 0, np.abs(field) < _NEAR * field.std()
    return Pair(
        inputs=inputs,
        labels=labels,
        test_inputs=test_inputs,
        test_labels=test_labels,
        spectrum=variances[leading] / variances[leading].mean(),
        teacher=teacher,
        label_noise=float(wrong.mean()),
        train_noise=float(np.mean((inputs @ teacher) * labels <= 0)),
        density_at_boundary=float(near.mean() / _GAUSSIAN_NEAR),
        noise_near_boundary=float(near[wrong].mean() / near.mean()) if wrong.any() and near.any() else float("nan"),
    )


def measure(pair: Pair, settings: TwoClassSettings, seeds: Iterable[int] | None = None) -> list[TwoClassPoint]:
    """Students of every step, rule, size and seed; by default of all ``n_seeds``."""
    return [
        point
        for seed in (range(settings.n_seeds) if seeds is None else seeds)
        for step in STEPS
        for point in _points(pair, settings, step, np.random.default_rng([seed, STEPS.index(step)]), seed)
    ]


def _points(
    pair: Pair, settings: TwoClassSettings, step: str, rng: np.random.Generator, seed: int
) -> Iterator[TwoClassPoint]:
    """Every condition and size for which the rows suffice, with one probe."""
    inputs, labels = inputs_and_labels(pair, step, rng)
    shuffled = rng.permutation(len(inputs))
    probed, rest = shuffled[: settings.probe_rows], shuffled[settings.probe_rows :]
    probe, teacher = logistic_student(inputs[probed], labels[probed], PROBE_RIDGE), _teacher(pair, step)
    test_inputs, test_labels = test_rows(pair, step)
    view = View(
        inputs=inputs[rest],
        labels=labels[rest],
        test_inputs=test_inputs,
        test_labels=test_labels,
        teacher=teacher,
        probe=probe,
        probe_angle=_angle(probe, teacher),
        label_noise=pair.label_noise if step in OWN_LABELS else 0.0,
    )
    field = inputs @ probe
    for condition in settings.conditions_of(step):
        alphas = [a for a in settings.alpha_prune if _pool_size(a, condition, settings) <= len(rest)]
        told = {"selection": condition.selection, "ridge": condition.ridge}
        predictions = {name: theory(view, np.array(alphas), **told) for name, theory in THEORIES.items()}
        for place, alpha in enumerate(alphas):
            pool = rest[: _pool_size(alpha, condition, settings)]
            count = round(alpha * settings.n_features)
            chosen = pool[condition.selection.choose(field[pool], labels[pool], count=count, rng=rng)]
            student = logistic_student(inputs[chosen], labels[chosen], condition.ridge)
            yield TwoClassPoint(
                step=step,
                rule=condition.rule,
                keep_fraction=condition.keep_fraction,
                label_aware=condition.label_aware,
                ridge=condition.ridge,
                alpha_prune=alpha,
                seed=seed,
                probe_angle=view.probe_angle,
                test_error=view.error_of(student),
                isotropic=float(predictions["isotropic"][place]),
                plane=float(predictions["plane"][place]),
                whole_law=float(predictions["whole_law"][place]),
            )


def _pool_size(alpha: float, condition: Condition, settings: TwoClassSettings) -> int:
    """Rows of which a condition keeps α N."""
    return round(round(alpha * settings.n_features) / condition.keep_fraction)


def inputs_and_labels(pair: Pair, step: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, N) and labels (n,) of a step, from which probe and pools are drawn."""
    if step == "gaussian":
        inputs = rng.standard_normal(pair.inputs.shape)
        return inputs, _signs(inputs @ pair.teacher)
    if step == "correlated":
        return pair.inputs * np.sqrt(pair.spectrum), pair.labels
    return pair.inputs, pair.labels if step in OWN_LABELS else _signs(pair.inputs @ pair.teacher)


def _teacher(pair: Pair, step: str) -> np.ndarray:
    """The teacher's hyperplane in the step's coordinates, as a unit vector."""
    return _unit(pair.teacher / np.sqrt(pair.spectrum)) if step == "correlated" else pair.teacher


def test_rows(pair: Pair, step: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Test rows of a step; none where inputs are Gaussian, of which an angle tells all."""
    if step == "gaussian":
        return None, None
    truth = pair.test_labels if step in OWN_LABELS else _signs(pair.test_inputs @ pair.teacher)
    return pair.test_inputs * (np.sqrt(pair.spectrum) if step == "correlated" else 1.0), truth


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """Angle of unit vectors, 2 arctan(‖a − b‖/‖a + b‖), which keeps its digits at small angles."""
    return float(2 * np.arctan2(np.linalg.norm(first - second), np.linalg.norm(first + second)))


def logistic_student(inputs: np.ndarray, labels: np.ndarray, ridge: float) -> np.ndarray:
    """Direction of the logistic student of these rows, a unit vector (N,)."""
    return _unit(fit_empirical_risk(inputs, labels, loss="logistic", ridge=ridge).weights)


def _of_classes(embeddings: np.ndarray, labels: np.ndarray, classes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    missing = [label for label in classes if not np.any(labels == label)]
    if missing or classes[0] == classes[1]:
        raise ValueError(f"`classes` must be two labels that occur; got {classes}")
    chosen = np.isin(labels, classes)
    return embeddings[chosen].astype(np.float64), np.where(labels[chosen] == classes[1], 1.0, -1.0)


def _signs(field: np.ndarray) -> np.ndarray:
    return np.where(field > 0, 1.0, -1.0)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
