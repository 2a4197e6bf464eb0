"""The command ``reproduce``; what takes long to import waits until it is called."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from perceptron_pruning.evidence.claim import Claim
    from perceptron_pruning.reproduction.suites import FigureT, SettingsT, Suite

_INTERRUPTED = 130


def reproduce_command(
    *,
    output: Path | None = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    full: Annotated[bool, Parameter(negative="")] = False,
    real_data: Annotated[bool, Parameter(negative="")] = False,
    only: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    svg: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Reproduce the paper's figures and give a verdict on its claims.

    Writes figures (PNG), the tables behind them (CSV), every claim with its verdict, and a report (one HTML file,
    and Markdown) into a folder. Stop it however you like: figures that are finished are there, and the same command
    goes on where it stopped. The exit status is 1 if a verdict contradicts the theory's own prediction.

    Example: perceptron-pruning reproduce --quick

    Example: perceptron-pruning reproduce --full --only 1A

    Example: perceptron-pruning reproduce --real-data --full

    Parameters
    ----------
    output
        Folder for everything that is written. Default: reproduction/quick or reproduction/full, and real-data-quick or
        real-data-full there for real data.
    quick
        N = 100, 60 trials a point, or smaller pools: a few minutes on two cores. The default.
    full
        N = 200, 100 trials a point, or larger pools, and more points.
    real_data
        The figures and claims of the paper's empirical half, on real data, in place of the theory's.
    only
        Names of figures of either kind, such as 1A or 1D: these are written, from their own points, and no claim is
        judged.
    svg
        Write every picture as SVG, too.
    """
    if quick and full:
        raise ValueError("`--quick` and `--full` exclude each other; give one of them")
    suite, names = _chosen(only, real_data)
    return _written(output, suite, suite.full if full else suite.quick, names, svg)


def _written(
    output: Path | None,
    suite: "Suite[SettingsT, FigureT]",
    settings: "SettingsT",
    names: list[str] | None,
    svg: bool,
) -> int:
    """Writes some figures, or everything where no names are given; the exit status."""
    from perceptron_pruning.evidence.claim import as_text
    from perceptron_pruning.reproduction.run import reproduce, reproduce_figures
    from perceptron_pruning.studies import SweepError

    folder = output or Path("reproduction") / "-".join(part for part in (suite.name, settings.name) if part)
    try:
        if names is not None:
            reproduce_figures(folder, settings, names, suite, svg=svg)
            print(f"Figure {', '.join(names)} is in {folder}")
            return 0
        claims = reproduce(folder, settings, suite, svg=svg)
    except KeyboardInterrupt:
        print(f"Interrupted: {_progress(folder, settings, suite)}; the same command goes on there", file=sys.stderr)
        return _INTERRUPTED
    except SweepError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"\n{as_text(claims)}")
    print(f"\nThe report is {folder / 'report.html'}; figures and tables are beside it")
    return _exit_status(claims)


def _chosen(only: list[str] | None, real_data: bool) -> "tuple[Suite[Any, Any], list[str] | None]":
    """The suite, and the names of its figures that are asked for; None for all and a report."""
    from perceptron_pruning.reproduction.suites import PAPER, REAL_DATA

    if only is not None:
        return _named(only)
    return (REAL_DATA if real_data else PAPER), None


def _named(names: list[str]) -> "tuple[Suite[Any, Any], list[str]]":
    """The figures' names as they are spelt, and their suite."""
    from perceptron_pruning.reproduction.suites import SUITES

    known = {name.lower(): (suite, name) for suite in SUITES for name in suite.figures}
    for name in names:
        if name.lower() not in known:
            listed = ", ".join(name for _, name in known.values())
            raise ValueError(f"`--only` must be among {listed}; got {name!r}")
    suites, spelt = zip(*(known[name.lower()] for name in names), strict=True)
    if any(suite is not suites[0] for suite in suites):
        raise ValueError(f"`--only` must name figures of the theory or of real data, not both; got {', '.join(spelt)}")
    return suites[0], list(spelt)


def _exit_status(claims: "list[Claim]") -> int:
    """1 if a verdict contradicts the theory's own prediction, else 0; with a line for each such verdict."""
    against = [claim for claim in claims if claim.contradicts_theory]
    for claim in against:
        print(
            f"Error: {claim.statement}: {claim.verdict}, where the theory by itself says {claim.predicted}",
            file=sys.stderr,
        )
    return int(bool(against))


def _progress(folder: Path, settings: "SettingsT", suite: "Suite[SettingsT, FigureT]") -> str:
    from perceptron_pruning.reproduction.run import finished_figures

    whole, done = suite.stores(folder, settings).work(list(suite.figures))
    return f"{done / whole:.0%} of the work and {len(finished_figures(folder, suite.figures))} figures are in {folder}"
