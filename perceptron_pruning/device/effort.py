"""How hard a program tries before it leaves a student unverified."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Static parameters of a program.

    Attributes:
        precision: Of the interior point of max-margin students, "float32" or "float64".
        tolerance: Relative error at which that ends.
        exchanges: Steps of the active set at most, and as many again a feature.
        double_factors: Whether matrices are factored in double precision.
    """

    precision: str
    tolerance: float
    exchanges: tuple[int, float]
    double_factors: bool = True

    def most_exchanges(self, n_features: int) -> int:
        return self.exchanges[0] + round(self.exchanges[1] * n_features)


QUICK = Effort(precision="float32", tolerance=1e-3, exchanges=(24, 0.1))
PATIENT = Effort(precision="float64", tolerance=1e-8, exchanges=(200, 3.0))
QUICK_IN_SINGLE = Effort(precision="float32", tolerance=1e-3, exchanges=(24, 0.1), double_factors=False)
PATIENT_IN_SINGLE = Effort(precision="float32", tolerance=1e-5, exchanges=(200, 3.0), double_factors=False)


def efforts(double_factors: bool) -> tuple[Effort, Effort]:
    """The quick one and the patient one."""
    return (QUICK, PATIENT) if double_factors else (QUICK_IN_SINGLE, PATIENT_IN_SINGLE)
