"""The theory along the curves of a request, as rows of a table."""

from collections.abc import Iterator

import numpy as np

from perceptron_pruning.commands.theory.request import Curve, Quantity, Request
from perceptron_pruning.output.tables import Row
from replica_theory import max_margin, pareto_frontier, version_space

COLUMNS: dict[Quantity, tuple[str, ...]] = {
    "error": ("generalization_error", "overlap", "probe_overlap", "margin", "scaling_exponent", "residual"),
    "version-space": (
        "entropy",
        "information_gain",
        "overlap",
        "self_overlap",
        "gibbs_error",
        "center_of_mass_error",
        "residual",
    ),
    "frontier": ("generalization_error",),  # and the fraction that attains it, one of the row's coordinates
}


def solved(request: Request) -> Iterator[list[Row]]:
    """Rows of one curve after the other, each solved as a whole.

    Raises:
        SaddlePointError: A point has no verified solution.
    """
    for curve in request.curves():
        yield _rows(curve, request)


def _rows(curve: Curve, request: Request) -> list[Row]:
    fraction = curve.selection.keep_fraction
    alphas = np.array(request.alpha) * (fraction if request.abscissa == "alpha_total" else 1.0)
    solution = _solution(curve, alphas, request)
    fractions = np.broadcast_to(getattr(solution, "keep_fraction", fraction), alphas.shape)
    columns = {
        "keep_fraction": fractions,
        "probe_angle_degrees": np.full(alphas.shape, curve.degrees),
        "alpha_prune": alphas,
        "alpha_total": alphas / fractions,
    }
    columns[request.abscissa] = np.array(request.alpha)  # as it was given, not rounded on the way
    columns |= {name: getattr(solution, name) for name in COLUMNS[request.quantity]}
    lines = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{"rule": curve.rule, **dict(zip(columns, line, strict=True))} for line in lines]


def _solution(curve: Curve, alphas: np.ndarray, request: Request):
    if request.quantity == "version-space":
        return version_space(alphas, selection=curve.selection)
    if request.min_keep_fraction is not None:
        return pareto_frontier(alphas, probe_angle=curve.probe_angle, min_keep_fraction=request.min_keep_fraction)
    return max_margin(alphas, selection=curve.selection, probe_angle=curve.probe_angle)
