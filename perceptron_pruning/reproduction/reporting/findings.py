"""What was asked and what was found, in sentences that follow from the verdicts alone."""

from collections import Counter
from collections.abc import Callable, Sequence

from perceptron_pruning.evidence.claim import SIMULATION, THEORY, Claim
from perceptron_pruning.evidence.judges import REFUTED
from perceptron_pruning.evidence.multiplicity import multiplicity
from perceptron_pruning.reproduction.reporting.matrix import Cell, Matrix
from perceptron_pruning.reproduction.reporting.predictions import QUESTIONS, Prediction

YES, PARTLY, NO, OPEN = "yes to", "in part to", "no to", "undecided:"


def findings(matrix: Matrix, claims: Sequence[Claim], about: str) -> list[str]:
    """What was asked, an answer to each question that was tested, and what the verdicts are worth together.

    Args:
        matrix: Predictions and where they are tested.
        claims: Those of the report itself.
        about: What is held against what, as a sentence.
    """
    asked = f"{about.rstrip('.')}: {len(matrix.predictions)} predictions, {matrix.n_rows} verdicts."
    answers = [text for question in QUESTIONS if (text := _answer(matrix, question))]
    return [asked, *answers, _worth(claims)]


def _answer(matrix: Matrix, question: str) -> str:
    """Which of a question's predictions hold: in simulation, in theory where nothing is simulated, on real data."""
    model = _together(matrix, question, lambda column: column == SIMULATION)
    theory = _together(matrix, question, lambda column: column == THEORY)
    alone = {prediction: cell for prediction, cell in theory.items() if prediction not in model}
    data = _together(matrix, question, lambda column: column not in (THEORY, SIMULATION))
    parts = (("in simulation", model), ("in theory alone", alone), ("on real data", data))
    told = "; ".join(f"{where} {_told(cells)}" for where, cells in parts if cells)
    return f"{question} {told[0].upper()}{told[1:]}." if told else ""


def _together(matrix: Matrix, question: str, belongs: Callable[[str], bool]) -> dict[Prediction, Cell]:
    """The cells of a question's predictions over some columns, joined."""
    joined: dict[Prediction, Counter[str]] = {}
    for (prediction, column), cell in matrix.cells.items():
        if prediction.question == question and belongs(column):
            joined.setdefault(prediction, Counter()).update(cell.counts)
    return {prediction: Cell(joined[prediction]) for prediction in matrix.predictions if prediction in joined}


def _told(cells: dict[Prediction, Cell]) -> str:
    """Predictions by their verdicts: "yes to a and b, in part to c (5 of 18), no to d"."""
    groups: dict[str, list[str]] = {}
    for prediction, cell in cells.items():
        answer = _answered(cell)
        counted = f"{prediction.name} ({cell.confirmed} of {cell.total})"
        groups.setdefault(answer, []).append(counted if answer == PARTLY else prediction.name)
    return ", ".join(f"{answer} {_listed(groups[answer])}" for answer in (YES, PARTLY, NO, OPEN) if answer in groups)


def _answered(cell: Cell) -> str:
    """Yes if every row is confirmed, in part if some are, no if none is and any is refuted."""
    if cell.confirmed:
        return YES if cell.confirmed == cell.total else PARTLY
    return NO if cell.counts.get(REFUTED) else OPEN


def _worth(claims: Sequence[Claim]) -> str:
    """Whether anything contradicts the theory's own prediction, and how many effects are decided, by chance too."""
    against = [claim.statement for claim in claims if claim.contradicts_theory]
    if not any(claim.predicted for claim in claims):
        told = "The theory by itself is silent on these rows"
    elif against:
        told = f"Against the theory's own prediction: {'; '.join(against)}"
    else:
        told = "No verdict contradicts the theory's own prediction"
    together = multiplicity(claims)
    if not together.judged:
        return f"{told}."
    return (
        f"{told}; of {together.judged} measured effects {together.decided} are decided (by chance alone: "
        f"{together.by_chance:.1f}), {together.decided_together} after Holm's correction."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
