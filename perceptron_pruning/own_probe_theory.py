"""Cells whose probe was trained on its own pool, against their theory, with a finite-size term that is measured.

No theory enters the term. It falls as 1/N, so that smaller cells on other draws, at N/4 and N/2, differ by twice it.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from perceptron_pruning.finite_size import NEXT_ORDER, FiniteSizeTerm
from perceptron_pruning.rounds import SimulatedRound, simulate_rounds
from perceptron_pruning.simulation import SimulationResult, simulate
from perceptron_pruning.students.training import Student
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.pruning_rounds import PruningRound, pruning_rounds
from replica_theory.selection import GradientProbe, TrainedProbe
from replica_theory.selection.label_noise import check_flip_rate

MAX_MARGIN = EmpiricalRisk("hinge", ridge=0.0)  # the max-margin student wherever labels are separable

_LEAST_FEATURES = 10  # N at which a finite-size term is still measured
_OTHER_DRAWS = 10**9  # number of the first trial of those by which it is
_SMALLER = ((4, 8), (2, 4))  # divisors of N, and how many times as many trials


def own_probe_error(alpha_prune: np.ndarray, simulation: SimulationResult) -> np.ndarray:
    """ε of the theory with the cell's own `TrainedProbe`, at these α."""
    assert isinstance(simulation.probe, TrainedProbe)
    setting = {"selection": simulation.selection, "probe": simulation.probe}
    if simulation.student == "max_margin" and simulation.label_noise == 0:
        return np.asarray(max_margin(alpha_prune, **setting).generalization_error)
    risk = MAX_MARGIN if simulation.student == "max_margin" else simulation.student
    solution = empirical_risk(
        alpha_prune,
        loss=risk.loss,
        ridge=risk.ridge,
        sample_weight=risk.sample_weight,
        label_noise=simulation.label_noise,
        **setting,
    )
    return np.asarray(solution.generalization_error)


def own_probe_term(simulation: SimulationResult) -> FiniteSizeTerm:
    """The term of a cell's mean error."""

    def errors(n_features: int, n_trials: int) -> np.ndarray:
        return simulate(
            simulation.alpha_prune,
            selection=simulation.selection,
            probe=simulation.probe,
            student=simulation.student,
            label_noise=simulation.label_noise,
            n_features=n_features,
            n_trials=n_trials,
            first_trial=_OTHER_DRAWS + simulation.first_trial,
            seed=simulation.seed,
        ).generalization_error

    (term,) = measured_terms(lambda *size: [errors(*size)], simulation)
    return term


def steps_error(simulation: SimulationResult) -> PruningRound:
    """The theory of a cell whose probe took gradient steps."""
    assert isinstance(simulation.probe, GradientProbe)
    fraction = simulation.selection.kept_distribution(0.0, simulation.label_noise).keep_fraction
    (solution,) = pruning_rounds(
        simulation.alpha_prune / fraction,
        rounds=[(simulation.probe, simulation.selection)],
        label_noise=check_flip_rate(simulation.label_noise),
        **loss_and_ridge(simulation.student),
    )
    return solution


def rounds_errors(last: SimulatedRound) -> tuple[PruningRound, ...]:
    """The theory of rounds of pruning."""
    return pruning_rounds(
        last.alpha_total,
        rounds=last.rounds,
        label_noise=last.label_noise,
        rerank_pool=last.rerank_pool,
        **loss_and_ridge(last.student),
    )


def rounds_terms(last: SimulatedRound) -> list[FiniteSizeTerm]:
    """The terms of each round's mean error."""

    def errors(n_features: int, n_trials: int) -> list[np.ndarray]:
        smaller = simulate_rounds(
            last.alpha_total,
            rounds=last.rounds,
            student=last.student,
            label_noise=last.label_noise,
            rerank_pool=last.rerank_pool,
            n_features=n_features,
            n_trials=n_trials,
            first_trial=_OTHER_DRAWS + last.first_trial,
            seed=last.seed,
        )
        return [simulated.generalization_error for simulated in smaller]

    return measured_terms(errors, last)


def loss_and_ridge(student: Student) -> dict:
    """A student in the words of `pruning_rounds`."""
    if student == "max_margin":
        return {"loss": "max_margin"}
    if student.sample_weight is not None or not isinstance(student.loss, str):
        raise ValueError(f"`student` must have a named loss and no weights for theory by points; got {student}")
    return {"loss": student.loss, "ridge": student.ridge}


def measured_terms(
    errors: Callable[[int, int], list[np.ndarray]], cell: SimulationResult | SimulatedRound
) -> list[FiniteSizeTerm]:
    """c/N of quantities whose trials at N features and in some number ``errors`` gives: ε(N/4) − ε(N/2) = 2c/N.

    Their error is the standard error of those trials and, as ever, the next order in 1/N.
    """
    if cell.n_features < 4 * _LEAST_FEATURES:
        raise ValueError(
            f"`simulation` must have n_features >= {4 * _LEAST_FEATURES} where the probe was trained on its own pool: "
            f"the finite-size term is measured at a quarter of it; got {cell.n_features}"
        )
    sizes = [(cell.n_features // part, more * cell.n_trials) for part, more in _SMALLER]
    smallest, smaller = (errors(*size) for size in sizes)
    source = (
        f"measured by simulations at N = {sizes[0][0]} and {sizes[1][0]}; its error is their standard error and the "
        "next order in 1/N"
    )
    return [_term(first, second, source) for first, second in zip(smallest, smaller, strict=True)]


def _term(smallest: np.ndarray, smaller: np.ndarray, source: str) -> FiniteSizeTerm:
    value = 0.5 * float(smallest.mean() - smaller.mean())
    standard_error = 0.5 * math.sqrt(sum(float(errors.var(ddof=1)) / errors.size for errors in (smallest, smaller)))
    next_order = NEXT_ORDER * value**2 / float(smaller.mean())
    return FiniteSizeTerm(value=value, error=math.hypot(standard_error, next_order), source=source)


def with_error_of_theory(term: FiniteSizeTerm, solution: PruningRound) -> FiniteSizeTerm:
    """A term whose error has the theory's own numerical uncertainty in it."""
    source = f"{term.source}, and the theory's own {solution.standard_error:.1g}"
    return replace(term, error=math.hypot(term.error, solution.standard_error), source=source)
