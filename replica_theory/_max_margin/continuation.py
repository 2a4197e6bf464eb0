"""Max-margin students along the curve of α, which begins where the student is the mean of the kept examples.

As α → 0 every kept example attains the margin, and the student is their mean. From there the curve is followed by its
tangent, in steps of arclength in the coordinates (ln α, δk/k_unit, ln scale, ψ) of a Newton step, so that a sudden turn
such as the transition at Gardner's capacity is no obstacle. Students at all requested α are interpolated between the
steps and polished together.
"""

import math

import numpy as np

from replica_theory._max_margin.initial_guesses import initial_guesses
from replica_theory._max_margin.newton import NewtonResult, newton, newton_of_one
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.saddle_point import mean_example, saddle_point_equations
from replica_theory._numerics.hermite import CubicHermite
from replica_theory.errors import SaddlePointError
from replica_theory.selection.kept_distribution import KeptDistribution

_FIRST_STEP, _SHORTEST_STEP, _LONGEST_STEP = 0.5, 1e-4, 2.0  # arclength
_ANCHOR_TOLERANCE = 1e-3  # residual to which students that anchor the curve are solved
_PREDICTION_RESIDUAL = 0.2  # residual that the prediction of a step should have
_LEAST_COSINE = 0.7  # between the tangents at a step's ends
_GUESSES_TRIED = 2  # starts of Newton's method at most, for one student
_SMALL_ALPHA = 0.02  # α (1 + |mean example|²) up to which the student is the mean example, to the anchors' tolerance
_SAMPLES = 40  # points per step at which the interpolated α is inverted


def solve_student(
    kept: KeptDistribution, alpha: float, *, near: OrderParameters | None = None, guess: bool = True
) -> NewtonResult:
    """The student at this α, in numbers, with the tangent of its curve.

    The problem is convex, so whatever solves its equations is the student.

    Args:
        kept: Distribution of the kept examples.
        alpha: α.
        near: A student near the solution, if one is known.
        guess: Whether the student may be found from a guess, without its curve.

    Raises:
        SaddlePointError: The curve is lost, or the student on it is not found.
    """
    if near is not None and (result := newton_of_one(kept, near)).converged:
        return result
    if guess and (result := _from_guesses(kept, alpha)):
        return result
    return solve_students(kept, np.array([alpha]))[0]


def solve_students(kept: KeptDistribution, alphas: np.ndarray) -> NewtonResult:
    """Students at these α, in their order, with the tangents of their curve, which is followed.

    Args:
        kept: Distribution of the kept examples.
        alphas: α, (students,).

    Raises:
        SaddlePointError: The curve is lost, or a student on it is not found.
    """
    anchors, lengths = _follow(kept, float(alphas.min()), float(alphas.max()))
    result = newton(kept, _interpolated(anchors, lengths, alphas))
    if not result.converged.all():
        lost = np.flatnonzero(~result.converged)[0]
        raise SaddlePointError(
            f"no student found at alpha_prune = {alphas[lost]}", residual=float(result.residual[lost])
        )
    return result


def _from_guesses(kept: KeptDistribution, alpha: float) -> NewtonResult | None:
    """The student that Newton's method finds from the guesses of least residual, if it finds one."""
    students = initial_guesses(kept, alpha)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        equations = saddle_point_equations(kept, students)
    for guess in np.argsort(equations.largest_residual)[:_GUESSES_TRIED]:
        result = newton_of_one(kept, students[guess], equations[guess])
        if result.converged:
            return result
    return None


def _follow(kept: KeptDistribution, lowest: float, highest: float) -> tuple[list[NewtonResult], list[float]]:
    """Anchors along the curve, from ``lowest`` α or below it to ``highest`` or above, and their arclengths."""
    first = newton_of_one(kept, _mean_student(kept, lowest), tolerance=_ANCHOR_TOLERANCE)
    anchors, lengths, step, curvature = [first], [0.0], _FIRST_STEP, np.zeros(4)
    while (here := anchors[-1]).students.alpha < highest:
        start = _predicted(here, step, curvature)
        ahead = newton_of_one(kept, start, direction=here.tangent, tolerance=_ANCHOR_TOLERANCE)
        before, after = np.array(here.tangent), np.array(ahead.tangent)
        if ahead.converged and after @ before > _LEAST_COSINE:
            anchors.append(ahead)
            lengths.append(lengths[-1] + step)
            curvature = (after - before) / step
            # the prediction is good to third order in the step
            growth = (_PREDICTION_RESIDUAL / ahead.first_residual) ** (1 / 3)
            step = min(_LONGEST_STEP, step * float(np.clip(growth, 0.5, 2.5)))
        else:
            step /= 3
        if not step > _SHORTEST_STEP:
            alpha = float(here.students.alpha)
            raise SaddlePointError(f"the curve is lost at alpha_prune = {alpha}", residual=float(ahead.residual))
    return anchors, lengths


def _predicted(here: NewtonResult, step: float, curvature: np.ndarray) -> OrderParameters:
    """The student one step along the curve, to second order."""
    log_alpha, relative_k, log_scale, angle = (step * np.array(here.tangent) + step**2 / 2 * curvature).tolist()
    return here.students.stepped(log_alpha, here.k_unit * relative_k, log_scale, angle)


def _mean_student(kept: KeptDistribution, alpha: float) -> OrderParameters:
    """p = √α |m| along the mean kept example m, and k = 1/√α, at an α so small that this is nearly exact."""
    parallel, across = mean_example(kept).tolist()
    size = math.hypot(parallel, across)
    alpha = min(alpha, _SMALL_ALPHA / (1 + size**2))
    return OrderParameters(alpha=alpha, k=alpha**-0.5, length=alpha**0.5 * size, angle=math.atan2(across, parallel))


def _interpolated(anchors: list[NewtonResult], lengths: list[float], alphas: np.ndarray) -> OrderParameters:
    """Students at these α by Hermite interpolation, in arclength, of ln α, k/p, ln p and ψ."""
    students = [anchor.students for anchor in anchors]
    if len(anchors) == 1:
        return OrderParameters.of(alphas, students[0].k, students[0].length, students[0].angle)
    values = [[np.log(s.alpha), s.k / s.length, np.log(s.length), s.angle] for s in students]
    # k and p grow together in a step of the scale, so that k/p changes by the step of k alone
    slopes = [np.array(a.tangent) * [1.0, float(a.k_unit / a.students.length), 1.0, 1.0] for a in anchors]
    curve = CubicHermite(np.array(lengths), np.array(values, float), np.array(slopes))
    steps = np.arange(len(anchors))
    arclengths = np.interp(np.linspace(0, steps[-1], _SAMPLES * steps[-1] + 1), steps, lengths)
    at_alphas = np.interp(np.log(alphas), curve(arclengths)[:, 0], arclengths)
    _, ratio, log_length, angle = curve(at_alphas).T
    length = np.exp(log_length)
    return OrderParameters.of(alphas, ratio * length, length, angle)
