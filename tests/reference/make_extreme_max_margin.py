"""Max-margin students in the extremes of the domain, from an evaluation that shares nothing with the package.

Run by hand, ``python tests/reference/make_extreme_max_margin.py``, with mpmath and python-flint installed; rows
already in ``extreme_max_margin.json`` are kept, so that a run can be interrupted.

In the fixed frame of the probe P and w⊥, the part of the teacher T = c P + s w⊥ outside it, the student
(A, B, 1) with margin k solves αM = 1, kA M_k + n² M_A = 0, kB M_k + n² M_B = 0, n² = 1 + A² + B², where

    M(A, B, k) = (2/f) ∫ dm φ(m) q(m) ∫_{w > −m cot θ} dw φ(w) Q(k − A m − B w),   Q(x) = E (x + g)₊²

and q(m) = ½ [q(m, +1) + q(−m, −1)]. The integral over w is a bivariate normal probability (Owen's T) and
elementary terms; the one over m is by Gauss–Legendre panels at every scale of the integrand. The package
integrates over the student's own field instead, in another frame. Arithmetic is in balls of 220 bits. A student
is followed from small α, where it is known. The problem is convex, so a root with k > 0 is the student.

Each row is solved at one resolution and moved by Newton's step at a finer one (`quadrature_change`, the larger of
the relative changes of ε and κ); and at θ > 0, M and its gradient are evaluated a second time with the integral
over w by quadrature too (`nested_change`, relative). Inputs are the exact doubles of the row, except for the
angle, which is exact in degrees. `alpha_exponent` is d ln ε/d ln α.
"""

import itertools
import json
import math
import random
from dataclasses import dataclass, replace
from pathlib import Path

import mpmath
from flint import arb, arb_mat, ctx

PATH = Path(__file__).with_name("extreme_max_margin.json")
REACH = 15.5  # φ beyond it is below 1e-52
ROOT_TWO, ROOT_TWO_PI = None, None  # set with the precision


def set_precision(bits):
    global ROOT_TWO, ROOT_TWO_PI
    ctx.prec = bits
    ROOT_TWO, ROOT_TWO_PI = arb(2).sqrt(), (2 * arb.pi()).sqrt()


set_precision(220)


# --- the normal distribution, in one and two dimensions


def density(x):
    return (-x * x / 2).exp() / ROOT_TWO_PI


def below(x):
    """Φ(x)."""
    return (-x / ROOT_TWO).erfc() / 2


@dataclass(frozen=True)
class Resolution:
    """Orders of Gauss–Legendre rules: over panels of m (and w), and in Owen's T."""

    panel: int
    owen: int


ROUGH, FINE, FINER = Resolution(10, 24), Resolution(16, 36), Resolution(22, 48)
_RULES = {}


def gauss_legendre(order):
    """Nodes and weights on (0, 1)."""
    key = order, ctx.prec
    if key not in _RULES:
        pairs = [arb.legendre_p_root(order, i, weight=True) for i in range(order)]
        _RULES[key] = [((1 + x) / 2, w / 2) for x, w in pairs]
    return _RULES[key]


def owens_t(h, y, order):
    """T(h, y/h) = (1/2π) ∫_0^{y/h} exp(−h² (1 + t²)/2)/(1 + t²) dt, at slopes of at most 1 by reflection."""
    if h == 0:
        return arb(1 if y > 0 else -1) / 4
    if h < 0:
        return -owens_t(-h, y, order)
    if y < 0:
        return -owens_t(h, -y, order)
    if y > h:
        first, second = below(h), below(y)
        return (first + second) / 2 - first * second - owens_t(y, h, order)
    slope, half = y / h, h * h / 2
    if half > 140:
        return arb(0)
    total = arb(0)
    for node, weight in gauss_legendre(order):
        squared = 1 + (slope * node) ** 2
        total += weight * (-half * squared).exp() / squared
    return slope * total / (2 * arb.pi())


def orthant(h, k, h_reach, k_reach, order):
    """P(X < h, Y < k), with h_reach = (k − ρh)/√(1−ρ²) and k_reach = (h − ρk)/√(1−ρ²)."""
    split = (h > 0 and k < 0) or (h < 0 and k > 0) or ((h == 0 or k == 0) and h + k < 0)
    half = arb(1) / 2 if split else 0
    return (below(h) + below(k)) / 2 - owens_t(h, h_reach, order) - owens_t(k, k_reach, order) - half


# --- selection rules as q(m) in pieces, with their mean f


PROBABILITIES = {  # q(z, y); the test has the same in NumPy
    "bell": lambda z, y: (-z * z / 4).exp(),
    "hardness": lambda z, y: 1 / (1 + (2 * z * y).exp()),
    "lopsided": lambda z, y: (2 + y) / (4 + 4 * (z / 2).exp()),
    "bell and window": lambda z, y: (-z * z / 8).exp() / 2 + (arb(1) / 2 if -0.25 < z * y < 0.75 else 0),
}


@dataclass(frozen=True)
class Law:
    """q(m) on consecutive pieces (lower, upper, q), its mean and the probe's angle."""

    pieces: list
    keep_fraction: arb
    degrees: float

    @property
    def angle(self):
        return arb(self.degrees) * arb.pi() / 180

    @property
    def cotangent(self):
        return None if self.degrees == 0 else arb(0) if self.degrees == 90 else 1 / self.angle.tan()


def margin_distribution(x, cotangent):
    """P(y z < x) = Φ(x) − 2 T(x, cot θ), and P(0 < y z < x) at θ = 0."""
    if cotangent is None:
        return 1 - 2 * below(-x) if x > 0 else arb(0)
    if x == 0:
        return arb(1) / 2 - cotangent.atan() / arb.pi()
    return below(x) - 2 * owens_t(x, x * cotangent, FINE.owen)


def quantile(share, distribution):
    """Bisection: slow, certain."""
    low, high = arb(-40), arb(40)
    for _ in range(ctx.prec):
        middle = ((low + high) / 2).mid()
        low, high = (middle, high) if distribution(middle) < share else (low, middle)
    return high


def window(lower_share, upper_share, label_aware, degrees):
    """Pieces of the rule that keeps margins between two quantiles."""
    law = Law([], arb(1), degrees if label_aware else 0.0)
    ends = [
        (arb(sign * 20) if sign > 0 or label_aware else arb(0))
        if share == edge
        else quantile(share, lambda x: margin_distribution(x, law.cotangent))
        for share, edge, sign in ((lower_share, 0, -1), (upper_share, 1, 1))
    ]
    mirrored = [] if label_aware else [(-ends[1], -ends[0], 1)]
    return [*mirrored, (*ends, 1)]


def make_law(rule, degrees):
    """The law of a rule, given as in the rows."""
    name = rule["rule"]
    if name == "Calibrated":
        inner, share = make_law(rule["selection"], degrees), arb(rule["random_share"])
        base = share * inner.keep_fraction
        ends = sorted({arb(-20), arb(20), *(end for piece in inner.pieces for end in piece[:2])}, key=float)
        kept = [any(low <= (a + b) / 2 <= high for low, high, _ in inner.pieces) for a, b in itertools.pairwise(ends)]
        pieces = [(a, b, base + (1 - share) * k) for (a, b), k in zip(itertools.pairwise(ends), kept, strict=True)]
        return Law(pieces, inner.keep_fraction, degrees)
    if name == "KeepWithProbability":
        probability = PROBABILITIES[rule["probability"]]
        folded = lambda m: (probability(m, 1) + probability(-m, -1)) / 2  # noqa: E731
        ends = [arb(-20), *map(arb, rule.get("edges", [])), arb(20)]
        law = Law([(*pair, folded) for pair in itertools.pairwise(ends)], arb(1), degrees)
        return replace(law, keep_fraction=mean_probability(law))
    fraction = arb(rule.get("keep_fraction", 1.0))
    aware = rule.get("label_aware", False)
    pieces = {
        "KeepHardest": lambda: window(arb(0), fraction, aware, degrees),
        "KeepEasiest": lambda: window(1 - fraction, arb(1), aware, degrees),
        "KeepBetween": lambda: window(arb(rule["lower"]), arb(rule["upper"]), aware, degrees),
        "KeepRandom": lambda: [(arb(-20), arb(20), fraction)],
    }[name]()
    if name == "KeepBetween":
        fraction = arb(rule["upper"]) - arb(rule["lower"])
    return Law(pieces, fraction, degrees)


def mean_probability(law):
    """E q = ∫ 2 φ(m) Φ(m cot θ) q(m) dm."""
    cotangent = law.cotangent
    features = [] if cotangent is None else [(arb(0), law.angle.tan() if law.degrees < 90 else arb(1))]
    label = (lambda m: below(m * cotangent)) if cotangent is not None else (lambda m: arb(m > 0))
    return sum(weight * 2 * density(m) * label(m) for m, weight in nodes(law, features, FINER.panel))


# --- M, its gradient and its Hessian


def panels(lower, upper, features):
    """Ends of panels: 1 apart, and two widths apart wherever a feature (centre, width) varies."""
    ends = {arb(step) for step in range(-15, 16)}
    for centre, width in [(arb(0), arb(1) / 2), *features]:
        ends |= {(centre + 2 * width * step).mid() for step in range(-8, 9)}
    inside = sorted((end for end in ends if lower < end < upper), key=lambda end: end.mid())
    apart = [end for last, end in itertools.pairwise([lower, *inside]) if end - last > 1e-25]  # no centre twice
    return [lower, *apart, upper]


def panel_rule(lower, upper, features, order):
    for start, end in itertools.pairwise(panels(lower, upper, features)):
        width = end - start
        for node, weight in gauss_legendre(order):
            yield start + width * node, width * weight


def nodes(law, features, order):
    """Margins m and weights with q(m) in them."""
    for lower, upper, q in law.pieces:
        lower, upper = (max(lower, arb(-REACH)), min(upper, arb(REACH)))
        if law.degrees == 0:
            lower = max(lower, arb(0))
        if lower < upper:
            for m, weight in panel_rule(lower.mid(), upper.mid(), features, order):
                yield m, weight * (q(m) if callable(q) else q)


def features(law, A, B, k):
    """(centre, width) in m of every argument of φ and Φ in the integral over w."""
    lines = [(k, A, (1 + B * B).sqrt())]  # (k − A m)/√(1 + B²)
    if law.degrees > 0:
        cotangent = law.cotangent
        across = cotangent + B * (B * cotangent - A)
        lines += [(arb(0), cotangent, arb(1)), (k, A - B * cotangent, arb(1)), (-B * k, across, (1 + B * B).sqrt())]
    return [(shift / slope, abs(unit / slope)) for shift, slope, unit in lines if abs(slope) > 1e-12]


def across_in_closed_form(law, m, A, B, k, resolution):
    """∫ dw φ(w) over w > −m cot θ of Q, Q', w Q', Q'', w Q'', w² Q'' at k − A m − B w."""
    K = k - A * m
    if law.degrees == 0:
        mass, peak = below(K), density(K)
        return (K * K + 1) * mass + K * peak, 2 * (K * mass + peak), arb(0), 2 * mass, arb(0), 2 * mass
    start = -m * law.cotangent
    squared = 1 + B * B
    norm = squared.sqrt()
    centre = K * B / squared
    reach = norm * (start - centre)
    peak = density(K / norm) / norm
    J0 = peak * below(-reach)
    J1 = centre * J0 + peak * density(reach) / norm
    edge = density(start) * below(K - B * start)
    I0 = orthant(-start, K / norm, K - B * start, -reach, resolution.owen)
    I1 = edge - B * J0
    I2 = start * edge + I0 - B * J1
    Q = (K * K + 1) * I0 - 2 * K * B * I1 + B * B * I2 + K * J0 - B * J1
    return Q, 2 * (K * I0 - B * I1 + J0), 2 * (K * I1 - B * I2 + J1), 2 * I0, 2 * I1, 2 * I2


def across_by_quadrature(law, m, A, B, k, resolution):
    """∫ dw φ(w) over w > −m cot θ of Q, Q', w Q' alone, with no closed form but Q's."""
    K, start = k - A * m, max(-m * law.cotangent, arb(-REACH)).mid()
    slope = [(K / B, 1 / abs(B))] if abs(B) > 1e-12 else []
    totals = [arb(0)] * 3
    if start < REACH:
        for w, weight in panel_rule(start, arb(REACH), slope, resolution.panel):
            x = K - B * w
            if x > -17:
                mass, peak, weight = below(x), density(x), weight * density(w)
                ramp = 2 * (x * mass + peak) * weight
                totals = [totals[0] + ((x * x + 1) * mass + x * peak) * weight, totals[1] + ramp, totals[2] + w * ramp]
    return (*totals, arb(0), arb(0), arb(0))


def shortfall(law, A, B, k, resolution, across=across_in_closed_form):
    """M, its gradient and Hessian in (A, B, k)."""
    value, gradient, hessian = arb(0), [arb(0)] * 3, [arb(0)] * 6
    for m, weight in nodes(law, features(law, A, B, k), resolution.panel):
        weight = 2 / law.keep_fraction * weight * density(m)
        Q, ramp, ramp_w, step, step_w, step_ww = (weight * part for part in across(law, m, A, B, k, resolution))
        value += Q
        gradient = [total + part for total, part in zip(gradient, (-m * ramp, -ramp_w, ramp), strict=True)]
        parts = (m * m * step, m * step_w, -m * step, step_ww, -step_w, step)
        hessian = [total + part for total, part in zip(hessian, parts, strict=True)]
    aa, ab, ak, bb, bk, kk = hessian
    return value, gradient, [[aa, ab, ak], [ab, bb, bk], [ak, bk, kk]]


# --- Newton's method, and continuation in α where it has no start


def equations(law, alpha, student, resolution):
    """The three equations, relative to the size of their terms, and their Jacobian."""
    A, B, k = student
    squared = 1 + A * A + B * B
    value, gradient, hessian = shortfall(law, A, B, k, resolution)
    M_k, size = gradient[2], k * gradient[2] * squared.sqrt()
    residual, rows = [(alpha * value).log()], [[part / value for part in gradient]]
    for i, own in enumerate((A, B)):
        residual.append((k * own * M_k + squared * gradient[i]) / size)
        row = [k * own * hessian[2][j] + squared * hessian[i][j] + 2 * (A, B, 0)[j] * gradient[i] for j in range(3)]
        row[i] += k * M_k
        row[2] += own * M_k
        rows.append([part / size for part in row])
    return residual, rows


def newton(law, alpha, student, resolution, tolerance, patience=25):
    """(student, Jacobian) at a root with k > 0, or None."""
    for _ in range(patience):
        residual, rows = equations(law, alpha, student, resolution)
        size = max(abs(float(part.mid())) for part in residual)
        if not size < 1e4 or not math.isfinite(size):
            return None
        step = solve(rows, residual)
        A, B, k = student
        scale = (abs(float(k)), math.sqrt(1 + float(A) ** 2 + float(B) ** 2))
        longest = max(abs(float(step[0])) / scale[1], abs(float(step[1])) / scale[1], abs(float(step[2])) / scale[0])
        damping = min(1.0, 0.4 / longest) if longest > 0 else 1.0
        student = [(x - damping * dx).mid() for x, dx in zip(student, step, strict=True)]
        if longest < tolerance or (longest < 1e-9 and longest**2 * 1e6 < tolerance):
            return (student, rows) if student[2] > 0 else None
    return None


def solve(rows, right):
    solution = arb_mat(rows).mid().solve(arb_mat([[part] for part in right]).mid())
    return [solution[i, 0].mid() for i in range(3)]


def mean_margin(law):
    """E y z of kept examples: the direction of the student as α → 0."""
    value, gradient, _ = shortfall(law, arb(0), arb(0), arb(30), ROUGH)  # Q' = 2k there
    return -gradient[0] / gradient[2], -gradient[1] / gradient[2], value


def follow(law, alpha):
    """The student at α by continuation from small α, at a rough resolution."""
    precision = ctx.prec
    set_precision(128)
    here = 0.01
    along, across, _ = mean_margin(law)
    root = arb(here).sqrt()
    student, rows = newton(law, here, [root * along, root * across, 1 / root], ROUGH, 1e-10) or failed("α = .01")
    stride = 1.0
    while here != alpha:
        there = here * math.exp(stride) if here * math.exp(1.01 * stride) < alpha else alpha
        change = math.log(there / here)
        found = newton(law, there, predicted(student, rows, change), ROUGH, 1e-8, patience=10)
        if found is None:
            stride /= 2
            if stride < 1e-9:
                failed(f"α = {there}")
            continue
        (student, rows), here, stride = found, there, min(1.4 * stride, 1.0)
    set_precision(precision)
    return student


def predicted(student, rows, change):
    """The student after a change of ln α: k and the length of (A, B) move exponentially."""
    (A, B, k), slopes = student, solve(rows, [arb(1), arb(0), arb(0)])
    dA, dB, dk = (-slope * change for slope in slopes)
    stretch = (A * dA + B * dB) / (A * A + B * B)
    A, B = (x * stretch.exp() + dx - stretch * x for x, dx in ((A, dA), (B, dB)))
    return [A.mid(), B.mid(), (k * (dk / k).exp()).mid()]


def failed(where):
    raise ArithmeticError(f"continuation ends at {where}")


# --- rows


def overlaps(law, student):
    """ε, κ, R, 1 − R, ρ."""
    A, B, k = student
    c, s = (arb(0), arb(1)) if law.degrees == 90 else (law.angle.cos(), law.angle.sin())
    norm, along = (1 + A * A + B * B).sqrt(), A * c + B * s
    error = arb.atan2((1 + (A * s - B * c) ** 2).sqrt(), along) / arb.pi()
    return error, k / norm, along / norm, 1 - along / norm, A / norm


def alpha_exponent(law, student, rows):
    """d ln ε/d ln α, from the change of the student in the equations' tangent."""
    slope, change = solve(rows, [arb(1), arb(0), arb(0)]), arb(10) ** -25
    ahead, behind = ([x - sign * change * dx for x, dx in zip(student, slope, strict=True)] for sign in (1, -1))
    return (overlaps(law, ahead)[0] / overlaps(law, behind)[0]).log() / (2 * change)


NAMES = ("generalization_error", "margin", "overlap", "one_minus_overlap", "probe_overlap")


def complete(row):
    """The row with its values and their changes under refinement."""
    law, alpha = make_law(row["selection"], row["probe_angle_deg"]), arb(row["alpha_prune"])
    student, rows = newton(law, alpha, follow(law, row["alpha_prune"]), FINE, 1e-25) or failed("the last step")
    residual, _ = equations(law, alpha, student, FINER)
    if not all(part.rad() < 1e-20 for part in residual):
        failed("rounding")
    finer = [x - dx for x, dx in zip(student, solve(rows, residual), strict=True)]
    values, refined = overlaps(law, student), overlaps(law, finer)
    changes = [abs(float(((a - b) / b).mid())) for a, b in zip(values[:2], refined[:2], strict=True)]
    row = {**row, **{name: float(value.mid()) for name, value in zip(NAMES, refined, strict=True)}}
    row["alpha_exponent"] = float(alpha_exponent(law, student, rows).mid())
    row["quadrature_change"] = float(f"{max(changes):.1e}")
    if law.degrees > 0:
        row["nested_change"] = nested_change(law, student)
    return row


def nested_change(law, student):
    """Largest relative change of M and its gradient when the integral over w is by quadrature too."""
    value, gradient, _ = shortfall(law, *student, FINE)
    again, gradient_again, _ = shortfall(law, *student, Resolution(14, 0), across_by_quadrature)
    scale = arb(sum(part**2 for part in gradient)).sqrt()
    changes = [(again - value) / value, *((b - a) / scale for a, b in zip(gradient, gradient_again, strict=True))]
    return float(f"{max(abs(float(change.mid())) for change in changes):.1e}")


ANGLES = (0.0, 0.5, 2.0, 10.0, 20.0, 45.0, 70.0, 90.0)
FRACTIONS = (1.0, 0.5, 0.1, 0.1, 1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-6)
ALPHAS = (0.05, 0.5, 1.0, 2.0, 3.0, 3.0, 10.0, 10.0, 100.0, 100.0, 1e3, 1e4, 1e5)


def hardest(fraction, label_aware=False):
    return {"rule": "KeepHardest", "keep_fraction": fraction, "label_aware": label_aware}


def easiest(fraction, label_aware=False):
    return {"rule": "KeepEasiest", "keep_fraction": fraction, "label_aware": label_aware}


def between(lower, upper, label_aware=False):
    return {"rule": "KeepBetween", "lower": lower, "upper": upper, "label_aware": label_aware}


def calibrated(rule, share):
    return {"rule": "Calibrated", "selection": rule, "random_share": share}


def with_probability(name, edges=()):
    return {"rule": "KeepWithProbability", "probability": name, "edges": list(edges)}


def window_of(fraction, place, label_aware):
    lower = round(place * (1 - fraction), 3)
    return between(lower, min(lower + fraction, 1.0), label_aware)


RANKED = (
    lambda f, rng: hardest(f),
    lambda f, rng: easiest(f),
    lambda f, rng: hardest(f, True),
    lambda f, rng: easiest(f, True),
    lambda f, rng: window_of(f, rng.random(), False),
    lambda f, rng: window_of(f, rng.random(), True),
)
BY_CHANCE = (
    lambda f, rng: calibrated(hardest(f), rng.choice([0.01, 0.1, 0.5])),
    lambda f, rng: calibrated(easiest(f, rng.random() < 0.5), rng.choice([0.01, 0.1, 0.5])),
    lambda f, rng: with_probability(rng.choice(["bell", "hardness", "lopsided"])),
)


def random_rule(fraction, rng):
    return {"rule": "KeepRandom", "keep_fraction": fraction}


def drawn_rows(rng):
    """Fractions, angles and α from shuffled decks, so that each comes up evenly; then rules at angles, crossed."""
    decks = {deck: itertools.cycle(rng.sample(deck, len(deck))) for deck in (ANGLES, FRACTIONS, ALPHAS)}
    for family in RANKED * 13 + (random_rule,) * 2 + BY_CHANCE[:2] * 6 + BY_CHANCE[2:] * 6:
        angle, fraction, alpha = (next(decks[deck]) for deck in (ANGLES, FRACTIONS, ALPHAS))
        yield alpha, family(fraction, rng), angle
    for family, angle in itertools.product(RANKED, (10.0, 45.0, 70.0, 90.0)):
        yield rng.choice(ALPHAS), family(rng.choice(FRACTIONS), rng), angle


def hard_rows():
    """Where straightforward codes fail: the transition, confident labels, narrow windows, tiny angles."""
    yield from ((alpha, hardest(f), 0.0) for alpha in (1.9, 2.0, 2.1) for f in (1e-3, 1e-4, 1e-6))
    yield from ((alpha, hardest(1e-3), 0.5) for alpha in (1.9, 2.0, 2.1, 1e4))
    for alpha, angle in itertools.product((100.0, 1e3, 1e4), (2.0, 20.0)):
        yield from ((alpha, rule(f, True), angle) for rule in (hardest, easiest) for f in (0.1, 0.5))
    yield from ((100.0, hardest(0.3), 5.0), (30.0, hardest(0.1), 10.0))
    yield from ((1e5, hardest(1e-6, aware), 0.5) for aware in (False, True))
    yield from ((0.05, hardest(1e-6), 0.0), (1e5, hardest(1.0), 45.0), (1e5, hardest(1e-6), 0.0))
    yield from ((alpha, calibrated(hardest(1e-4), 0.01), 0.0) for alpha in (1.0, 100.0))
    for angle, width in itertools.product((0.0, 20.0), (1e-3, 1e-6)):
        yield from ((10.0, between(lower, lower + width), angle) for lower in (width, 0.5, 0.99))
        yield (3.0, between(0.05, 0.05 + width, True), angle)
    edges = (-0.25, 0.75)
    yield from (
        (alpha, with_probability("bell and window", edges), angle) for alpha, angle in ((3.0, 0.0), (30.0, 20.0))
    )


def constants():
    """Limits at θ = 0: α ε of random data as α → ∞, its k*, and ε/f as f → 0 at α > 2."""
    mpmath.mp.dps = 40
    bulk, peak = mpmath.ncdf, mpmath.npdf
    square = lambda k: (k * k + 1) * bulk(k) + k * peak(k)  # noqa: E731  E (k + g)₊²
    cube = lambda k: ((k**3 + 3 * k) * bulk(k) + (k * k + 2) * peak(k)) / 3  # noqa: E731  its integral
    k_star = mpmath.findroot(lambda k: cube(k) - k * bulk(k) - peak(k), 0.64)
    limits = {"alpha_error": 1 / (mpmath.sqrt(2 * mpmath.pi) * cube(k_star)), "k": k_star}
    for name, near in (("2.1", 0.522), ("3", 0.176), ("5", 0.1)):
        # kept margins fill (0, x) of the student's field: max k/x at (α/x) ∫_0^x Q(k − s) ds = 1
        alpha = mpmath.mpf(name)
        equal = lambda k, x, a=alpha: a * (cube(k) - cube(k - x)) - x  # noqa: E731
        stationary = lambda k, x, a=alpha: x * (1 - a * square(k - x)) - k * a * (square(k) - square(k - x))  # noqa: E731
        _, x = mpmath.findroot([equal, stationary], (0.5, 1 / (mpmath.sqrt(2 * mpmath.pi) * near)))
        limits[f"error_over_fraction_{name}"] = 1 / (mpmath.sqrt(2 * mpmath.pi) * x)
    return {name: float(value) for name, value in limits.items()}


def write(rows):
    """One row a line."""
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    about = json.dumps("Max-margin students, by make_extreme_max_margin.py, where the columns are defined.")
    PATH.write_text(f'{{\n "about": {about},\n "constants": {json.dumps(constants())},\n "rows": [\n{lines}\n ]\n}}\n')


def main():
    rows = json.loads(PATH.read_text())["rows"] if PATH.exists() else []
    for alpha, rule, degrees in [*hard_rows(), *drawn_rows(random.Random(2206))]:
        inputs = {"selection": rule, "probe_angle_deg": degrees, "alpha_prune": alpha}
        if not any(inputs.items() <= row.items() for row in rows):
            rows.append(complete(inputs))
            write(rows)
            print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
