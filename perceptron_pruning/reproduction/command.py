"""The command ``reproduce``; what takes long to import waits until it is called."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from perceptron_pruning.figures.settings import Settings
    from perceptron_pruning.reproduction.claims import Claim

_INTERRUPTED = 130


def reproduce_command(
    *,
    output: Path | None = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    full: Annotated[bool, Parameter(negative="")] = False,
    only: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
) -> int:
    """Reproduce the paper's figures and give a verdict on its claims.

    Writes figures (PNG, SVG), the tables behind them (CSV), every claim with its verdict, and a report (one HTML file,
    and Markdown) into a folder. Stop it however you like: figures that are finished are there, and the same command
    goes on where it stopped. The exit status is 1 if a verdict contradicts the theory's own prediction.

    Example: perceptron-pruning reproduce --quick

    Example: perceptron-pruning reproduce --full --only 1A

    Parameters
    ----------
    output
        Folder for everything that is written. Default: reproduction/quick or reproduction/full.
    quick
        N = 100, 60 trials a point: a few minutes on two cores. The default.
    full
        N = 200, 100 trials a point, and more points.
    only
        Names of figures, such as 1A: these are written, from their own points, and no claim is judged.
    """
    if quick and full:
        raise ValueError("`--quick` and `--full` exclude each other; give one of them")
    from perceptron_pruning.figures import FIGURES
    from perceptron_pruning.figures.settings import FULL, QUICK
    from perceptron_pruning.reproduction.run import reproduce, reproduce_figures
    from perceptron_pruning.sweeps import SweepError

    settings = FULL if full else QUICK
    folder = output or Path("reproduction") / settings.name
    try:
        if only is not None:
            names = _named(only, FIGURES)
            reproduce_figures(folder, settings, names)
            print(f"Figure {', '.join(names)} is in {folder}")
            return 0
        claims = reproduce(folder, settings)
    except KeyboardInterrupt:
        print(f"Interrupted: {_progress(folder, settings)}; the same command goes on there", file=sys.stderr)
        return _INTERRUPTED
    except SweepError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(_table(claims))
    print(f"\nThe report is {folder / 'report.html'}; figures and tables are beside it")
    return _verdict(claims)


def _named(names: list[str], known: "dict") -> list[str]:
    """The figures' names as they are spelt."""
    spelt = {name.lower(): name for name in known}
    for name in names:
        if name.lower() not in spelt:
            raise ValueError(f"`--only` must be among {', '.join(known)}; got {name!r}")
    return [spelt[name.lower()] for name in names]


def _verdict(claims: "list[Claim]") -> int:
    """The exit status, with a line for each verdict against the theory's own prediction."""
    against = [claim for claim in claims if claim.contradicts_theory]
    for claim in against:
        print(
            f"Error: {claim.claim}: {claim.verdict}, where the theory by itself says {claim.predicted}", file=sys.stderr
        )
    return int(bool(against))


def _progress(folder: Path, settings: "Settings") -> str:
    from perceptron_pruning.figures import FIGURES
    from perceptron_pruning.reproduction.run import finished_figures
    from perceptron_pruning.reproduction.stores import Stores

    whole, done = Stores(folder, settings).work(FIGURES)
    return f"{done / whole:.0%} of the simulation and {len(finished_figures(folder))} figures are in {folder}"


def _table(claims: "list[Claim]") -> str:
    blocks = [f"{c.verdict.upper():<26}{c.claim}\n    theory    {c.theory}\n    measured  {c.measured}" for c in claims]
    return "\n".join(["", *blocks])
