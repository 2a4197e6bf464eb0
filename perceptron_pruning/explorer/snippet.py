"""The Python that makes a chart, from the public theory."""

from collections.abc import Callable

from perceptron_pruning.explorer.state import RANGES, Rule, State
from perceptron_pruning.explorer.students import POINTS
from perceptron_pruning.explorer.views import best_fraction, hard_or_easy, information
from perceptron_pruning.explorer.views.error import LABELS, rules
from replica_theory import Selection


def snippet(view: str, state: State) -> str:
    """A program that prints the table of a view, and draws it."""
    return _SNIPPETS[view](state)


def _student(state: State, alphas: str) -> str:
    """A call of the theory's door at these kept α, under ``rule``."""
    door = "max_margin" if state.student == "max_margin" else "empirical_risk"
    return f"{door}({alphas}, selection=rule{_setting(state)})"


def _setting(state: State) -> str:
    """Probe and student as keyword arguments."""
    setting = _probe(state)
    if state.student != "max_margin":
        setting += f", loss={state.student!r}, ridge={state.ridge!r}"
    return setting + _noise(state)


def _noise(state: State) -> str:
    return f", label_noise={state.label_noise!r}" if state.label_noise else ""


def _probe(state: State) -> str:
    if (probe := state.trained_probe) is not None:
        return f", probe=TrainedProbe({probe.loss!r}, ridge={probe.ridge!r}, share={probe.share!r})"
    return f", probe_angle=math.radians({state.probe_angle_degrees!r})" if state.probe_angle_degrees else ""


def _imports(state: State, *names: str) -> str:
    """The lines of imports, with what the probe needs."""
    probe = ["TrainedProbe"] if state.trained_probe is not None else []
    math = "import math\n\n" if "math." in _probe(state) else ""
    theory = ", ".join(sorted({*names, *probe}, key=lambda name: (name.islower(), name)))
    return f"{math}import matplotlib.pyplot as plt\nimport numpy as np\nfrom replica_theory import {theory}"


def _rules(state: State) -> tuple[str, set[str]]:
    """The rules as an entry each of a dictionary, and the names to import."""
    chosen: dict[Rule, Selection] = {rule: state.selection(rule) for rule in rules(state)}
    entries = "\n".join(f"    {LABELS[rule]!r}: {selection!r}," for rule, selection in chosen.items())
    return f"rules = {{\n{entries}\n}}", {type(selection).__name__ for selection in chosen.values()}


def _kept(state: State) -> str:
    return f"{state.keep_fraction!r} * alpha" if state.abscissa == "pool" else "alpha"


def _drawn(x: str, y: str) -> str:
    return f'plt.xlabel("{x}")\nplt.ylabel("{y}")\nplt.savefig("explore.svg")\n'


def _counted(state: State) -> str:
    return f"α, examples per dimension, of {'the pool' if state.abscissa == 'pool' else 'what is kept'}"


def _error(state: State) -> str:
    entries, names = _rules(state)
    door = "max_margin" if state.student == "max_margin" else "empirical_risk"
    least, most = RANGES["alpha"]
    return f"""{_imports(state, *names, door)}

alpha = np.geomspace({least!r}, {most!r}, {POINTS})  # {_counted(state)}
{entries}
print("rule,alpha,generalization_error,overlap")
for name, rule in rules.items():
    students = {_student(state, _kept(state))}
    for a, error, overlap in zip(alpha, students.generalization_error, students.overlap):
        print(f"{{name}},{{a:.6g}},{{error:.10g}},{{overlap:.10g}}")
    plt.loglog(alpha, students.generalization_error, label=name)
plt.axvline({state.alpha!r}, color="grey", linewidth=0.5)
plt.legend()
{_drawn(_counted(state), "test error")}"""


def _best_fraction(state: State) -> str:
    rule = "KeepEasiest" if state.rule == "easiest" else "KeepHardest"
    family = f"lambda f: {rule}(f, label_aware=True)" if state.label_aware else rule
    return f"""{_imports(state, rule, "pareto_frontier")}

alpha = np.geomspace({best_fraction.ALPHAS[0]!r}, {best_fraction.ALPHAS[-1]!r}, {len(best_fraction.ALPHAS)})
best = pareto_frontier(alpha, min_keep_fraction={best_fraction.LEAST!r}, rule={family}{_setting(state)})
print("alpha_prune,keep_fraction,generalization_error")
for a, fraction, error in zip(alpha, best.keep_fraction, best.generalization_error):
    print(f"{{a:.6g}},{{fraction:.10g}},{{error:.10g}}")
plt.semilogx(alpha, best.keep_fraction)
{_drawn("α, kept examples per dimension", "best fraction")}"""


def _hard_or_easy(state: State) -> str:
    fractions, aware = hard_or_easy.FRACTIONS, ", label_aware=True" if state.label_aware else ""
    shown = "[total for _, total in line]" if state.abscissa == "pool" else "[f * total for f, total in line]"
    return f"""{_imports(state, "KeepEasiest", "KeepHardest", "crossover")}

line = []
for f in np.linspace({fractions[0]!r}, {fractions[-1]!r}, {len(fractions)}):
    try:
        total = crossover(KeepHardest(f{aware}), KeepEasiest(f{aware}){_setting(state)})
    except ValueError as never:  # they do not cross
        print(f"# {{f:.3g}}: {{never}}")
    else:
        line.append((f, total))
print("keep_fraction,alpha_total")
for f, total in line:
    print(f"{{f:.3g}},{{total:.10g}}")
plt.semilogy([f for f, _ in line], {shown})
{_drawn("fraction kept", _counted(state))}"""


def _information(state: State) -> str:
    entries, names = _rules(state)
    least, most = RANGES["alpha"]
    return f"""{_imports(state, *names, "version_space")}

alpha = np.geomspace({least!r}, {most!r}, {len(information.ALPHAS)})  # {_counted(state)}
{entries}
print("rule,alpha,information_gain")
for name, rule in rules.items():
    gains = []
    for kept in {_kept(state)}:
        try:
            gains.append(version_space(kept, selection=rule{_probe(state)}{_noise(state)}).information_gain)
        except ValueError as none:  # no student agrees with all labels
            print(f"# {{name}}: {{none}}")
            break
    for a, gain in zip(alpha, gains):
        print(f"{{name}},{{a:.6g}},{{gain:.10g}}")
    plt.semilogx(alpha[: len(gains)], gains, label=name)
plt.legend()
{_drawn(_counted(state), "information gain, nats per example")}"""


def _best_rule(state: State) -> str:
    aware = "" if state.label_aware else ", label_aware=False"
    call = f"{state.alpha_total!r}, keep_fraction={state.keep_fraction!r}{aware}{_setting(state)}"
    return f"""{_imports(state, "optimal_selection").replace("import numpy as np" + chr(10), "")}

best = optimal_selection({call})
print("lower,upper")
for lower, upper in best.selection.windows:
    print(f"{{lower:.10g}},{{upper:.10g}}")
    plt.fill_between([lower, upper], 1.0)
print(f"# test error {{best.generalization_error:.10g}}")
plt.xlim(0, 1)
{_drawn("quantile of difficulty, 0 = hardest", "share kept")}"""


_SNIPPETS: dict[str, Callable[[State], str]] = {
    "error": _error,
    "best_fraction": _best_fraction,
    "hard_or_easy": _hard_or_easy,
    "information": _information,
    "best_rule": _best_rule,
}
