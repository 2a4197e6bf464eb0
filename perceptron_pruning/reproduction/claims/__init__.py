"""Claims of the paper and of its summaries, each with a verdict that is computed from the tables, never typed.

Most claims say that some effect is positive. The exact theory gives the effect's value, and with it the verdict that
is predicted; the tables give its estimate with a standard error, and the verdict follows from the 95 % interval.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims.agreement import (
    order_parameters_agree,
    size_vanishes,
    theory_predicts_simulation,
    trained_probe_is_an_exact_one,
)
from perceptron_pruning.reproduction.claims.images import keep_easy_of_few_images, keep_hard_of_many_images
from perceptron_pruning.reproduction.claims.information import constant_gain, pruned_examples_tell_more
from perceptron_pruning.reproduction.claims.rules import (
    flips_where_theory_says,
    keep_easy_when_scarce,
    keep_hard_when_abundant,
    labels_help,
    optimal_rule_beats_both,
)
from perceptron_pruning.reproduction.claims.scaling import (
    fixed_fraction_is_power_law,
    frontier_beats_power_law,
    frontier_is_exponential,
    imperfect_probe_falls_back,
    unlimited_pool_has_a_transition,
)

__all__ = ["Claim", "judge"]


def judge(tables: Mapping[str, Sequence[Row]], simulated: Sequence[Row]) -> list[Claim]:
    """All claims, in the light of the figures' tables and of every simulated point."""
    points = _of_the_usual_size(simulated)
    embedded = tables.get("embeddings", ())
    return [
        theory_predicts_simulation(simulated),
        order_parameters_agree(tables.get("order_parameters", ())),
        size_vanishes(tables.get("finite_size", ())),
        keep_easy_when_scarce(points),
        keep_hard_when_abundant(points),
        flips_where_theory_says(tables.get("1C", ())),
        fixed_fraction_is_power_law(points),
        frontier_beats_power_law(points),
        frontier_is_exponential(points),
        unlimited_pool_has_a_transition(points),
        imperfect_probe_falls_back(points),
        pruned_examples_tell_more(tables.get("1F", ())),
        constant_gain(tables.get("1F", ())),
        optimal_rule_beats_both(tables.get("optimal_rule", ())),
        labels_help(points),
        trained_probe_is_an_exact_one(simulated),
        *keep_easy_of_few_images(embedded),
        *keep_hard_of_many_images(embedded),
    ]


def _of_the_usual_size(simulated: Sequence[Row]) -> list[Row]:
    """Points with exact probes at the N that most have."""
    sizes = Counter(row["n_features"] for row in simulated)
    usual = max(sizes, key=lambda size: sizes[size], default=None)
    return [row for row in simulated if row["n_features"] == usual and row["probe"] == "exact"]
