"""A figure of one's own, with a claim of its own, is made, judged and reported as the others are."""

from dataclasses import dataclass, replace

import pytest
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.judges import CONFIRMED
from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.figures.theory.collection import FIGURES, SimulatedFigure
from perceptron_pruning.figures.theory.settings import QUICK
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction.run import finished_figures, read_tables, reproduce, reproduce_figures
from perceptron_pruning.reproduction.suites import PAPER, no_claims
from perceptron_pruning.studies.status import status
from perceptron_pruning.sweeps import Cell
from replica_theory import KeepEasiest

SMALL = replace(
    QUICK, name="small", n_features=20, n_trials=8, embeddings=Plan(pool_sizes=(100,), keep_fractions=(0.5,), n_seeds=2)
)


@dataclass(frozen=True)
class MoreExamples:
    """What more of the easiest examples bring: a module would have the same names."""

    NAME: str = "More"
    TITLE: str = "More of the easiest"
    CAPTION: str = "Test error at N = {n_features}, {n_trials} trials."

    def cells(self, settings):
        return [
            Cell(alpha_prune=alpha, selection=KeepEasiest(0.5), n_features=settings.n_features) for alpha in (1.0, 6.0)
        ]

    def compute(self, settings, simulated):
        return simulated.rows(self.cells(settings))

    def claims(self, table):
        few, many = table
        gain = Effect(
            value=few["simulation"] - many["simulation"],
            standard_error=few["standard_error"] + many["standard_error"],
        )
        measured = Measurement(
            quantity="fall of the error", effect=gain, criterion="above", theory=few["theory"] - many["theory"]
        )
        return [Claim(statement="More examples help", measurements=(measured,), figure=self.NAME)]

    def draw(self, table):
        picture = Figure()
        picture.add_subplot().plot([row["alpha_prune"] for row in table], [row["simulation"] for row in table])
        return picture


OWN = replace(PAPER, title="My own", figures={"More": MoreExamples()}, common_claims=no_claims)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    return folder, reproduce(folder, SMALL, OWN)


def test_it_is_a_figure():
    assert isinstance(MoreExamples(), SimulatedFigure)
    assert all(isinstance(figure, SimulatedFigure) for figure in FIGURES.values())


def test_its_own_points_alone_are_simulated(made):
    folder, _ = made
    assert status(folder / "simulation.zarr").n_cells == 2
    assert len(read_table(folder / "simulation.csv")) == 2
    assert finished_figures(folder, OWN.figures) == ["More"]


def test_its_claim_is_judged_and_reported(made):
    folder, claims = made
    assert [(claim.statement, claim.verdict, claim.predicted) for claim in claims] == [
        ("More examples help", CONFIRMED, CONFIRMED)
    ]
    assert [row["claim"] for row in read_table(folder / "claims.csv")] == ["More examples help"]
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.splitlines()[2] == "# My own (small)"
    assert "### Figure More: More of the easiest" in text
    assert "Test error at N = 20, 8 trials." in text


def test_its_figures_can_be_asked_for_by_name(made, tmp_path):
    reproduce_figures(tmp_path, SMALL, ["More"], OWN)
    assert read_tables(tmp_path, OWN) == read_tables(made[0], OWN)
    with pytest.raises(ValueError, match="`names` must be among More; got '1A'"):
        reproduce_figures(tmp_path, SMALL, ["1A"], OWN)


def test_a_suite_has_the_figures_that_it_is_given(tmp_path):
    both = replace(PAPER, figures={"1B": FIGURES["1B"]} | OWN.figures)
    stores = both.stores(tmp_path, SMALL)
    assert stores.work(["1B", "More"])[0] == pytest.approx(stores.work(["1B"])[0] + stores.work(["More"])[0])
    (claim,) = (c for c in both.judge({"More": read_points()}, []) if c.figure == "More")
    assert claim.verdict == CONFIRMED


def read_points():
    row = {"simulation": 0.3, "theory": 0.3, "standard_error": 0.01}
    return [row, row | {"simulation": 0.1, "theory": 0.1}]
