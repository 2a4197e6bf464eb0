"""Writes version_space.json: the entropy as printed, in (q, R), at 30 digits; run it to make the file again.

    python tests/reference/make_version_space.py

S(q, R) is a two-dimensional quadrature with mpmath, over the kept teacher's fields u and the noise
t. Its gradient and Hessian are central differences of S itself, in 30 digits, and Newton's method
finds where the gradient vanishes. From `replica_theory` comes only the starting point, rounded to two digits.
"""

import itertools
import json
import math
import multiprocessing
from pathlib import Path

import mpmath as mp
import numpy as np

from replica_theory import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, version_space

DIGITS = 30
POINTS = [
    ("random", 1.0, 1.0),
    ("hard", 0.4, 0.5),
    ("hard", 0.4, 2.0),
    ("hard", 0.4, 30.0),
    ("hard", 0.1, 2.0),
    ("hard", 0.1, 5.0),
    ("hard", 0.01, 1.0),
    ("hard", 0.01, 3.0),
    ("hard", 0.01, 100.0),
    ("hard", 0.001, 0.3),
    ("hard", 0.001, 2.5),
    ("hard", 0.001, 1000.0),
    ("easy", 0.4, 2.0),
    ("easy", 0.4, 100.0),
    ("easy", 0.01, 5.0),
    ("between", 0.5, 4.0),  # quantiles 0.2 to 0.7
    ("calibrated", 0.1, 5.0),  # hard, 30 % at random
]
RULES = {
    "random": KeepRandom,
    "hard": KeepHardest,
    "easy": KeepEasiest,
    "between": lambda f: KeepBetween(0.2, 0.2 + f),
    "calibrated": lambda f: Calibrated(KeepHardest(f), 0.3),
}
FAR = 12


def quantile(below):
    """|u| with this mass below it."""
    return mp.sqrt(2) * mp.erfinv(mp.mpf(below))


def kept_strips(rule, f):
    """(lower, upper, keep probability) at u > 0."""
    f = mp.mpf(str(f))
    if rule == "random":
        return [(mp.mpf(0), mp.mpf(FAR), f)]
    if rule == "hard":
        return [(mp.mpf(0), quantile(f), mp.mpf(1))]
    if rule == "easy":
        return [(quantile(1 - f), mp.mpf(FAR), mp.mpf(1))]
    if rule == "between":
        return [(quantile(mp.mpf(1) / 5), quantile(mp.mpf(1) / 5 + f), mp.mpf(1))]
    share, edge = mp.mpf(3) / 10, quantile(f)
    return [(mp.mpf(0), edge, 1 - share + share * f), (edge, mp.mpf(FAR), share * f)]


def legendre(order=20):
    """Gauss–Legendre nodes and weights on [0, 1], NumPy's polished by Newton to the working precision."""
    out = []
    for x in map(mp.mpf, np.polynomial.legendre.leggauss(order)[0]):
        for _ in range(3):
            x, slope = x - mp.legendre(order, x) / legendre_slope(order, x), legendre_slope(order, x)
        out.append(((1 + x) / 2, 1 / ((1 - x * x) * slope**2)))
    return out


def legendre_slope(order, x):
    return order * (x * mp.legendre(order, x) - mp.legendre(order - 1, x)) / (x * x - 1)


def teacher_nodes(rule, f, a, b):
    """u with weights (2/f) φ(u) q(u) du, on panels at the scales of the student and of the strip's tail."""
    rule_nodes, scale, out = legendre(), max(1, b) / a, []
    for lower, upper, probability in kept_strips(rule, f):
        marks = {lower, upper}
        marks |= {scale * mp.mpf(m) for m in (1, 2, 3.5, 5, 7, 9, 12, 16)} | {mp.mpf(m) for m in range(1, FAR)}
        marks |= {lower + mp.mpf(m) / 2 / (1 + lower * (1 + a * a)) for m in (1, 3, 6, 10)}
        ends = sorted(m for m in marks if lower <= m <= upper)
        for start, end in itertools.pairwise(ends):
            for node, weight in rule_nodes:
                u = start + (end - start) * node
                out.append((u, 2 / mp.mpf(str(f)) * probability * mp.npdf(u) * weight * (end - start)))
    return out


def noise_nodes(b):
    step = mp.mpf("0.3") / max(1, b)
    count = int(mp.ceil(mp.mpf("9.5") / step))
    return [(k * step, step * mp.npdf(k * step)) for k in range(-count, count + 1)]


def log_likelihood(u_nodes, t_nodes, q, R):
    """E_kept ∫Dt ln Φ((R u + √(q−R²) t)/√(1−q))."""
    a, b = R / mp.sqrt(1 - q), mp.sqrt(q - R * R) / mp.sqrt(1 - q)
    half = -mp.sqrt(mp.mpf(1) / 2)
    return sum(
        weight * sum(w * mp.log(mp.erfc(half * (a * u + b * t)) / 2) for t, w in t_nodes) for u, weight in u_nodes
    )


def rough_start(rule, f, alpha):
    """(R, √(q−R²))/√(1−q) to two digits; the errors' tangents are √(1+b²)/a and b/a."""
    start = version_space(alpha, selection=RULES[rule](f))
    gibbs, mean = (math.tan(math.pi * error) for error in (start.gibbs_error, start.center_of_mass_error))
    a = (gibbs**2 - mean**2) ** -0.5
    return mp.mpf(f"{a:.2g}"), mp.mpf(f"{a * mean:.2g}")


def solve(point):
    mp.mp.dps = DIGITS
    rule, f, alpha = point
    a, b = rough_start(rule, f, alpha)
    spread = 1 / mp.sqrt(1 + a * a + b * b)
    u_nodes, t_nodes = teacher_nodes(rule, f, a, b), noise_nodes(b)
    x = mp.matrix([1 - spread**2, a * spread])

    def gain_and_entropy(q, R):
        gain = -log_likelihood(u_nodes, t_nodes, q, R)
        return gain, mp.log(1 - q) / 2 + (q - R * R) / (2 * (1 - q)) - mp.mpf(alpha) * gain

    for _ in range(8):
        h = [mp.mpf("1e-9") * (1 - x[0]), mp.mpf("1e-9") * min(1 - x[0], x[1])]
        S = {
            (i, j): gain_and_entropy(x[0] + i * h[0], x[1] + j * h[1])[1]
            for i, j in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
        }
        gradient = mp.matrix([(S[1, 0] - S[-1, 0]) / (2 * h[0]), (S[0, 1] - S[0, -1]) / (2 * h[1])])
        across = (S[1, 1] + S[-1, -1] + 2 * S[0, 0] - S[1, 0] - S[-1, 0] - S[0, 1] - S[0, -1]) / (2 * h[0] * h[1])
        hessian = mp.matrix(
            [
                [(S[1, 0] + S[-1, 0] - 2 * S[0, 0]) / h[0] ** 2, across],
                [across, (S[0, 1] + S[0, -1] - 2 * S[0, 0]) / h[1] ** 2],
            ]
        )
        step = mp.lu_solve(hessian, -gradient)
        x += step
        moved = max(abs(step[0]) / (1 - x[0]), abs(step[1]) / min(1 - x[0], x[1]))
        if moved < mp.mpf("1e-9"):
            break
    else:
        raise ArithmeticError(f"no stationary point at {point}: last step {moved}")
    q, R = x
    gain, entropy = gain_and_entropy(q, R)
    row = {"selection": rule, "keep_fraction": f, "alpha_prune": alpha, "entropy": entropy, "information_gain": gain}
    row |= {"overlap": R, "self_overlap": q, "gibbs_error": mp.acos(R) / mp.pi}
    row |= {"center_of_mass_error": mp.acos(R / mp.sqrt(q)) / mp.pi}
    return {key: value if isinstance(value, str) else float(value) for key, value in row.items()}


def main():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        rows = list(pool.imap(solve, POINTS))
    about = "Version space of pruned data, S(q, R) as printed, by mpmath at 30 digits; made by make_version_space.py."
    path = Path(__file__).with_name("version_space.json")
    path.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
