"""What each metric means, and when it misleads: a line each, for the page about a set of scores."""

MEANINGS = {
    "margin": "How far a probe is from the row's label; the very hardest are often wrong labels.",
    "margin_label_agnostic": "How undecided a probe is, whatever the label; blind to wrong labels.",
    "margin_out_of_fold": "The margin by heads that did not see the row; below −0.7 the label is in doubt.",
    "margin_label_agnostic_out_of_fold": "How undecided heads are that did not see the row; blind to wrong labels.",
    "el2n": "Length of the error early in training, mean of many heads; its hard end collects wrong labels.",
    "el2n_1": "The same of one head; noisier.",
    "el2n_out_of_fold": "The same by heads that did not see the row.",
    "grand": "Length of the gradient early in training: EL2N times the length of the row; long rows look hard.",
    "forgetting": "How often training loses the row again; differs from seed to seed on small pools.",
    "ddd": "Share of diverse heads that are wrong; coarse with few heads, so many rows tie.",
    "active_learning": "One for the 80 % of largest entropy: nearly all rows tie.",
    "active_learning_entropy": "Entropy of the heads' mean; ignores labels.",
    "active_learning_mutual_information": "Disagreement of the heads alone; runs against hardness on real sets.",
    "memorization": "What the row's own score owes to its being in training; high for outliers and wrong labels alike.",
    "memorization_subsets": "The same from heads on random subsets; much noisier than the exact one.",
    "memorization_out_of_fold": "Probability of the label with the row in training less without it; seed-dependent.",
    "influence_max": "The largest effect of the row on a test row; high where the test set has a twin.",
    "influence_sum_abs": "The effect of the row on the whole test set; high for outliers.",
    "self_supervised_prototypes": "Distance to the nearest cluster; ignores labels, favours rare or broken inputs.",
    "supervised_prototypes": "Distance to the mean of the class; ignores how near other classes are.",
    "knn_disagreement": "Share of neighbours with another label; wrong labels and class borders alike.",
    "knn_shapley": "What the row is worth to its neighbours; low for wrong labels, so its hard end is not hard.",
    "random": "Chance: the rule that any other must beat.",
}
SHOWN_FIRST = (
    "margin",
    "margin_out_of_fold",
    "el2n",
    "memorization",
    "self_supervised_prototypes",
    "margin_label_agnostic",
    "forgetting",
)
SHOWN = 5  # metrics on the page, unless others are asked for


def shown_by_default(names: list[str]) -> list[str]:
    """Five of the metrics, those that say most first; metrics of one's own before all."""
    own = [name for name in names if name not in MEANINGS]
    rest = [name for name in names if name in MEANINGS and name not in SHOWN_FIRST]
    return [*own, *(name for name in SHOWN_FIRST if name in names), *rest][:SHOWN]
