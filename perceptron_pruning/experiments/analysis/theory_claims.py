"""What theories beside real data are worth: do they predict, order the rules, and place the flip?"""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import exact
from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.experiments.analysis.theory_beside_data import (
    Prediction,
    crossings,
    nearness,
    order_of_rules,
)
from perceptron_pruning.experiments.two_class import OWN_LABELS, STEPS
from perceptron_pruning.experiments.two_class_theories import THEORIES

NEAR, COVERED, IN_ORDER = 1.15, 0.93, 0.98  # what "predicts" means: of rms/noise, coverage, and order


def theory_claims(predictions: Sequence[Prediction]) -> list[Claim]:
    """Every claim for every theory; for the isotropic one, whether it predicts at each step of reality."""
    real = [prediction for prediction in predictions if prediction.place.step in OWN_LABELS]
    return [
        *(_predicts("isotropic", [p for p in predictions if p.place.step == step], step) for step in STEPS),
        *(_predicts(theory, real, "own labels, whitened and not") for theory in ("plane", "whole_law")),
        *(_orders(theory, real) for theory in THEORIES),
        *(_places_the_flip(theory, real) for theory in THEORIES),
    ]


def _predicts(theory: str, predictions: Sequence[Prediction], where: str) -> Claim:
    near = nearness(predictions, theory)
    exactly = "exact for Gaussian inputs with a teacher's labels as N → ∞, its finite-size term left out here"
    return Claim(
        statement=f"The theory of {_in_words(theory)}, with nothing fitted, predicts two classes of real data",
        setting=_setting(predictions, where),
        theory=exactly if theory == "isotropic" else "",
        measurements=(
            Measurement(
                quantity="root mean square of ln(measured/predicted) over that of its standard errors",
                effect=exact(near.difference / near.noise),
                criterion="below",
                reference=NEAR,
            ),
            Measurement(
                quantity="share of conditions whose 95 % interval holds the prediction",
                effect=exact(near.covered),
                criterion="above",
                reference=COVERED,
            ),
        ),
        note=(
            f"root mean square {near.difference:.3f}, of noise {near.noise:.3f}, mean {near.bias:+.3f}; "
            f"refused at {near.refused} of {near.conditions} conditions"
        ),
    )


def _orders(theory: str, predictions: Sequence[Prediction]) -> Claim:
    told, right = order_of_rules(predictions, theory)
    return Claim(
        statement=f"The theory of {_in_words(theory)} orders hard, easy and random on real data",
        setting=_setting(predictions, "own labels, whitened and not"),
        measurements=(
            Measurement(
                quantity=f"share in the right order of {told} pairs of rules told apart by 2.5 standard errors",
                effect=exact(right / told if told else math.nan),
                criterion="above",
                reference=IN_ORDER,
            ),
        ),
    )


def _places_the_flip(theory: str, predictions: Sequence[Prediction]) -> Claim:
    found = crossings(predictions, theory)
    placed = [crossing for crossing in found if not math.isnan(crossing.predicted)]
    return Claim(
        statement=f"The theory of {_in_words(theory)} places the flip from easy to hard on real data",
        setting=_setting(predictions, "own labels, whitened and not"),
        measurements=(
            Measurement(
                quantity=f"of {len(found)} measured crossings, the theory has one as well",
                effect=exact(len(placed) / len(found) if found else math.nan),
                criterion="above",
                reference=IN_ORDER,
            ),
            Measurement(
                quantity="largest |z| of ln α at the crossing, measured less predicted",
                effect=exact(max((abs(crossing.z_score) for crossing in placed), default=math.nan)),
                criterion="below",
                reference=LARGEST_Z,
            ),
        ),
    )


def _in_words(theory: str) -> str:
    return {
        "isotropic": "isotropic Gaussian inputs",
        "plane": "a measured plane and bulk",
        "whole_law": "the whole empirical law",
    }[theory]


def _setting(predictions: Sequence[Prediction], where: str) -> str:
    pairs = len({prediction.place.pair for prediction in predictions})
    seeds = max(prediction.errors.size for prediction in predictions)
    return f"{pairs} pairs of classes; {where}; {len(predictions)} conditions, {seeds} seeds"
