"""Whether theory and simulation agree."""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.comparison import LARGEST_Z
from perceptron_pruning.reproduction.calibration import calibration, without_common_bias
from perceptron_pruning.reproduction.claims.claim import NO_POINTS, Claim, origin
from perceptron_pruning.reproduction.evidence import CONFIRMED, REFUTED, UNDECIDED
from perceptron_pruning.reproduction.tables import Row

WORST_Z = 5.0  # over hundreds of points
_OFFSET = 1.0  # of the mean z, which a theory that is wrong by its points' uncertainty would show
_TELLING = 0.1  # relative standard error above which agreement says nothing


def theory_predicts_simulation(simulated: Sequence[Row]) -> Claim:
    """Every simulated point within 5 of its own uncertainties, and all of them on both sides."""
    rows = [row for row in simulated if row["probe"] == "exact"]
    medians = sum(row["statistic"] == "median" for row in rows)
    measured = NO_POINTS
    if len(rows) > 1:
        centred, bias = without_common_bias(rows)
        measured = (
            f"{calibration(rows)}; medians at the {medians} steepest points. Less a common bias of {bias:+.2f} "
            f"finite-size terms, fitted to them all: mean {centred.mean:+.2f}, standard deviation "
            f"{centred.standard_deviation:.2f}, p = {centred.p_value:.2g}, largest |z| "
            f"{abs(centred.worst['z_score']):.2f}; {origin(rows)}"
        )
    return Claim(
        claim="Replica theory predicts the test error of students trained on pruned data",
        theory="exact as N → ∞; verified against the paper's equations to 1e-9",
        measured=measured,
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
    """Refuted by a single point, or by points that lie to one side; undecided if they are too noisy to say."""
    if len(rows) < 2:
        return UNDECIDED
    z = np.array([row["z_score"] for row in rows])
    if np.abs(z).max() > WORST_Z or abs(z.mean()) > _OFFSET + LARGEST_Z / z.size**0.5:
        return REFUTED
    precision = np.median([abs(row["standard_error"] / row["theory"]) for row in rows])
    return CONFIRMED if precision < _TELLING else UNDECIDED
