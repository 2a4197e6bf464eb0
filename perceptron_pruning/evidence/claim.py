"""A claim: a statement, the numbers that were measured of it, and the verdict that follows from these alone."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from perceptron_pruning.evidence.effect import Effect, exact
from perceptron_pruning.evidence.judges import (
    CONFIRMED,
    IN_REGIME,
    REFUTED,
    UNDECIDED,
    Criterion,
    Verdict,
    direction,
    judged,
    z_score,
)
from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.output.tables import Row

NOTHING_MEASURED = "nothing measured"
THEORY, SIMULATION, DATA = "theory", "simulation", "real data"  # what a claim can be tested on


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """A standard uncertainty of a comparison besides the standard error, added to it in quadrature.

    Attributes:
        name: What it allows for.
        size: In the units of the measured number, ≥ 0.
        source: Where the size comes from.
    """

    name: str
    size: float
    source: str

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number that a claim rests on, and what the claim says of it.

    Attributes:
        quantity: What it is, and where.
        effect: Its value with the standard error.
        criterion: What the claim says of it; see `Criterion`.
        reference: The number r to which the criterion compares it.
        theory: The exact theory's value of the same quantity; None where the theory is silent.
        allowances: Standard uncertainties besides the standard error; for the criterion ``equal`` alone.
        precondition: Whether it only says if the others mean something: where it does not hold, the claim is
            undecided, not refuted.

    Raises:
        ValueError: There are allowances, and the criterion takes none.
    """

    quantity: str
    effect: Effect
    criterion: Criterion
    reference: float = 0.0
    theory: float | None = None
    allowances: tuple[Allowance, ...] = ()
    precondition: bool = False

    def __post_init__(self):
        if self.allowances and self.criterion != "equal":
            raise ValueError(f"`allowances` must be empty unless `criterion` is 'equal'; got {self.criterion!r}")

    @property
    def allowance(self) -> float:
        """All allowances together, in quadrature."""
        return math.hypot(*(allowance.size for allowance in self.allowances))

    @property
    def verdict(self) -> Verdict:
        """What the number says of the claim."""
        return judged(self.effect, self.criterion, reference=self.reference, allowance=self.allowance)

    @property
    def predicted(self) -> Verdict | None:
        """What the theory's value says of it; None where the theory is silent."""
        if self.theory is None:
            return None
        return judged(exact(self.theory), self.criterion, reference=self.reference, allowance=self.allowance)

    @property
    def outcome(self) -> str:
        """The verdict; of a gain, whether the rule helps, hurts or makes no difference."""
        return direction(self.effect) if self.criterion in ("helps", "hurts") else self.verdict

    @property
    def row(self) -> Row:
        """Everything that the verdict follows from, as columns."""
        equal = self.criterion == "equal"
        return {
            "quantity": self.quantity,
            "theory": self.theory,
            "measured": self.effect.value,
            "standard_error": self.effect.standard_error,
            "degrees_of_freedom": float(self.effect.degrees_of_freedom),
            "low": self.effect.low,
            "high": self.effect.high,
            "criterion": self.criterion,
            "reference": self.reference,
            "allowance": self.allowance if equal else None,
            "allows_for": "; ".join(map(str, self.allowances)),
            "z_score": z_score(self.effect, self.reference, self.allowance) if equal else None,
            "largest_z": LARGEST_Z if equal else None,
            "role": "precondition" if self.precondition else "test",
            "outcome": self.outcome,
        }

    def __str__(self) -> str:
        numbers = [str(self.effect)]
        if self.theory is not None and self.theory not in (self.effect.value, self.reference):
            numbers.append(f"theory {self.theory:.4g}")
        numbers += [f"allowance {allowance.size:.2g} for {allowance}" for allowance in self.allowances]
        if self.criterion == "equal":
            numbers.append(f"z = {z_score(self.effect, self.reference, self.allowance):+.1f}")
        return f"{self.quantity}: {', '.join(numbers)} ({self._asked}{self.outcome})"

    @property
    def _asked(self) -> str:
        """The criterion in words; empty where the outcome says it."""
        return {
            "above": f"above {self.reference:g}: ",
            "below": f"below {self.reference:g}: ",
            "within": f"within ±{self.reference:.3g}: ",
            "equal": f"equal to {self.reference:.4g}: ",
            "helps": "",
            "hurts": "",
        }[self.criterion]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement with its verdict, a function of the printed numbers alone.

    It is refuted if a test is, undecided if a test is or a precondition does not hold, and confirmed otherwise.

    Attributes:
        statement: What is claimed.
        paper: The paper's own words, with section, figure or sentence; empty where the statement is not the paper's.
        setting: Where it is tested: source, rule, f, θ, α, N, trials, seed.
        theory: What the exact theory says, in words.
        measurements: The numbers it rests on; none where nothing is measured.
        limited: Whether the settings are only a part of what is claimed: it is then confirmed in this regime.
        asserted: Whether it is the theory's own statement, which the theory then predicts to be confirmed.
        note: More numbers, which decide nothing.
        figure: Where to look.
        tested_on: "theory", "simulation" or the real data it is tested on, in words; empty: what its suite tests on.
    """

    statement: str
    paper: str = ""
    setting: str = ""
    theory: str = ""
    measurements: tuple[Measurement, ...] = ()
    limited: bool = False
    asserted: bool = False
    note: str = ""
    figure: str = ""
    tested_on: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the measured numbers say."""
        tests = self._together(measurement.verdict for measurement in self.measurements if not measurement.precondition)
        preconditions = (measurement.verdict for measurement in self.measurements if measurement.precondition)
        met = all(verdict == CONFIRMED for verdict in preconditions)
        return tests if met or tests == REFUTED else UNDECIDED

    @property
    def predicted(self) -> Verdict | None:
        """What the theory's numbers say; None where it is silent on a test."""
        if self.asserted:
            return self._together([CONFIRMED])
        known: list[Verdict] = []
        for measurement in self.measurements:
            if measurement.precondition:
                continue
            if measurement.predicted is None:
                return None
            known.append(measurement.predicted)
        return self._together(known) if known else None

    @property
    def contradicts_theory(self) -> bool:
        """Whether the data decide otherwise than the theory does."""
        return self.predicted is not None and self.verdict not in (self.predicted, UNDECIDED)

    @property
    def measured(self) -> str:
        """The measured numbers in words."""
        parts = [str(measurement) for measurement in self.measurements] or [NOTHING_MEASURED]
        return "; ".join([*parts, self.note] if self.note else parts)

    @property
    def rows(self) -> list[Row]:
        """One row for each measurement, with the claim beside it; one without numbers where there is none."""
        claim = {"claim": self.statement, "setting": self.setting, "verdict": self.verdict}
        claim |= {"predicted": self.predicted or "", "scope": "part" if self.limited else "whole"}
        claim |= {"tested_on": self.tested_on}
        rest = {"figure": self.figure, "paper": self.paper, "theory_says": self.theory, "note": self.note}
        return [claim | numbers | rest for numbers in [m.row for m in self.measurements] or [{}]]

    def _together(self, verdicts: Iterable[Verdict]) -> Verdict:
        given = set(verdicts)
        if REFUTED in given:
            return REFUTED
        if not given or UNDECIDED in given:
            return UNDECIDED
        return IN_REGIME if self.limited else CONFIRMED


def as_text(claims: Iterable[Claim]) -> str:
    """Claims with their verdicts, as lines for a terminal."""
    return "\n".join(_lines(claim) for claim in claims)


def _lines(claim: Claim) -> str:
    parts = (("setting", claim.setting), ("theory", claim.theory), ("measured", claim.measured))
    told = [f"    {name:<9} {text}" for name, text in parts if text]
    return "\n".join([f"{claim.verdict.upper():<26}{claim.statement}", *told])
