"""Whether theory and simulation agree."""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.evidence.calibration import calibration
from perceptron_pruning.evidence.claim import NO_POINTS, Claim, origin
from perceptron_pruning.evidence.effect import CONFIRMED, REFUTED, UNDECIDED
from perceptron_pruning.output.tables import Row

WORST_Z = 5.0  # over hundreds of points
_UNLIKELY = 1e-4  # that standard normals scatter so, by Kolmogorov and Smirnov's test
_TELLING = 0.1  # relative standard error above which agreement says nothing


def theory_predicts_simulation(simulated: Sequence[Row]) -> Claim:
    """Every simulated point within 5 of its own uncertainties, and all of them a standard normal together."""
    rows = [row for row in simulated if row["probe"] == "exact"]
    medians = sum(row["statistic"] == "median" for row in rows)
    return Claim(
        claim="Replica theory predicts the test error of students trained on pruned data",
        theory="exact as N → ∞; verified against the paper's equations to 1e-9",
        measured=f"{calibration(rows)}; medians at the {medians} steepest points; {origin(rows)}"
        if len(rows) > 1
        else NO_POINTS,
        verdict=agreement_verdict(rows),
        figure="all",
        predicted=CONFIRMED,
    )


def order_parameters_agree(table: Sequence[Row]) -> Claim:
    """R, ρ and κ too."""
    rows = [row for row in table if row["kind"] == "simulation"]
    return Claim(
        claim="It predicts the order parameters R, ρ and κ as well",
        theory="the solution of the paper's three equations",
        measured=f"{calibration(rows)}; {origin(rows)}" if len(rows) > 1 else NO_POINTS,
        verdict=agreement_verdict(rows),
        figure="order_parameters",
        predicted=CONFIRMED,
    )


def size_vanishes(table: Sequence[Row]) -> Claim:
    """The extrapolation to N = ∞ meets the theory in every setting."""
    rows = [row for row in table if row["kind"] == "extrapolation"]
    points = [row for row in table if row["kind"] == "simulation"]
    ratios = [(row["simulation"] / row["theory"], 1.96 * row["standard_error"] / row["theory"]) for row in rows]
    listed = ", ".join(f"{ratio:.4f} ± {bar:.4f}" for ratio, bar in ratios)
    return Claim(
        claim="What is left between them vanishes with the size of the system",
        theory="simulated ε / theory's ε → 1 as N → ∞",
        measured=f"extrapolated ratios {listed}; {origin(points)}" if len(rows) > 1 else NO_POINTS,
        verdict=agreement_verdict(rows),
        figure="finite_size",
        predicted=CONFIRMED,
    )


def trained_probe_is_an_exact_one(simulated: Sequence[Row]) -> Claim:
    """Error with trained probes against the theory of exact ones at the angles that they reach."""
    rows = [row for row in simulated if row["probe"] == "trained"]
    ratios = ", ".join(
        f"{row['simulation'] / row['theory']:.3f} ± {1.96 * row['standard_error'] / row['theory']:.3f}" for row in rows
    )
    return Claim(
        claim="A probe trained on the pool itself prunes like one at its angle that knows nothing of the pool",
        theory="assumed by it: the theory is of independent probes, and says nothing of trained ones",
        measured=f"error over the theory's at the same angles: {ratios}; {origin(rows)}"
        if len(rows) > 1
        else NO_POINTS,
        verdict=agreement_verdict(rows),
        figure="trained_probe",
    )


def agreement_verdict(rows: Sequence[Row]) -> str:
    """Refuted by a single point, or by points that scatter as no standard normal; undecided if too noisy to say."""
    if len(rows) < 2:
        return UNDECIDED
    found = calibration(rows)
    if np.abs(found.z_scores).max() > WORST_Z:
        return REFUTED
    if np.median([abs(row["standard_error"] / row["theory"]) for row in rows]) > _TELLING:
        return UNDECIDED
    return CONFIRMED if found.ks_p > _UNLIKELY else REFUTED
