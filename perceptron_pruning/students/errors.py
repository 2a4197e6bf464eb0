"""Errors of the solvers: there is no student, or none could be verified; and the tolerance of verification."""

import numpy as np

TOLERANCE = 1e-9  # largest relative residual of the conditions of optimality, and largest duality gap, of a student


class InfeasibleError(ValueError):
    """No student classifies the examples: a convex combination of labelled inputs is (nearly) zero.

    Attributes:
        certificate: y ≥ 0 with Σ y = 1, shape (P,), such that Σ y_i label_i input_i is nearly zero.
        norm: ‖Σ y_i label_i input_i‖ relative to the inputs' root-mean-square length; no margin exceeds it.
        problem: Index of the problem in the batch.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning import InfeasibleError, fit_max_margin
        >>> try:
        ...     fit_max_margin(np.array([[1.0, 0.0], [2.0, 0.0]]), [1, -1])
        ... except InfeasibleError as error:
        ...     print(error.certificate.round(4), bool(error.norm < 1e-9))
        [0.6667 0.3333] True
    """

    def __init__(self, certificate: np.ndarray, norm: float, problem: int):
        super().__init__(certificate, norm, problem)
        self.certificate, self.norm, self.problem = certificate, norm, problem

    def __str__(self) -> str:
        return (
            f"`inputs` of problem {self.problem} are not linearly separable by `labels`: a convex combination of "
            f"{np.count_nonzero(self.certificate)} labelled inputs has length {self.norm:.2g} of their typical one, "
            "so no margin exceeds that; see `certificate`"
        )


class InaccurateError(ArithmeticError):
    """A student could not be verified to 1e-9.

    Attributes:
        violation: Largest relative violation of the conditions of optimality; for a max-margin student the
            largest shortfall from margin 1.
        gap: Relative duality gap.
        problem: Index of the problem in the batch.
        advice: What may have caused it, and what may help.

    Example:
        >>> from perceptron_pruning import InaccurateError
        >>> error = InaccurateError(1e-6, 1e-7, 0, "inputs differ by many orders of magnitude")
        >>> print(error)
        problem 0 was solved to violation 1e-06 and gap 1e-07, not to 1e-09; inputs differ by many orders of magnitude
    """

    def __init__(
        self,
        violation: float,
        gap: float,
        problem: int,
        advice: str = "near-duplicate inputs of opposite label do this",
    ):
        super().__init__(violation, gap, problem, advice)
        self.violation, self.gap, self.problem, self.advice = violation, gap, problem, advice

    def __str__(self) -> str:
        return (
            f"problem {self.problem} was solved to violation {self.violation:.2g} and gap {self.gap:.2g}, "
            f"not to {TOLERANCE:g}; {self.advice}"
        )
