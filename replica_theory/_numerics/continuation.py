"""Continuation of a solution to a lower value of a positive parameter, by shorter steps where one fails."""

from collections.abc import Callable
from typing import TypeVar

Solution = TypeVar("Solution")


def lowered(
    solve: Callable[[float, Solution], Solution],
    solution: Solution,
    last: float,
    value: float,
    *,
    failure: type[Exception],
    halvings: int = 2,
) -> Solution:
    """The solution at a value from that at the last one, by way of their geometric mean if need be.

    Args:
        solve: Solution at a value, from another as a guess.
        solution: That at ``last``.
        last: > ``value``.
        value: > 0.
        failure: What ``solve`` raises where the guess does not lead to a solution.
        halvings: How often a step may be halved, in the logarithm of the parameter.

    Raises:
        failure: The shortest steps fail too.
    """
    try:
        return solve(value, solution)
    except failure:
        if halvings == 0:
            raise
    middle = (last * value) ** 0.5
    solution = lowered(solve, solution, last, middle, failure=failure, halvings=halvings - 1)
    return lowered(solve, solution, middle, value, failure=failure, halvings=halvings - 1)
