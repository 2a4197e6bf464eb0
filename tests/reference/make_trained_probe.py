"""Makes trained_probe.json: students on pools that their own probe has pruned, by a path of its own.

    python tests/reference/make_trained_probe.py [rows]      # all of them: about an hour on one core

Nothing of the package enters but a start for the root finder. What is solved are the eight equations of a
lower-triangular state evolution for two learners on one pool (probe p, student w), margins f = h + V G::

    lambda_p m_p = alpha E[s G_p]            lambda_w m_w = alpha E[s G_w]
    Q_pp = alpha V_p^2 E[G_p^2]              Q_pw = alpha V_p (V_wp E[G_p^2] + V_w E[G_p G_w])
    1/V_p = lambda_p + alpha E[D_p]          Q_ww = alpha E[(V_wp G_p + V_w G_w)^2]
    1/V_w = lambda_w + alpha E[k D_w]        V_wp/(V_p V_w) = alpha (E[G_w xi_p] + Q_pw E[k D_w])/Q_pp

The averages run over the probe's margin f (its cavity field is h = f - V_p G(f), so that no proximal operator of the
probe is needed), then over the teacher's field s with its jump at 0, then over what is left of the student's field: in
closed form for losses that are piecewise quadratic, by Gauss-Legendre panels for the logistic one. Thresholds are
quantiles of the margins by the same panels. Every row is solved at two resolutions; `agreement` is how far errors and
angles differ.
"""

import json
import math
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.optimize import brentq, root
from scipy.special import expit, ndtr

FAR = 9.0  # standard deviations beyond which a Gaussian is nothing


@dataclass(frozen=True)
class Row:
    """A setting. ``windows`` are quantiles of the margin (0 = hardest), ``random_share`` calibrates them; a rule by
    probability is ``steepness``: q = 1/(1 + exp(steepness (|z| - 1))), of the unit-norm probe's field."""

    alpha_total: float
    probe: str
    probe_ridge: float
    share: float
    ties: str
    label_noise: float
    windows: tuple
    label_aware: bool
    random_share: float
    steepness: float
    student: str
    ridge: float


def settings():
    """72 of them: every probe with every student, all kinds of rules."""
    probes = [
        ("square", math.inf),
        ("square", 0.5),
        ("logistic", 0.1),
        ("hinge", 0.2),
        ("squared_hinge", 0.05),
        ("logistic", 0.01),
    ]
    students = [
        ("max_margin", 0.0),
        ("square", 0.3),
        ("logistic", 0.05),
        ("hinge", 0.1),
        ("squared_hinge", 0.02),
        ("max_margin", 0.0),
    ]
    rules = [
        (((0.0, 0.5),), False), (((0.5, 1.0),), False), (((0.0, 0.3),), True), (((0.3, 1.0),), True),
        (((0.25, 0.65),), False), (((0.1, 0.3), (0.6, 0.9)), False), (((0.0, 0.2),), False), (((0.8, 1.0),), False),
        (((0.0, 0.8),), True), (((0.1, 0.7),), True), (((0.0, 1.0),), False), (((0.0, 0.4),), False),
    ]  # fmt: skip
    alphas = [0.8, 1.5, 3.0, 10.0, 30.0]
    made = []
    for i in range(72):
        loss, probe_ridge = probes[i % 6]
        student, ridge = students[(i + i // 6) % 6]
        windows, aware = rules[(5 * i + i // 12) % 12]
        noise = 0.0 if student == "max_margin" else [0.0, 0.1, 0.25][(i // 3) % 3]
        made.append(
            Row(
                alpha_total=alphas[(i + i // 5) % 5],
                probe=loss,
                probe_ridge=probe_ridge,
                share=[1.0, 0.5, 1.0, 0.2][(i // 2) % 4],
                ties=["random", "dual"][(i // 6) % 2],
                label_noise=noise,
                windows=windows,
                label_aware=aware,
                random_share=0.3 if i % 9 == 4 else 0.0,
                steepness=2.0 if i % 12 == 7 else 0.0,
                student=student,
                ridge=ridge,
            )
        )
    return made


def gauss_legendre(ends, order):
    x, w = np.polynomial.legendre.leggauss(order)
    ends = np.asarray(ends, dtype=float)
    width = np.diff(ends)[:, None]
    keep = width[:, 0] > 0
    return (ends[:-1, None] + width * (1 + x) / 2)[keep].ravel(), (width * w / 2)[keep].ravel()


def phi(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


# ---------------------------------------------------------------- losses: force G(f) = -l'(f) and l''(f)


def probe_force(loss, f):
    return {
        "hebb": lambda: np.ones_like(f),
        "square": lambda: 1 - f,
        "logistic": lambda: expit(-f),
        "squared_hinge": lambda: np.maximum(1 - f, 0.0),
        "hinge": lambda: 1.0 * (f < 1),
    }[loss]()


def probe_curvature(loss, f):
    return {
        "hebb": lambda: np.zeros_like(f),
        "square": lambda: np.ones_like(f),
        "logistic": lambda: expit(f) * expit(-f),
        "squared_hinge": lambda: 1.0 * (f < 1),
        "hinge": lambda: np.zeros_like(f),
    }[loss]()


@dataclass(frozen=True)
class Learner:
    """The probe: overlap m, length Q outside the teacher, V; examples per dimension that it is trained on."""

    loss: str
    m: float
    Q: float
    V: float

    @property
    def norm(self):
        return math.hypot(self.m, math.sqrt(self.Q))


@dataclass(frozen=True)
class Margins:
    """Nodes over the pool's margins.

    ``h`` the cavity field, ``f`` the margin, ``G`` the force, ``D`` = l''/(1 + V l''), ``weight`` = density of h times
    dh without the label's factor; ``tied`` is 1 of those at the corner of a hinge.
    """

    h: np.ndarray
    f: np.ndarray
    G: np.ndarray
    D: np.ndarray
    weight: np.ndarray
    tied: np.ndarray


def trained_nodes(p, ends, panels, order, cuts=()):
    """Nodes in the margin f of what the probe was trained on, with panel ends at these f, and the tied ones, with panel
    ends at these h."""
    low, high = -FAR * p.norm, FAR * p.norm

    def wide(h):
        return p.V * (2 + abs(h)) + 1.0

    def margin(h):  # of the probe's field, by bisection
        if p.loss == "hinge":
            return h + p.V if h < 1 - p.V else max(h, 1.0)
        return brentq(
            lambda f: float(f - p.V * probe_force(p.loss, np.array(f)) - h), h - wide(h), h + wide(h), xtol=1e-14
        )

    first, last = margin(low), margin(high)
    base = np.linspace(first, last, panels + 1)
    fine = np.linspace(-6.0, 6.0, panels + 1)  # where a logistic margin bends
    corners = [0.0, 1.0]
    f, w = gauss_legendre(np.unique(np.clip(np.concatenate([base, fine, corners, ends]), first, last)), order)
    G, curvature = probe_force(p.loss, f), probe_curvature(p.loss, f)
    h = f - p.V * G
    nodes = [(h, f, G, curvature / (1 + p.V * curvature), phi(h / p.norm) / p.norm * w * (1 + p.V * curvature), 0 * f)]
    if p.loss == "hinge":
        h, w = gauss_legendre(np.unique([*np.linspace(1 - p.V, 1.0, panels + 1), *cuts]), order)
        nodes.append(
            (h, np.ones_like(h), (1 - h) / p.V, np.full_like(h, 1 / p.V), phi(h / p.norm) / p.norm * w, 1 + 0 * h)
        )
    return Margins(*(np.concatenate(column) for column in zip(*nodes, strict=True)))


def other_nodes(p, ends, panels, order):
    """Nodes of what the probe was not trained on: f = h."""
    base = np.linspace(-FAR * p.norm, FAR * p.norm, panels + 1)
    inside = [end for end in ends if abs(end) < FAR * p.norm]
    h, w = gauss_legendre(np.unique(np.concatenate([base, [0.0], inside])), order)
    return Margins(h, h, 0 * h, 0 * h, phi(h / p.norm) / p.norm * w, 0 * h)


def label_nodes(p, nodes, noise, panels, order):
    """s given h: N(m h/norm^2, Q/norm^2), with the label's factor; (n, s) nodes and weights with a panel end at 0."""
    mean, spread = p.m * nodes.h / p.norm**2, math.sqrt(p.Q) / p.norm
    x, w = np.polynomial.legendre.leggauss(order)
    ends = mean[:, None] + spread * np.linspace(-FAR, FAR, panels + 1)
    ends = np.sort(np.concatenate([ends, np.clip(np.zeros((len(mean), 1)), ends[:, :1], ends[:, -1:])], axis=1), axis=1)
    width = np.diff(ends)
    s = (ends[:, :-1, None] + width[..., None] * (1 + x) / 2).reshape(len(mean), -1)
    weight = (width[..., None] * w / 2).reshape(len(mean), -1) * phi((s - mean[:, None]) / spread) / spread
    return s, weight * np.where(s > 0, 2 * (1 - noise), 2 * noise)


def solve_probe(row, panels, order):
    """m, Q and V from the probe's three equations."""
    alpha = row.share * row.alpha_total
    if math.isinf(row.probe_ridge):
        return Learner("hebb", alpha * math.sqrt(2 / math.pi) * (1 - 2 * row.label_noise), alpha, 1.0)

    def sides(x):
        p = Learner(row.probe, x[0], math.exp(2 * x[1]), math.exp(x[2]))
        nodes = trained_nodes(p, [], panels, order)
        a = p.m * nodes.h / (p.norm * math.sqrt(p.Q))
        n0 = 2 * (row.label_noise + (1 - 2 * row.label_noise) * ndtr(a))
        sG = p.m * nodes.h / p.norm**2 * n0 + math.sqrt(p.Q) / p.norm * 2 * (1 - 2 * row.label_noise) * phi(a)
        force = alpha * nodes.weight @ (sG * nodes.G)
        square = alpha * nodes.weight @ (n0 * nodes.G**2)
        response = alpha * nodes.weight @ (n0 * nodes.D)
        return [row.probe_ridge * p.m / force - 1, p.V**2 * square / p.Q - 1, p.V * (row.probe_ridge + response) - 1]

    start = probe_start(row)
    found = root(sides, [start[0], 0.5 * math.log(start[1]), math.log(start[2])], tol=1e-14)
    assert np.max(np.abs(sides(found.x))) < 1e-11, (row, sides(found.x))
    return Learner(row.probe, found.x[0], math.exp(2 * found.x[1]), math.exp(found.x[2]))


# ---------------------------------------------------------------- the rule


def kept(row, p, panels, order):
    """Nodes of the pool with k: (margins, k) of trained examples and others, and E k."""

    def pool(ends, cuts=()):
        groups = [(row.share, trained_nodes(p, ends, panels, order, cuts))]
        if row.share < 1:
            groups.append((1 - row.share, other_nodes(p, ends, panels, order)))
        parts = []
        for share, nodes in groups:
            a = p.m * nodes.h / (p.norm * math.sqrt(p.Q))
            n0 = 2 * (row.label_noise + (1 - 2 * row.label_noise) * ndtr(a))
            parts.append((nodes, share * nodes.weight * n0))
        return parts

    if row.steepness:
        q = [expit(-row.steepness * (np.abs(nodes.f) / p.norm - 1)) for nodes, _ in pool([])]
        parts = [(nodes, share_of(row, j), k) for j, ((nodes, _), k) in enumerate(zip(pool([]), q, strict=True))]
        fraction = sum(float(mass @ k) for (_, mass), k in zip(pool([]), q, strict=True))
        return parts, fraction

    def below(x, with_tied):
        """P(margin < x), the tied at 1 counted in or not."""
        total = 0.0
        for nodes, mass in pool([x, -x]):
            difficulty = nodes.f if row.label_aware else np.abs(nodes.f)
            under = difficulty < x
            under &= ~((nodes.tied == 1) & (not with_tied))
            under |= (nodes.tied == 1) & with_tied & (x >= 1)
            total += float(mass[under].sum())
        return total

    tied_below, tied_above = (
        (below(1.0, False), below(1.0, True)) if row.probe == "hinge" and p.loss != "hebb" else (2.0, 2.0)
    )

    def threshold(quantile):
        """(margin, share of the tied that is below)"""
        if quantile <= 0:
            return (-math.inf if row.label_aware else 0.0), 0.0
        if quantile >= 1:
            return math.inf, 1.0
        if tied_below < quantile < tied_above:
            return 1.0, (quantile - tied_below) / (tied_above - tied_below)
        far = FAR * p.norm + 2 * p.V + 5
        x = brentq(lambda x: below(x, x > 1) - quantile, -far if row.label_aware else 0.0, far, xtol=1e-14, rtol=1e-14)
        return x, (1.0 if x > 1 else 0.0)

    ends = [(threshold(lower), threshold(upper)) for lower, upper in row.windows]
    edges = [x for pair in ends for x, _ in pair if math.isfinite(x)]
    fraction = sum(upper - lower for lower, upper in row.windows)

    def dual(rank):
        """h below which this share of the tied lies"""
        if rank in (0.0, 1.0):
            return 1.0 if rank else 1 - p.V

        def mass(h):
            nodes, weight = pool([], [h])[0]
            return float(weight[(nodes.tied == 1) & (nodes.h < h)].sum())

        return brentq(lambda h: mass(h) - rank * mass(1.0), 1 - p.V, 1.0, xtol=1e-14)

    tied = [tuple(r if x >= 1 else 0.0 for x, r in pair) for pair in ends]  # shares of the tied between which to keep
    hs = [tuple(map(dual, pair)) for pair in tied] if row.ties == "dual" else []
    parts = []
    for j, (nodes, _) in enumerate(pool([*edges, *(-x for x in edges)], [h for pair in hs for h in pair])):
        difficulty, k = (nodes.f if row.label_aware else np.abs(nodes.f)), np.zeros_like(nodes.f)
        for i, ((lower, _), (upper, _)) in enumerate(ends):
            k[(difficulty > lower) & (difficulty < upper) & (nodes.tied == 0)] = 1.0
            if row.ties == "random":
                k[nodes.tied == 1] += tied[i][1] - tied[i][0]
            else:
                k[(nodes.tied == 1) & (nodes.h > hs[i][0]) & (nodes.h < hs[i][1])] = 1.0
        parts.append((nodes, share_of(row, j), k))
    if row.random_share:
        parts = [(n, s, (1 - row.random_share) * k + row.random_share * fraction) for n, s, k in parts]
    return parts, fraction


def share_of(row, group):
    return row.share if group == 0 else 1 - row.share


# ---------------------------------------------------------------- the student


def inner(loss, centre, b, V, order):
    """E_g of G_w, g G_w, G_w^2 and D_w at omega = centre + b g."""
    if loss == "logistic":
        return interpolated(lambda x: logistic_inner(x, b, V, order), centre)
    if loss == "square":
        shift = (1 - centre) / (1 + V)
        step = b / (1 + V)
        return np.stack([shift, np.full_like(shift, -step), shift**2 + step**2, np.full_like(shift, 1 / (1 + V))])
    # below the corner at omega = 1 the force is (1 - omega)/scale; for the hinge it stops growing at omega = 1 - V
    scale = {"squared_hinge": 1 + V, "hinge": V, "max_margin": V}[loss]
    parts = ramp(centre, b, 1.0, scale)
    if loss == "hinge":
        parts = hinge_parts(centre, b, V)
    return parts


def logistic_inner(centre, b, V, order):
    """By panels in g."""
    g, w = gauss_legendre(np.linspace(-FAR, FAR, 13), order)
    omega = centre[:, None] + b * g
    f = logistic_proximal(omega, V)
    G, second = expit(-f), expit(f) * expit(-f)
    return np.stack([y @ (w * phi(g)) for y in (G, g * G, G * G, second / (1 + V * second))])


def interpolated(function, x, width=0.5, degree=15):
    """A smooth function of many x by Legendre polynomials on panels, (values, ...)."""
    low, high = float(x.min()), float(x.max())
    count = max(1, math.ceil((high - low) / width))
    width = (high - low) / count or 1.0
    nodes, weights = np.polynomial.legendre.leggauss(degree + 1)
    values = function((low + width * (np.arange(count)[:, None] + (1 + nodes) / 2)).ravel())
    basis = np.polynomial.legendre.legvander(nodes, degree) * (np.arange(degree + 1) + 0.5) * weights[:, None]
    coefficients = values.reshape(len(values), count, -1) @ basis
    panel = np.minimum(((x - low) / width).astype(int), count - 1)
    t = 2 * ((x - low) / width - panel) - 1
    total, before, here = 0.0, np.ones_like(t), t
    for n in range(degree + 1):
        polynomial = before if n == 0 else here
        if n > 1:
            polynomial = ((2 * n - 1) * t * here - (n - 1) * before) / n
            before, here = here, polynomial
        total = total + coefficients[:, :, n][:, panel] * polynomial
    return total


def ramp(centre, b, corner, scale):
    """Of ((corner - omega)_+)/scale."""
    t = (corner - centre) / b
    P, d = ndtr(t), phi(t)
    G = b * (t * P + d)
    return np.stack([G / scale, -b * P / scale, b * b * ((t * t + 1) * P + t * d) / scale**2, P / scale])


def hinge_parts(centre, b, V):
    """Of clip((1 - omega)/V, 0, 1): two ramps for mean and response; the square by intervals."""
    upper, lower = ramp(centre, b, 1.0, V), ramp(centre, b, 1 - V, V)
    mean, gmean, _, response = upper - lower
    t1, t0 = (1 - centre) / b, (1 - V - centre) / b
    P1, P0, d1, d0 = ndtr(t1), ndtr(t0), phi(t1), phi(t0)
    square = b * b / V**2 * (t1 * t1 * (P1 - P0) - 2 * t1 * (d0 - d1) + (P1 - P0) - (t1 * d1 - t0 * d0)) + P0
    return np.stack([mean, gmean, square, response])


def logistic_proximal(omega, V):
    """Root of u - V/(1 + e^u) = omega, by bisection to a sixteenth and Newton's method."""
    low, high = np.maximum(omega, -750.0) - 0 * omega, omega + V
    for _ in range(40):
        middle = 0.5 * (low + high)
        over = middle - V * expit(-middle) > omega
        high, low = np.where(over, middle, high), np.where(over, low, middle)
        if np.max(high - low) < 1e-2:
            break
    u = 0.5 * (low + high)
    for _ in range(6):
        u = u - (u - V * expit(-u) - omega) / (1 + V * expit(u) * expit(-u))
    return u


def solve_student(row, p, parts, panels, order):
    alpha, lam = row.alpha_total, 1.0 if row.student == "max_margin" else row.ridge
    M = row.share * p.Q / (row.share * alpha * p.V**2)  # E G_p^2 over the pool, from the probe's second equation
    grid = []
    for nodes, share, k in parts:
        counts = (k > 0) & (nodes.weight > 1e-20)
        if not counts.any():
            continue
        sub = Margins(*(getattr(nodes, name)[counts] for name in ("h", "f", "G", "D", "weight", "tied")))
        s, weight = label_nodes(p, sub, row.label_noise, panels, order)
        grid.append((sub, s, weight * (share * sub.weight * k[counts])[:, None]))

    def sides(x):
        m_w, Q_pw, V_wp = x[0], x[1], x[2]
        b, V = math.exp(x[3]), math.exp(x[4])
        Q_ww = Q_pw**2 / p.Q + b * b
        total = np.zeros(6)
        for nodes, s, weight in grid:
            h, G = nodes.h[:, None], nodes.G[:, None]
            xi = h - p.m * s
            centre = m_w * s + Q_pw / p.Q * xi + V_wp * G
            force, _, square, response = inner(row.student, centre, b, V, order)
            total += [np.sum(weight * y) for y in (s * force, xi * force, G * force, square, response, 0 * s)]
        sF, xiF, GF, FF, D, _ = alpha * total
        return np.array(
            [
                (lam * m_w - sF) / math.sqrt(alpha * FF),
                (Q_pw - p.V * (V_wp * alpha * M + V * GF)) / math.sqrt(p.Q * Q_ww),
                (V_wp - (p.V * V / p.Q) * (xiF + Q_pw * D)) / (p.V * V) * math.sqrt(p.Q / (alpha * FF)),
                (Q_ww - V_wp**2 * alpha * M - 2 * V_wp * V * GF - V * V * FF) / Q_ww,
                V * (lam + D) - 1,
            ]
        )

    found = root(sides, student_start(row, p), method="hybr", options={"xtol": 1e-14})
    worst = np.max(np.abs(sides(found.x)))
    assert worst < 1e-9, (row, worst)
    m_w, Q_pw, V_wp, log_b, log_V = found.x
    across, b = Q_pw / math.sqrt(p.Q), math.exp(log_b)
    norm = math.sqrt(m_w**2 + across**2 + b**2)
    return {
        "generalization_error": math.atan2(math.hypot(across, b), m_w) / math.pi,
        "probe_overlap": (m_w * p.m + Q_pw) / (norm * p.norm),
        "norm": norm,
        "V_w": math.exp(log_V),
        "V_wp": V_wp,
        "largest_residual": float(worst),
    }


# ---------------------------------------------------------------- starts, from the package


def trained_probe(row):
    from replica_theory import TrainedProbe

    return TrainedProbe(row.probe, row.probe_ridge, row.share, row.ties)


def probe_start(row):
    from replica_theory import KeepRandom, empirical_risk

    alpha, everything = row.share * row.alpha_total, KeepRandom(1.0)
    s = empirical_risk(alpha, loss=row.probe, ridge=row.probe_ridge, selection=everything, label_noise=row.label_noise)
    d = s.norm * s.direction
    return 1.001 * d[0], 0.999 * (d[1] ** 2 + d[2] ** 2), 1.002 * s.scale


def selection(row):
    from replica_theory import Calibrated, KeepWindows, KeepWithProbability

    if row.steepness:
        return KeepWithProbability(lambda z, y: expit(-row.steepness * (np.abs(z) - 1)), edges=(0.0,))
    rule = KeepWindows(row.windows, row.label_aware)
    return Calibrated(rule, row.random_share) if row.random_share else rule


def student_start(row, p):
    """Order parameters of the package's engine, a tenth of a per cent off."""
    from replica_theory._trained_probe.minimiser import minimiser
    from replica_theory._trained_probe.pruning import Pruning
    from replica_theory.losses.named import LOSSES
    from replica_theory.losses.ridgeless import HardMargin

    probe = trained_probe(row)
    pruning = Pruning(
        loss=LOSSES[probe.loss],
        ridge=probe.ridge,
        share=probe.share,
        ties=probe.ties,
        selection=selection(row),
        label_noise=row.label_noise,
    )
    pool = pruning.of_total(row.alpha_total)
    hard = row.student == "max_margin"
    s = minimiser(pool.training(HardMargin() if hard else LOSSES[row.student], 1.0 if hard else row.ridge))
    A, r, c = s.along[0], s.along[1] / p.norm, s.reaction[0] / pool.probe.force_size
    off = 1.001
    return [off * (A + r * p.m), off * r * p.Q, off * (c + r * p.V), math.log(s.outside * off), math.log(s.scale / off)]


def solve(row, fine):
    panels, order = (40, 14) if fine else (28, 12)
    p = solve_probe(row, 2 * panels, order)
    parts, fraction = kept(row, p, panels, order)
    s_panels, s_order = (24, 14) if fine else (16, 12)
    answer = {
        "keep_fraction": fraction,
        "probe_angle": math.atan2(math.sqrt(p.Q), p.m),
        "probe_norm": p.norm,
        "probe_V": p.V,
    }
    return answer | solve_student(row, p, parts, s_panels, s_order)


def main():
    rows = settings()
    chosen = [int(i) for i in sys.argv[1:]] or range(len(rows))
    path, table = Path(__file__).with_name("trained_probe.json"), []
    for i in chosen:
        rough, fine = solve(rows[i], False), solve(rows[i], True)
        agreement = max(
            abs(rough[name] - fine[name]) for name in ("generalization_error", "probe_angle", "probe_overlap")
        )
        table.append(asdict(rows[i]) | {"probe_ridge": str(rows[i].probe_ridge)} | fine | {"agreement": agreement})
        print(i, rows[i], fine["generalization_error"], agreement, flush=True)
    if not sys.argv[1:]:
        about = "Students on pools that their own probe has pruned, by make_trained_probe.py (see there)."
        path.write_text(json.dumps({"about": about, "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
