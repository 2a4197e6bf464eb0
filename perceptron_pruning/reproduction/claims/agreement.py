"""Whether theory and simulation agree."""

import math
from collections.abc import Sequence

import numpy as np

from perceptron_pruning.evidence.calibration import Calibration, calibration, place_of
from perceptron_pruning.evidence.claim import Allowance, Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, exact
from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.finite_size import SOURCE
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper
from perceptron_pruning.reproduction.claims.cells import origin

_UNLIKELY = 1e-4  # p of a test of the distribution below which z-scores are no standard normals
_TELLING = 0.1  # relative standard error above which agreement says nothing


def theory_predicts_simulation(simulated: Sequence[Row]) -> Claim:
    """Every simulated point agrees within its uncertainties, and all of them are a standard normal together."""
    rows = [row for row in simulated if row["probe"] == "exact"]
    medians = sum(row["statistic"] == "median" for row in rows)
    return calibrated(
        "Replica theory predicts the test error of students trained on pruned data",
        "exact as N → ∞; verified against the paper's equations to 1e-9",
        rows,
        figure="all",
        note=f"medians at the {medians} steepest points",
    )


def order_parameters_agree(table: Sequence[Row]) -> Claim:
    """R, ρ and κ too."""
    return calibrated(
        "It predicts the order parameters R, ρ and κ as well",
        "the solution of the paper's three equations",
        [row for row in table if row["kind"] == "simulation"],
        figure="order_parameters",
    )


def calibrated(
    statement: str, theory: str, rows: Sequence[Row], *, figure: str, source: str = paper.THEORY_MATCHES, note: str = ""
) -> Claim:
    """That all simulated rows agree with their theory: none is far off, and all are a standard normal together."""
    if len(rows) < 2:
        return Claim(statement=statement, paper=source, theory=theory, asserted=True, figure=figure)
    scatter = calibration(rows)
    return Claim(
        statement=statement,
        paper=source,
        setting=f"{len(rows)} points; {origin(rows)}",
        theory=theory,
        measurements=(*_standard_normal(scatter), _precise(rows)),
        asserted=True,
        note="; ".join(part for part in (_moments(scatter), note) if part),
        figure=figure,
    )


def _standard_normal(scatter: Calibration) -> tuple[Measurement, ...]:
    """The largest |z| of all points, and whether all of them have the standard normal distribution, tails included."""
    tests = (("Kolmogorov–Smirnov", scatter.ks_p), ("Shapiro–Wilk", scatter.shapiro_p))
    return (
        Measurement(
            quantity=f"largest |z|, at {place_of(scatter.worst)}",
            effect=exact(scatter.largest),
            criterion="below",
            reference=LARGEST_Z,
        ),
        *(
            Measurement(quantity=f"{name} p of the z-scores", effect=exact(p), criterion="above", reference=_UNLIKELY)
            for name, p in tests
            if not math.isnan(p)
        ),
    )


def _moments(scatter: Calibration) -> str:
    return f"z has mean {scatter.mean:+.2f} and standard deviation {scatter.standard_deviation:.2f}"


def _precise(rows: Sequence[Row]) -> Measurement:
    """That the points are precise enough for their agreement to mean something."""
    return Measurement(
        quantity="median of standard error / theory",
        effect=exact(float(np.median([abs(row["standard_error"] / row["theory"]) for row in rows]))),
        criterion="below",
        reference=_TELLING,
        precondition=True,
    )


def size_vanishes(table: Sequence[Row]) -> Claim:
    """The extrapolation to N = ∞ meets the theory in every setting."""
    limits = [row for row in table if row["kind"] == "extrapolation"]
    points = [row for row in table if row["kind"] == "simulation"]
    return Claim(
        statement="What is left between them vanishes with the size of the system",
        setting=origin(points) if points else "",
        theory="simulated ε / theory's ε → 1 as N → ∞",
        measurements=(*(_extrapolated(row) for row in limits), *([_precise(limits)] if limits else [])),
        figure="finite_size",
    )


def _extrapolated(row: Row) -> Measurement:
    return Measurement(
        quantity=f"extrapolated ε / theory's, {row['setting']}",
        effect=_ratio_to_theory(row),
        criterion="equal",
        reference=1.0,
        theory=1.0,
    )


def trained_probe_is_an_exact_one(table: Sequence[Row]) -> Claim:
    """Error with trained probes against the theory of exact ones at the angles that they reach."""
    rows = [row for row in table if row["kind"] == "simulation" and row["probe"] == "trained"]
    return Claim(
        statement="A probe trained on the pool itself prunes like one at its angle that knows nothing of the pool",
        paper=paper.TRAINED_PROBE,
        setting=origin(rows) if rows else "",
        theory="the theory is that of independent probes, and is silent on trained ones",
        measurements=(*(_trained(row) for row in rows), *([_precise(rows)] if rows else [])),
        figure="trained_probe",
    )


def _trained(row: Row) -> Measurement:
    return Measurement(
        quantity=(
            f"(ε − finite-size term) / theory's ε at θ = {row['probe_angle_degrees']:.1f}°, "
            f"f = {row['keep_fraction']:g}, α = {row['alpha_prune']:g}"
        ),
        effect=_ratio_to_theory(row, row["finite_size"]),
        criterion="equal",
        reference=1.0,
        allowances=(
            Allowance(name="the finite-size term", size=abs(row["finite_size_error"] / row["theory"]), source=SOURCE),
        ),
    )


def _ratio_to_theory(row: Row, finite_size: float = 0.0) -> Effect:
    """Simulated ε, less its finite-size term, over the theory's."""
    return Effect(
        value=(row["simulation"] - finite_size) / row["theory"], standard_error=row["standard_error"] / row["theory"]
    )
