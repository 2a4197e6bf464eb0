"""The Python that makes a chart, from the public theory."""

from collections.abc import Callable

from perceptron_pruning.explorer.state import RANGES, Rule, State
from perceptron_pruning.explorer.students import POINTS
from perceptron_pruning.explorer.views.error import LABELS, rules
from replica_theory import Selection


def snippet(view: str, state: State) -> str:
    """A program that prints the table of a view, and draws it."""
    return _SNIPPETS[view](state)


def _student(state: State, alphas: str) -> str:
    """A call of the theory's door at these kept α, under ``rule``."""
    setting = f"selection=rule{_probe(state)}"
    if state.student == "max_margin":
        return f"max_margin({alphas}, {setting})"
    noise = f", label_noise={state.label_noise!r}" if state.label_noise else ""
    return f"empirical_risk({alphas}, loss={state.student!r}, ridge={state.ridge!r}, {setting}{noise})"


def _probe(state: State) -> str:
    if (probe := state.trained_probe) is not None:
        return f", probe=TrainedProbe({probe.loss!r}, ridge={probe.ridge!r}, share={probe.share!r})"
    return f", probe_angle=math.radians({state.probe_angle_degrees!r})" if state.probe_angle_degrees else ""


def _imports(state: State, *names: str) -> str:
    """The lines of imports, with what the student and its probe need."""
    door = "max_margin" if state.student == "max_margin" else "empirical_risk"
    probe = ["TrainedProbe"] if state.trained_probe is not None else []
    math = ["import math"] if "math." in _probe(state) else []
    theory = ", ".join(sorted({*names, *probe, door}, key=lambda name: (name.islower(), name)))
    return "\n".join(
        [*math, "", "import matplotlib.pyplot as plt", "import numpy as np", f"from replica_theory import {theory}"]
    ).strip()


def _error(state: State) -> str:
    chosen: dict[Rule, Selection] = {rule: state.selection(rule) for rule in rules(state)}
    least, most = RANGES["alpha"]
    kept = f"{state.keep_fraction!r} * alpha" if state.abscissa == "pool" else "alpha"
    entries = "\n".join(f"    {LABELS[rule]!r}: {selection!r}," for rule, selection in chosen.items())
    return f"""{_imports(state, *(type(selection).__name__ for selection in chosen.values()))}

alpha = np.geomspace({least!r}, {most!r}, {POINTS})  # examples per dimension, of {_of(state)}
rules = {{
{entries}
}}
print("rule,alpha,generalization_error,overlap")
for name, rule in rules.items():
    students = {_student(state, kept)}
    for a, error, overlap in zip(alpha, students.generalization_error, students.overlap):
        print(f"{{name}},{{a:.6g}},{{error:.10g}},{{overlap:.10g}}")
    plt.loglog(alpha, students.generalization_error, label=name)
plt.axvline({state.alpha!r}, color="grey", linewidth=0.5)
plt.xlabel("α, examples per dimension, of {_of(state)}")
plt.ylabel("test error")
plt.legend()
plt.savefig("explore.svg")
"""


def _of(state: State) -> str:
    return "the pool" if state.abscissa == "pool" else "what is kept"


_SNIPPETS: dict[str, Callable[[State], str]] = {"error": _error}
