"""What a kept example tells: the information gain of the version space."""

from dataclasses import replace
from typing import Any

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series
from perceptron_pruning.explorer.memory import Missing
from perceptron_pruning.explorer.state import RANGES, Rule, State
from perceptron_pruning.explorer.students import Students, curve_of
from perceptron_pruning.explorer.views.error import LABELS, rules
from replica_theory import VersionSpaceSolution, version_space

ALPHAS = tuple(np.geomspace(*RANGES["alpha"], 25).tolist())


def chart(state: State, students: Students, seconds: float) -> Chart:
    """Nats that the next example brings against α, under each rule; the student does not know the rule.

    Raises:
        ValueError: The probe is trained, or no student agrees with all labels where the sliders stand.
    """
    if state.probe == "trained":
        raise ValueError("the version space is known for an independent probe alone: set the probe to independent")
    here: dict[Rule, Any] = {rule: students.choices.at(*_curve(state, rule, state.alpha)) for rule in rules(state)}
    if isinstance(chosen := here[state.rule], Missing):
        raise ValueError(f"no version space here: {chosen.reason}")
    along: dict[Rule, list] = {rule: _along(state, rule, students, seconds / len(here)) for rule in here}
    gains: dict[Rule, float] = {
        rule: at.information_gain for rule, at in here.items() if isinstance(at, VersionSpaceSolution)
    }
    counted = "examples of the pool" if state.abscissa == "pool" else "kept examples"
    return Chart(
        title="Information that one more example brings to a student that agrees with all labels",
        sentence=_sentence(gains),
        numbers=[
            ("entropy per dimension", f"{chosen.entropy:.4f}"),
            ("ε of a Gibbs student", f"{chosen.gibbs_error:.5f}"),
            ("ε of their mean", f"{chosen.center_of_mass_error:.5f}"),
        ],
        notes=_notes(along),
        x=Axis(f"α, {counted} per dimension", "log", RANGES["alpha"], parameter="alpha"),
        y=Axis("nats per example", "linear"),
        series=[
            Series(rule, LABELS[rule], ALPHAS, [getattr(at, "information_gain", None) for at in curve])
            for rule, curve in along.items()
        ],
        marks=[Mark(rule, state.alpha, gain) for rule, gain in gains.items()],
        rows=[
            {
                "rule": rule,
                "alpha_total": at.alpha_prune / state.keep_fraction,
                "alpha_prune": at.alpha_prune,
                "information_gain": at.information_gain,
                "entropy": at.entropy,
                "gibbs_error": at.gibbs_error,
            }
            for rule, curve in along.items()
            for at in curve
            if isinstance(at, VersionSpaceSolution)
        ],
        complete=all(at is not None for curve in along.values() for at in curve),
    )


def _curve(state: State, rule: Rule, alpha: float):
    """What is remembered, where, and how it is solved."""

    def space(at: float) -> VersionSpaceSolution[float]:
        angle, noise = state.probe_angle, state.label_noise
        return version_space(
            at * state.kept_per_alpha, selection=state.selection(rule), probe_angle=angle, label_noise=noise
        )

    return ("information", curve_of(replace(state, student="square", ridge=0.0), rule), rule), alpha, space


def _along(state: State, rule: Rule, students: Students, seconds: float) -> list:
    curve, _, space = _curve(state, rule, state.alpha)
    return students.choices.along(curve, ALPHAS, space, seconds=seconds)


def _sentence(gains: dict[Rule, float]) -> str:
    told = ", ".join(f"{gain:.3f} by {LABELS[rule]}" for rule, gain in sorted(gains.items(), key=lambda pair: -pair[1]))
    return f"The next example brings so many nats: {told}."


def _notes(along: dict[Rule, list]) -> list[str]:
    missing: dict[Rule, list[Missing]] = {
        rule: [at for at in curve if isinstance(at, Missing)] for rule, curve in along.items()
    }
    return [
        f"{LABELS[rule]}: none at {len(gaps)} of {len(ALPHAS)} α ({gaps[0].reason})"
        for rule, gaps in missing.items()
        if gaps
    ]
