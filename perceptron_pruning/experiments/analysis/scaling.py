"""How test error falls with the number of examples: exponents with intervals, and which law describes it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import least_squares

from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.plan import SEED, n_kept

Law = Callable[[np.ndarray, np.ndarray], np.ndarray]


def exponent(kept: np.ndarray, errors: np.ndarray) -> Effect:
    """d ln ε / d ln P by least squares, one slope a seed; ``errors`` is (seeds, sizes)."""
    return effect(np.polyfit(np.log(kept), np.log(errors).T, 1)[0])


def bend(kept: np.ndarray, errors: np.ndarray) -> Effect:
    """How much the local exponent changes from the smallest to the largest size: 2 c ln(P_max/P_min) of the
    parabola with ln² P coefficient c, one a seed. Negative: error falls ever faster."""
    logs = np.log(kept)
    return effect(2 * np.polyfit(logs, np.log(errors).T, 2)[0] * (logs.max() - logs.min()))


@dataclass(frozen=True, kw_only=True)
class LawFit:
    """One law fitted to mean ln ε over the sizes.

    Attributes:
        name: The law's name in `LAWS`.
        parameters: The fitted parameters.
        aic: χ² + 2 × number of parameters; the lower the better.
        held_out: Log-likelihood of the largest size under the fit to all others, which predicts it.
    """

    name: str
    parameters: np.ndarray
    aic: float
    held_out: float

    def __str__(self) -> str:
        return f"{self.name} {self.aic:.1f} ({self.held_out:+.1f})"


UNIT = 1000.0  # examples, in whose inverse the exponential's rate is of order one


def _power(parameters: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return parameters[0] - parameters[1] * np.log(kept)


def _power_with_floor(parameters: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.logaddexp(_power(parameters, kept), parameters[2])


def _exponential(parameters: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return parameters[0] - parameters[1] * kept / UNIT


def _bending(parameters: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return _power(parameters, kept) - parameters[2] * np.log(kept) ** 2


LAWS: dict[str, tuple[Law, int]] = {
    "power law": (_power, 2),
    "power law with a floor": (_power_with_floor, 3),
    "exponential": (_exponential, 2),
    "power law that bends": (_bending, 3),
}


def compare_laws(kept: np.ndarray, errors: np.ndarray) -> list[LawFit]:
    """Every law with more sizes than parameters + 1, fitted to errors (seeds, sizes), the best by AIC first.

    Raises:
        ValueError: There are fewer than four sizes, or all seeds have the same errors.
    """
    if len(kept) < 4:
        raise ValueError(f"`kept` must have at least 4 sizes to compare laws; got {len(kept)}")
    spread = log_spread(errors)
    if not spread.all():
        raise ValueError("`errors` must differ between seeds, to weigh their means; got the same")
    mean = np.log(errors).mean(axis=0)
    fits = [
        _fit(name, law, size, np.asarray(kept, float), mean, spread)
        for name, (law, size) in LAWS.items()
        if len(kept) > size + 1
    ]
    return sorted(fits, key=lambda fit: fit.aic)


def log_spread(errors: np.ndarray) -> np.ndarray:
    """Standard error of mean ln ε of errors (seeds, sizes) > 0, (sizes,).

    The variance over seeds is averaged with its median over sizes: few seeds make some of them small by chance.
    """
    variance = np.log(errors).var(axis=0, ddof=1) / len(errors)
    return np.sqrt((variance + np.median(variance)) / 2)


def _fit(name: str, law: Law, size: int, kept: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> LawFit:
    whole = _least_squares(law, size, kept, mean, spread)
    chi_squared = np.sum(((mean - law(whole, kept)) / spread) ** 2)
    part = _least_squares(law, size, kept[:-1], mean[:-1], spread[:-1])
    miss = (mean[-1] - law(part, kept[-1:])[0]) / spread[-1]
    return LawFit(
        name=name,
        parameters=whole,
        aic=float(chi_squared + 2 * size),
        held_out=float(-(miss**2) / 2 - np.log(spread[-1]) - np.log(2 * np.pi) / 2),
    )


def _least_squares(law: Law, size: int, kept: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    slope, level = np.polyfit(np.log(kept), mean, 1)
    start = np.array([level, -slope, 0.0])[:size]
    if law is _power_with_floor:
        start[2] = mean.min() - 2
    return least_squares(lambda parameters: (law(parameters, kept) - mean) / spread, start, x_scale="jac").x


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The best of several fractions at each number of kept examples.

    Attributes:
        kept: P, ascending.
        errors: (seeds, sizes), each at the fraction that the *other* seeds put lowest: noise does not choose.
        random: (seeds, sizes), test errors after training on P examples drawn at random.
        keep_fraction: The fraction that all seeds together put lowest, (sizes,).
    """

    kept: np.ndarray
    errors: np.ndarray
    random: np.ndarray
    keep_fraction: np.ndarray


def envelope(errors: xr.DataArray, rule: str = "hard") -> Envelope:
    """The envelope over pool sizes and fractions of a rule, at those P that are also a whole pool.

    Between two pools a fraction's ln ε is linear in ln P, which is exact for power laws.

    Args:
        errors: Test errors with the dimensions rule, pool_size, keep_fraction and seed; a fraction of 1 among them.

    Raises:
        ValueError: No pruned pools keep as many examples as another pool has, or an error is zero.
    """
    sizes, fractions = errors.pool_size.values, errors.keep_fraction.values
    if 1.0 not in fractions:
        raise ValueError("`keep_fractions` must include 1, the baseline of the envelope; add it")
    if not bool((errors > 0).all()):
        raise ValueError("`errors` must be > 0, to be interpolated on logarithmic scales; got 0")
    curves = [_curve(errors.sel(rule=rule), float(fraction)) for fraction in fractions]
    reached = {size: [curve for curve in curves if curve.reaches(size)] for size in sizes}
    kept = sorted(size for size, reaching in reached.items() if len(reaching) > 1)
    if not kept:
        raise ValueError("`pool_sizes` and `keep_fractions` must make some pruned pool as large as another whole one")
    columns = [_best(size, reached[size]) for size in kept]
    whole = errors.sel(rule="random", keep_fraction=1.0)
    return Envelope(
        kept=np.array(kept),
        errors=np.column_stack([column for column, _ in columns]),
        random=np.column_stack([whole.sel(pool_size=size).transpose(SEED).values for size in kept]),
        keep_fraction=np.array([fraction for _, fraction in columns]),
    )


@dataclass(frozen=True)
class _Curve:
    """Errors (seeds, sizes) of one fraction against the numbers it keeps, ascending."""

    fraction: float
    kept: np.ndarray
    errors: np.ndarray

    def reaches(self, size: int) -> bool:
        return self.kept[0] <= size <= self.kept[-1]

    def at(self, size: int) -> np.ndarray:
        """(seeds,)."""
        rows = [np.interp(np.log(size), np.log(self.kept), np.log(row)) for row in self.errors]
        return np.exp(rows)


def _curve(errors: xr.DataArray, fraction: float) -> _Curve:
    ordered = errors.sel(keep_fraction=fraction).sortby("pool_size").transpose(SEED, "pool_size")
    kept = np.array([n_kept(int(size), fraction) for size in ordered.pool_size.values])
    return _Curve(fraction, kept, ordered.values)


def _best(size: int, curves: list[_Curve]) -> tuple[np.ndarray, float]:
    values = np.stack([curve.at(size) for curve in curves])
    others = (values.sum(axis=1, keepdims=True) - values) / (values.shape[1] - 1)
    chosen = np.take_along_axis(values, others.argmin(axis=0)[None], axis=0)[0]
    return chosen, curves[int(values.mean(axis=1).argmin())].fraction
