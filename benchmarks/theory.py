"""max_margin against what a reader of the paper would write: dblquad and a root finder.

    python benchmarks/theory.py        # writes benchmarks/theory.csv, a few minutes

Both solve for the same students in the same run. The rival solves equations (1)–(3) as printed, from
a start given to it near the answer; its error is judged by max_margin, whose own residual is shown.
"""

import math
import time
from pathlib import Path

import numpy as np
from machine import description
from scipy.integrate import dblquad
from scipy.optimize import root
from scipy.special import ndtr

from perceptron_pruning.reproduction.tables import write_table
from replica_theory import KeepEasiest, KeepHardest, max_margin

POINTS = [
    (KeepHardest(0.5), 40.0, 1.0),
    (KeepHardest(0.4), 20.0, 2.0),
    (KeepEasiest(0.4), 20.0, 2.0),
    (KeepHardest(0.2), 20.0, 6.0),
    (KeepHardest(0.1), 10.0, 10.0),
]


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


def timed(work, repeats):
    """Result and median seconds of a call, after one that is not counted."""
    result, seconds = work(), []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, float(np.median(seconds))


def compare_point(selection, degrees, alpha):
    """One row: times of both, and the rival's relative error."""
    theta = math.radians(degrees)
    ours, seconds = timed(lambda: max_margin(alpha, selection=selection, probe_angle=theta), 9)
    start = np.array([0.97 * ours.overlap, 0.97 * ours.probe_overlap, 1.05 * ours.margin])
    begun = time.perf_counter()
    rival = root(printed_equations, start, args=(alpha, theta, selection.kept_law(theta)), tol=1e-9)
    rival_seconds = time.perf_counter() - begun
    rival_error = math.acos(min(1.0, rival.x[0])) / math.pi
    row = {
        "selection": str(selection),
        "probe_angle_degrees": degrees,
        "alpha_prune": alpha,
        "generalization_error": ours.generalization_error,
        "residual": ours.residual,
        "milliseconds": 1e3 * seconds,
        "rival_milliseconds": 1e3 * rival_seconds,
        "speed_up": rival_seconds / seconds,
        "rival_relative_error": abs(rival_error / ours.generalization_error - 1),
        "machine": description(),
    }
    print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items()))
    return row


if __name__ == "__main__":
    write_table(Path(__file__).with_name("theory.csv"), [compare_point(*point) for point in POINTS])
