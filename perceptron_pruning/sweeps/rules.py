"""Selection rules from their text, such as KeepHardest(0.3): what a sweep's file and a store's labels say."""

import ast

from replica_theory import selection
from replica_theory.selection import Selection

RULES = {
    name: getattr(selection, name)
    for name in ("KeepHardest", "KeepEasiest", "KeepRandom", "KeepBetween", "KeepWindows", "Calibrated")
}


def rule(text: str) -> Selection:
    """The rule that a text names; only rules and plain values are understood, nothing is evaluated.

    Raises:
        ValueError: The text is no rule of this package.
    """
    try:
        found = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, KeyError, TypeError) as error:
        raise _unknown(text) from error
    if not isinstance(found, Selection):
        raise _unknown(text)
    return found


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
        return RULES[node.func.id](*map(_value, node.args), **named)
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise TypeError(ast.unparse(node)) from None


def _unknown(text: str) -> ValueError:
    return ValueError(f"`selection` must be a rule such as KeepHardest(0.3), one of {', '.join(RULES)}; got {text!r}")
