"""Equations (1)–(3) of the paper as a reader would program them: the rival of max_margin."""

import math

from scipy.integrate import dblquad
from scipy.special import ndtr


def printed_equations(variables, alpha, theta, law):
    """Differences of the sides of (1)–(3), averages by dblquad over z and t."""
    overlap, probe_overlap, kappa = variables
    c, s = math.cos(theta), math.sin(theta)
    spread2 = s * s - overlap**2 - probe_overlap**2 + 2 * probe_overlap * overlap * c
    variance = 1 - probe_overlap**2
    if spread2 <= 0 or variance <= 0:
        return [1e3, 1e3, 1e3]
    spread, gap = math.sqrt(spread2), probe_overlap * overlap - c

    def exponential(t, z):
        delta = z * z * (probe_overlap**2 + c * c - 2 * probe_overlap * overlap * c) + t * t * s * s
        return math.exp(-(delta + 2 * t * z * (overlap * c - probe_overlap)) / (2 * spread2))

    def label(t, z):
        gamma = z * gap - t * (overlap - probe_overlap * c)
        normal = math.exp(-((t - probe_overlap * z) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return normal * ndtr(-gamma / (math.sqrt(variance) * spread))

    def mean(integrand):
        total = 0.0
        for piece in law.pieces:
            low, high = max(piece.lower, -8.0), min(piece.upper, 8.0)
            total += dblquad(
                lambda t, z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * integrand(t, z), low, high, -8.0, kappa
            )[0]
        return total / law.keep_fraction

    def third(t, z):
        boundary = exponential(t, z) * gap / (2 * math.pi * spread * variance)
        return (label(t, z) * (z - probe_overlap * t) / variance + boundary) * (kappa - t)

    in_plane = (probe_overlap**2 + overlap**2 - 2 * probe_overlap * overlap * c) / s**2
    return [
        (overlap - probe_overlap * c) / s**2
        - alpha / (math.pi * spread) * mean(lambda t, z: exponential(t, z) * (kappa - t)),
        1 - in_plane - 2 * alpha * mean(lambda t, z: label(t, z) * (kappa - t) ** 2),
        (probe_overlap - overlap * c) / s**2 - 2 * alpha * mean(third),
    ]
