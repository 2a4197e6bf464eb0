"""The committed tables and verdicts are what the code of today computes."""

from pathlib import Path

import numpy as np
import pytest

from perceptron_pruning.comparison import LARGEST_Z
from perceptron_pruning.reproduction import figure_1a, figure_1b, figure_2
from perceptron_pruning.reproduction.claims import judge
from perceptron_pruning.reproduction.tables import read_table
from replica_theory import KeepEasiest, KeepHardest, KeepRandom, max_margin

FOLDER = Path(__file__).parent
RULES = {"KeepHardest": KeepHardest, "KeepEasiest": KeepEasiest, "KeepRandom": KeepRandom}


@pytest.mark.parametrize("figure", [figure_1a, figure_1b, figure_2], ids=lambda figure: figure.NAME)
def test_theory_tables(figure):
    committed, fresh = read_table(FOLDER / f"{figure.NAME}_theory.csv"), figure.theory()
    assert len(committed) == len(fresh)
    for column in ("alpha_prune", "theory"):
        old, new = (np.array([row[column] for row in rows]) for rows in (committed, fresh))
        assert new == pytest.approx(old, rel=1e-8)


def test_simulated_cells_are_held_against_the_theory_of_today():
    cells = read_table(FOLDER / "simulation.csv")
    assert min(cell["n_trials"] for cell in cells) >= 100
    assert min(cell["n_features"] for cell in cells) >= 200
    for cell in cells:
        exact = max_margin(
            cell["alpha_prune"],
            selection=RULES[cell["rule"]](cell["keep_fraction"]),
            probe_angle=np.radians(cell["probe_angle_degrees"]),
        ).generalization_error
        z = (cell["simulation"] - exact) / np.hypot(cell["standard_error"], cell["finite_size"])
        assert z == pytest.approx(cell["z_score"], abs=1e-6)
        assert abs(z) <= LARGEST_Z


def test_verdicts_follow_from_the_tables():
    judged = judge(read_table(FOLDER / "simulation.csv"), read_table(FOLDER / "figure_embeddings.csv"))
    committed = read_table(FOLDER / "claims.csv")
    assert [(claim.claim, claim.verdict) for claim in judged] == [(row["claim"], row["verdict"]) for row in committed]
