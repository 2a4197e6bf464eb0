"""Guesses of a max-margin student, near enough for Newton's method, from simple averages of the kept examples.

With few examples a student is their mean; with many it is determined by the examples next to the teacher's boundary;
in between its margin feels the gap that the rule leaves beside the probe's boundary. Random data have the first two
limits: a pruned student is longer than that of random data by the ratio of the mean examples, or of the densities at
the boundary.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._numerics.gaussian import FAR, normal_density
from replica_theory._numerics.quadrature import panel_rule
from replica_theory.selection.kept_distribution import KeptDistribution, Piece, Probability

_RANDOM_MEAN = math.sqrt(2 / math.pi)  # |E y s| of random data
_LEAST_DENSITY = 1e-3  # of kept examples at the teacher's boundary, relative to random data, in a guess
_REACH = 10.5  # standard deviations over which a smooth q is averaged
_SUBPANELS, _ORDER = 14, 4  # panels there, and Gauss–Legendre nodes on each
_LEAST_SINE = 1e-300  # stands for sin θ = 0 in a denominator


def initial_guesses(kept: KeptDistribution, alpha: float) -> OrderParameters:
    """Four guesses at this α: the student of few examples, of many, of a number in between, and of few with half a gap.

    The student of random data, to a per cent or two, has

        p = √(2α/π) [1 + (.6364 α)^1.57]^(1/3.14),   k = [1 + (.4081 α)^1.7]^(1/3.4)/√α
    """
    rough = RoughAverages.of(kept)
    parallel, across = rough.mean_example
    mean, angle = math.hypot(parallel, across) / _RANDOM_MEAN, math.atan2(across, parallel)
    p = _RANDOM_MEAN * math.sqrt(alpha) * (1 + (0.6364 * alpha) ** 1.57) ** (1 / 3.14)
    k = (1 + (0.4081 * alpha) ** 1.7) ** (1 / 3.4) / math.sqrt(alpha)
    few, many = mean * p, max(rough.boundary_density, _LEAST_DENSITY) * p
    return OrderParameters.of(
        alpha,
        k=[k + rough.gap * few, k, k, k + 0.5 * rough.gap * few],
        length=[few, many, math.sqrt(few * many), few],
        angle=[angle, 0.0, angle / (1 + alpha), 0.5 * angle],
    )


@dataclass(frozen=True)
class RoughAverages:
    """Averages of the kept examples, to a few digits.

    Attributes:
        mean_example: E_kept y s, along the teacher and across it towards the probe.
        boundary_density: Density of kept examples at the teacher's boundary, relative to random data.
        gap: Largest margin m > 0 at which a piece of the rule begins; 0 where none does.
    """

    mean_example: tuple[float, float]
    boundary_density: float
    gap: float

    @classmethod
    def of(cls, kept: KeptDistribution) -> "RoughAverages":
        """From the fields of probe and teacher, z and u = z cos θ + w sin θ, at label +1."""
        cosine, sine = math.cos(kept.probe_angle), math.sin(kept.probe_angle)
        parts = [_probe_averages(piece, cosine, max(sine, _LEAST_SINE)) for piece in kept.pieces]
        density = sum(at_boundary for _, at_boundary in parts) / kept.keep_fraction
        mean_z = 2 * sum(part for part, _ in parts) / kept.keep_fraction
        mean_w = _RANDOM_MEAN * sine * density
        return cls(
            mean_example=(cosine * mean_z + sine * mean_w, sine * mean_z - cosine * mean_w),
            boundary_density=density,
            gap=max((piece.lower for piece in kept.pieces if piece.lower > 0), default=0.0),
        )


def _probe_averages(piece: Piece, cosine: float, sine: float) -> tuple[float, float]:
    """E[z q(z); u > 0] and E[q(z) | u = 0] of one piece."""
    if callable(piece.probability):
        return _summed_averages(piece.probability, piece.lower, piece.upper, cosine, sine)
    below, above = (_normal(end / sine) for end in (piece.lower, piece.upper))
    at_lower, at_upper = (_density(end) * _normal(end * (cosine / sine)) for end in (piece.lower, piece.upper))
    at_boundary = piece.probability * (above - below)
    return piece.probability * (at_lower - at_upper) + cosine / math.sqrt(2 * math.pi) * at_boundary, at_boundary


def _summed_averages(
    probability: Probability, lower: float, upper: float, cosine: float, sine: float
) -> tuple[float, float]:
    """The same of a smooth q, by quadrature in z and, on the teacher's boundary, in z/sin θ."""
    z, weights = _panels(lower, upper)
    mean = weights @ (normal_density(z) * probability(z) * z * ndtr(np.clip(z * (cosine / sine), -FAR, FAR)))
    x, weights = _panels(lower / sine, upper / sine)
    return float(mean), float(weights @ (normal_density(x) * probability(sine * x)))


def _panels(lower: float, upper: float) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = np.clip([lower, upper], -_REACH, _REACH).tolist()
    return panel_rule(np.linspace(lower, upper, _SUBPANELS + 1), order=_ORDER)


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
