"""Claims of the paper and of its summaries, each with a verdict that is computed from the tables, never typed."""

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
from perceptron_pruning.reproduction.claims.information import (
    constant_gain,
    gain_along_a_shrinking_fraction,
    pruned_examples_tell_more,
)
from perceptron_pruning.reproduction.claims.own_probes import (
    hard_pruning_keeps_the_information,
    iterating_helps,
    own_theory_predicts_simulation,
    scarce_data_want_the_easy,
)
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
    shrinking_fraction_is_exponential,
)
from perceptron_pruning.reproduction.claims.transition import unlimited_pool_has_a_transition

__all__ = ["Claim", "judge"]


def judge(tables: Mapping[str, Sequence[Row]], simulated: Sequence[Row]) -> list[Claim]:
    """All claims, in the light of the figures' tables and of every simulated point.

    A claim reads the tables of its own figures, where a cell stands once.
    """

    def table(name: str) -> Sequence[Row]:
        return tables.get(name, ())

    scaling = [*table("1A"), *table("2CDE")]
    return [
        theory_predicts_simulation(simulated),
        order_parameters_agree(table("order_parameters")),
        size_vanishes(table("finite_size")),
        keep_easy_when_scarce(table("1B")),
        keep_hard_when_abundant(table("1B")),
        flips_where_theory_says(table("1C")),
        fixed_fraction_is_power_law(table("1A")),
        frontier_beats_power_law(scaling),
        frontier_is_exponential(scaling),
        shrinking_fraction_is_exponential(table("transition")),
        unlimited_pool_has_a_transition(table("transition")),
        imperfect_probe_falls_back(scaling),
        pruned_examples_tell_more(table("1F")),
        constant_gain(table("1F")),
        gain_along_a_shrinking_fraction(table("1F")),
        optimal_rule_beats_both(table("optimal_rule")),
        labels_help(table("label_aware")),
        trained_probe_is_an_exact_one(table("trained_probe")),
        own_theory_predicts_simulation(table("own_probe"), table("memory"), table("gradient_steps")),
        hard_pruning_keeps_the_information(table("own_probe")),
        scarce_data_want_the_easy(table("own_probe")),
        iterating_helps(table("memory")),
        *keep_easy_of_few_images(table("embeddings")),
        *keep_hard_of_many_images(table("embeddings")),
    ]
