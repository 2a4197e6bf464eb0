"""What `recommend` and the theory say of embeddings on this machine, or of those that come with the package."""

from threading import Lock
from typing import Any

from perceptron_pruning.output.tables import Row
from replica_theory import SaddlePointError

_ONE_AT_A_TIME = Lock()


def advice(embeddings: str, labels: str) -> dict[str, Any]:
    """A quick recommendation: its sentence, a row for every rule at every fraction, and the theory on two classes.

    Args:
        embeddings: A file or folder as ``recommend`` takes it; empty, as the labels then are, for the shipped set.
        labels: A file likewise.

    Raises:
        ValueError: One of the two is missing, or the files do not hold labelled embeddings.
        OSError: A file cannot be read.
    """
    if bool(embeddings) != bool(labels):
        raise ValueError(
            f"{'labels' if embeddings else 'embeddings'} are missing: give both files, or none for the shipped set"
        )
    from perceptron_pruning.embeddings.io.columns import read_column
    from perceptron_pruning.embeddings.recommend import recommend

    with _ONE_AT_A_TIME:
        sources = (embeddings, read_column(labels)) if embeddings else _shipped()
        found = recommend(*sources, quick=True)
        theory = _theory(*sources)
    return {
        "sentence": found.answer,
        "about": f"{found.evidence.n_rows} rows, {found.evidence.n_judged} of them put aside to judge, "
        f"{found.evidence.seconds:.1f} s. All rows: {100 * found.evidence.error_of_all:.1f} % error; "
        f"labels in doubt: {100 * found.evidence.doubtful_share:.1f} %. In bold the best rule at each fraction; "
        "differences in points of error, with 95 % intervals.",
        "table": [_row(row) for row in found.table],
        "theory": theory,
    }


def _theory(*sources: Any) -> dict[str, Any]:
    """Charts of the theory, or why there are none."""
    from perceptron_pruning.explorer.measured import theory_of

    try:
        return theory_of(*sources)
    except (ValueError, SaddlePointError) as error:
        return {"about": f"No theory of these rows: {error}", "charts": []}


def _shipped():
    from perceptron_pruning.datasets.loaders import load_fashion_mnist

    data = load_fashion_mnist()
    return data.train_embeddings, data.train_labels


def _row(row: Row) -> dict[str, Any]:
    """As the page shows it; differences in points with their 95 % intervals."""
    return {
        "kept": f"{100 * row['keep_fraction']:.0f} %",
        "rule": row["rule"],
        "error": f"{row['error_points']:.1f}",
        "against random": f"{row['against_random']:+.1f} ± {row['against_random_half_width']:.1f}",
        "against all rows": f"{row['against_all']:+.1f} ± {row['against_all_half_width']:.1f}",
        "chosen": bool(row["chosen"]),
    }
