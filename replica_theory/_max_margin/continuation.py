"""Max-margin students along the curve of α, which begins where the student is the mean of what is kept.

As α → 0 every kept example attains the margin, and the student is their mean. From there the curve
is followed by its tangent, in steps of arclength, so that a sudden turn such as the transition at
Gardner's capacity is no obstacle. Students at all requested α are interpolated between the steps
and polished together.
"""

import numpy as np

from replica_theory._max_margin.initial_guesses import guesses
from replica_theory._max_margin.newton import Polished, equations, newton
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.saddle_point import mean_example
from replica_theory._numerics.hermite import CubicHermite
from replica_theory.errors import SaddlePointError
from replica_theory.selection.kept_distribution import KeptDistribution

_FIRST, _SHORTEST, _LONGEST = 0.5, 1e-4, 2.0  # steps along the curve
_ROUGH = 1e-3  # residual to which anchors of the curve are solved
_AIM = 0.2  # residual that a step's prediction should have
_SHARPEST = 0.7  # cosine between the tangents at a step's ends
_GUESSES = 2  # that are tried
_SAMPLES = 40  # of the interpolant, in each step


def solve_students(law: KeptDistribution, alphas: np.ndarray, *, guess: bool = True) -> Polished:
    """The students at these α, in their order, with the tangents of their curve.

    One student is guessed, if it can be. The problem is convex, so whatever solves its equations is the student; but
    only a second quadrature can tell that they are solved.
    """
    if guess and alphas.size == 1 and (direct := _guessed(law, float(alphas[0]))).found[0]:
        return direct
    polished = newton(law, _between(*_follow(law, float(alphas.min()), float(alphas.max())), alphas))
    if not polished.found.all():
        lost = np.flatnonzero(~polished.found)[0]
        raise SaddlePointError(
            f"no student found at alpha_prune = {alphas[lost]}", residual=float(polished.residual[lost])
        )
    return polished


def _guessed(law: KeptDistribution, alpha: float) -> Polished:
    """What Newton's method makes of a few guesses, from the best on, until one leads to a student."""
    students = guesses(law, alpha)
    here = equations(law, students)
    sizes = np.abs(here.residual).max(-1)
    for guess in np.argsort(sizes)[:_GUESSES, None]:
        polished = newton(law, students[guess], here=here[guess])
        if polished.found[0]:
            break
    return polished


def _follow(law: KeptDistribution, lowest: float, highest: float) -> tuple[list[Polished], list[float]]:
    """Anchors along the curve, from ``lowest`` α or below it to ``highest`` or above, and their arclengths."""
    anchors, lengths = [newton(law, _mean_student(law, lowest), tolerance=_ROUGH)], [0.0]
    step, curvature = _FIRST, 0.0
    while (here := anchors[-1]).students.alpha[0] < highest:
        ahead = newton(law, _predicted(here, step, curvature), direction=here.tangents, tolerance=_ROUGH)
        if ahead.found[0] and np.sum(ahead.tangents * here.tangents) > _SHARPEST:
            anchors.append(ahead)
            lengths.append(lengths[-1] + step)
            curvature = (ahead.tangents - here.tangents) / step
            step = min(_LONGEST, step * float(np.clip((_AIM / ahead.first_residual[0]) ** (1 / 3), 0.5, 2.5)))
        else:
            step /= 3
        if not step > _SHORTEST:
            alpha = float(here.students.alpha[0])
            raise SaddlePointError(f"the curve is lost at alpha_prune = {alpha}", residual=float(ahead.residual[0]))
    return anchors, lengths


def _predicted(here: Polished, step: float, curvature: np.ndarray | float) -> OrderParameters:
    log_alpha, slack, log_scale, turn = (step * here.tangents + step**2 / 2 * curvature).T
    return here.students.stepped(log_alpha, here.unit * slack, log_scale, turn)


def _mean_student(law: KeptDistribution, alpha: float) -> OrderParameters:
    """p = √α m and k = 1/√α, with m the mean kept example, at an α so small that this is nearly exact."""
    mean = mean_example(law)
    size = np.hypot(*mean)
    alpha = min(alpha, 0.02 / (1 + size**2))
    return OrderParameters.of(alpha, alpha**-0.5, alpha**0.5 * size, np.arctan2(mean[1], mean[0]))


def _between(anchors: list[Polished], lengths: list[float], alphas: np.ndarray) -> OrderParameters:
    """Students at these α by Hermite interpolation, in arclength, of ln α, k/p, ln p and ψ."""
    students = [anchor.students for anchor in anchors]
    if len(anchors) == 1:
        return OrderParameters.of(alphas, students[0].k, students[0].length, students[0].angle)
    values = [np.stack([np.log(s.alpha), s.k / s.length, np.log(s.length), s.angle], -1) for s in students]
    slopes = [a.tangents * [1.0, float(a.unit[0] / a.students.length[0]), 1.0, 1.0] for a in anchors]
    curve = CubicHermite(np.array(lengths), np.concatenate(values).astype(float), np.concatenate(slopes))
    steps = np.arange(len(anchors))
    fine = np.interp(np.linspace(0, steps[-1], _SAMPLES * steps[-1] + 1), steps, lengths)
    _, ratio, log_length, angle = curve(np.interp(np.log(alphas), curve(fine)[:, 0], fine)).T
    length = np.exp(log_length)
    return OrderParameters.of(alphas, ratio * length, length, angle)
