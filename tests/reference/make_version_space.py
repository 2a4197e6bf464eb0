"""Writes version_space.json: the entropy as printed, in (q, R), at 30 digits; run it to make the file again.

    python tests/reference/make_version_space.py

S(q, R) is a two-dimensional quadrature with mpmath, over the kept teacher's fields u and the noise
t. Its gradient and Hessian are central differences of S itself, in 30 digits, and Newton's method
finds where the gradient vanishes, from a start known to two digits. Nothing comes from `replica_theory`.
"""

import itertools
import json
import multiprocessing
from pathlib import Path

import mpmath as mp
import numpy as np

DIGITS = 30
POINTS = [  # rule, f, α, and a rough (R, √(q−R²))/√(1−q) to start from
    ("random", 1.0, 1.0, "0.68", "0.7"),
    ("hard", 0.4, 0.5, "0.15", "0.64"),
    ("hard", 0.4, 2.0, "2.6", "1.3"),
    ("hard", 0.4, 30.0, "54", "1"),
    ("hard", 0.1, 2.0, "6.1", "2.6"),
    ("hard", 0.1, 5.0, "36", "1"),
    ("hard", 0.01, 1.0, "0.014", "1.2"),
    ("hard", 0.01, 3.0, "2e+02", "1.1"),
    ("hard", 0.01, 100.0, "7.2e+03", "1"),
    ("hard", 0.001, 0.3, "0.00019", "0.48"),
    ("hard", 0.001, 2.5, "1.5e+03", "1.3"),
    ("hard", 0.001, 1000.0, "7.2e+05", "1"),
    ("easy", 0.4, 2.0, "1", "0.35"),
    ("easy", 0.4, 100.0, "2.9", "0.062"),
    ("easy", 0.01, 5.0, "0.78", "0.085"),
    ("between", 0.5, 4.0, "2.7", "0.51"),  # quantiles 0.2 to 0.7
    ("calibrated", 0.1, 5.0, "26", "1"),  # hard, 30 % at random
]
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


def newton_step(entropy, q, R):
    """Newton's step on the gradient of S and its size; both derivatives are central differences."""
    h, k = mp.mpf("1e-9") * (1 - q), mp.mpf("1e-9") * min(1 - q, R)
    stencil = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
    S = {(i, j): entropy(q + i * h, R + j * k) for i, j in stencil}
    gradient = mp.matrix([(S[1, 0] - S[-1, 0]) / (2 * h), (S[0, 1] - S[0, -1]) / (2 * k)])
    along_q, along_R = S[1, 0] + S[-1, 0] - 2 * S[0, 0], S[0, 1] + S[0, -1] - 2 * S[0, 0]
    across = (S[1, 1] + S[-1, -1] - 2 * S[0, 0] - along_q - along_R) / (2 * h * k)
    step = mp.lu_solve(mp.matrix([[along_q / h**2, across], [across, along_R / k**2]]), -gradient)
    return step[0], step[1], max(abs(step[0]) / (1 - q), abs(step[1]) / min(1 - q, R))


def solve(point):
    mp.mp.dps = DIGITS
    rule, f, alpha, *start = point
    a, b = map(mp.mpf, start)
    u_nodes, t_nodes = teacher_nodes(rule, f, a, b), noise_nodes(b)

    def information_gain(q, R):
        return -log_likelihood(u_nodes, t_nodes, q, R)

    def entropy(q, R):
        return mp.log(1 - q) / 2 + (q - R * R) / (2 * (1 - q)) - mp.mpf(alpha) * information_gain(q, R)

    q, R, size = 1 - 1 / (1 + a * a + b * b), a / mp.sqrt(1 + a * a + b * b), mp.inf
    for _ in range(8):
        if size < mp.mpf("1e-9"):
            break
        step_q, step_R, size = newton_step(entropy, q, R)
        q, R = q + step_q, R + step_R
    else:
        raise ArithmeticError(f"no stationary point at {point}: last step {size}")
    values = {
        "entropy": entropy(q, R),
        "information_gain": information_gain(q, R),
        "overlap": R,
        "self_overlap": q,
        "gibbs_error": mp.acos(R) / mp.pi,
        "center_of_mass_error": mp.acos(R / mp.sqrt(q)) / mp.pi,
    }
    numbers = {name: float(value) for name, value in values.items()}
    return {"selection": rule, "keep_fraction": f, "alpha_prune": alpha} | numbers


def main():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        rows = list(pool.imap(solve, POINTS))
    about = "Version space of pruned data, S(q, R) as printed, by mpmath at 30 digits; made by make_version_space.py."
    path = Path(__file__).with_name("version_space.json")
    path.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
