"""What a kept example tells: the information gain of the version space."""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series
from perceptron_pruning.explorer.memory import Memory, Missing, Task, coarse_to_fine, one_by_one
from perceptron_pruning.explorer.state import RANGES, Rule, State
from perceptron_pruning.explorer.students import curve_of
from perceptron_pruning.explorer.views.error import LABELS, rules
from replica_theory import version_space

ALPHAS = tuple(np.geomspace(*RANGES["alpha"], 25).tolist())
_STRIDES = 8, 4, 2, 1


@dataclass(frozen=True)
class Space:
    """A version space at one α, as `VersionSpaceSolution` has it."""

    alpha_prune: float
    information_gain: float
    entropy: float
    gibbs_error: float
    center_of_mass_error: float


def tasks(state: State) -> list[Task]:
    """Version spaces where the sliders stand, the chosen rule's first, then along α from coarse to fine.

    Raises:
        ValueError: The probe is trained.
    """
    if state.probe == "trained":
        raise ValueError("the version space is known for an independent probe alone: set the probe to independent")
    order: list[Rule] = sorted(rules(state), key=lambda rule: rule != state.rule)
    here = [_task(state, rule, (state.alpha,), first=True) for rule in order]
    levels = [[ALPHAS[i] for i in level] for level in coarse_to_fine(len(ALPHAS), _STRIDES)]
    along = [_task(state, rule, (alpha,)) for level in levels for alpha in level for rule in order]
    return [*here, *along]


def drawing(state: State, memory: Memory) -> Chart | None:
    """Nats that the next example brings against α, under each rule; the student does not know the rule.

    Raises:
        ValueError: No student agrees with all labels where the sliders stand.
    """
    known: dict[Rule, Any] = {rule: memory.of(_curve(state, rule)) for rule in rules(state)}
    here: dict[Rule, Any] = {rule: spaces.get(state.alpha) for rule, spaces in known.items()}
    if isinstance(chosen := here[state.rule], Missing):
        raise ValueError(f"no version space here: {chosen.reason}")
    gains: dict[Rule, float] = {rule: at.information_gain for rule, at in here.items() if isinstance(at, Space)}
    if not gains:
        return None
    along: dict[Rule, list] = {rule: [spaces.get(alpha) for alpha in ALPHAS] for rule, spaces in known.items()}
    counted = "examples of the pool" if state.abscissa == "pool" else "kept examples"
    return Chart(
        title="Information that one more example brings to a student that agrees with all labels",
        sentence=_sentence(gains, sum(at is None for at in here.values())),
        numbers=[
            ("entropy per dimension", f"{chosen.entropy:.4f}"),
            ("ε of a Gibbs student", f"{chosen.gibbs_error:.5f}"),
            ("ε of their mean", f"{chosen.center_of_mass_error:.5f}"),
        ]
        if chosen is not None
        else [],
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
            if isinstance(at, Space)
        ],
    )


def _curve(state: State, rule: Rule) -> tuple:
    """By which its points are remembered: no student has a part in them."""
    return "information", curve_of(replace(state, student="square", ridge=0.0), rule), rule


def _task(state: State, rule: Rule, alphas: tuple[float, ...], *, first: bool = False) -> Task:
    curve = _curve(state, rule)
    return Task(curve, alphas, one_by_one(partial(_space, curve[1], rule)), first)


def _space(state: State, rule: Rule, alpha: float) -> Space:
    """The version space at this value of the state's abscissa."""
    solution = version_space(
        alpha * state.kept_per_alpha,
        selection=state.selection(rule),
        probe_angle=state.probe_angle,
        label_noise=state.label_noise,
    )
    return Space(**{one.name: getattr(solution, one.name) for one in fields(Space)})


def _sentence(gains: dict[Rule, float], to_come: int) -> str:
    told = ", ".join(f"{gain:.3f} by {LABELS[rule]}" for rule, gain in sorted(gains.items(), key=lambda pair: -pair[1]))
    return f"The next example brings so many nats: {told}{f'; {to_come} more to come' if to_come else ''}."


def _notes(along: dict[Rule, list]) -> list[str]:
    missing: dict[Rule, list[Missing]] = {
        rule: [at for at in curve if isinstance(at, Missing)] for rule, curve in along.items()
    }
    return [
        f"{LABELS[rule]}: none at {len(gaps)} of {len(ALPHAS)} α ({gaps[0].reason})"
        for rule, gaps in missing.items()
        if gaps
    ]
