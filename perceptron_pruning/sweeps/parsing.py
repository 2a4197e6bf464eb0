"""Rules, students and probes from their text, such as KeepHardest(0.3), as sweeps' files and stores' labels say."""

import ast
import math
from collections.abc import Callable, Mapping

from perceptron_pruning.simulation import OwnProbe, Probe
from perceptron_pruning.students.training import Student
from replica_theory import selection
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import GradientProbe, Selection, TrainedProbe

RULES: Mapping[str, Callable[..., Selection]] = {
    name: getattr(selection, name)
    for name in ("KeepHardest", "KeepEasiest", "KeepRandom", "KeepBetween", "KeepWindows", "Calibrated")
}
PROBES: Mapping[str, Callable[..., OwnProbe]] = {"TrainedProbe": TrainedProbe, "GradientProbe": GradientProbe}
_CALLS: Mapping[str, Callable[..., object]] = {**RULES, **PROBES, "EmpiricalRisk": EmpiricalRisk}
_CONSTANTS = {"inf": math.inf}


def rule(text: str) -> Selection:
    """The rule that a text names; only rules and plain values are understood, nothing is evaluated.

    Raises:
        ValueError: The text is no rule of this package.
    """
    parsed = _parsed(text)
    if not isinstance(parsed, Selection):
        raise ValueError(
            f"`selection` must be a rule such as KeepHardest(0.3), one of {', '.join(RULES)}; got {text!r}"
        )
    return parsed


def student(text: str) -> Student:
    """The student that a text names: max_margin, or such as EmpiricalRisk('logistic', 0.1).

    Raises:
        ValueError: The text is no student of this package.
    """
    if text == "max_margin":
        return text
    parsed = _parsed(text)
    if isinstance(parsed, EmpiricalRisk):
        return parsed
    raise ValueError(f"`student` must be 'max_margin' or such as \"EmpiricalRisk('logistic', 0.1)\"; got {text!r}")


def probe(text: str) -> Probe | OwnProbe:
    """The probe that a text names: exact, trained, or such as TrainedProbe('logistic', 0.1).

    Raises:
        ValueError: The text is no probe of this package.
    """
    if text == "exact" or text == "trained":
        return text
    parsed = _parsed(text)
    if isinstance(parsed, OwnProbe):
        return parsed
    raise ValueError(f"`probe` must be 'exact', 'trained' or such as \"TrainedProbe('logistic', 0.1)\"; got {text!r}")


def _parsed(text: str) -> object:
    """What a text of our names and of plain values says; None for any other text."""
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, KeyError, TypeError):
        return None


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
        return _CALLS[node.func.id](*map(_value, node.args), **named)
    if isinstance(node, ast.Name):
        return _CONSTANTS[node.id]
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise TypeError(ast.unparse(node)) from None
