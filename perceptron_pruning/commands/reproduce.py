"""The command ``reproduce``; what takes long to import waits until it is called."""

import sys
from dataclasses import dataclass
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
    field: Annotated[bool, Parameter(negative="")] = False,
    only: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    svg: Annotated[bool, Parameter(negative="")] = False,
    workers: int | None = None,
    redraw: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Reproduce the paper's figures and give a verdict on its claims.

    Writes figures (PNG), the tables behind them (CSV), every claim with its verdict, and a report (one HTML file,
    and Markdown) into a folder. Stop it however you like: figures that are finished are there, and the same command
    goes on where it stopped; what would be made of the same by the same code is not made again. The exit status is 1
    if a verdict contradicts the theory's own prediction.

    Example: perceptron-pruning reproduce --quick

    Example: perceptron-pruning reproduce --full --only 1A

    Example: perceptron-pruning reproduce --real-data --full

    Example: perceptron-pruning reproduce --field --full

    Parameters
    ----------
    output
        Folder for everything that is written. Default: reproduction/quick or reproduction/full, and real-data-quick or
        real-data-full there for real data, field-quick or field-full for the papers that followed.
    quick
        N = 100, 60 trials a point, or smaller pools: a few minutes on two cores. The default.
    full
        N = 200, 100 trials a point, or larger pools, and more points.
    real_data
        The figures and claims of the paper's empirical half, on real data, in place of the theory's.
    field
        Results of the papers that followed, recomputed by the same theory, in place of the paper's own.
    only
        Names of figures of one kind: these are written, from their own points, and no claim is judged. Theory:
        1A, 1B, 1C, 1E, 1F, 2AB, 2CDE, transition, order_parameters, finite_size, trained_probe, own_probe, memory,
        gradient_steps, label_aware, optimal_rule, self_training, B1, B2, B3, B4, B5, embeddings. Real data: 1D,
        3ABC, 4, 5A, 5BC, class_floor, prototypes, theory_beside_data, pilot, window, end_to_end. Papers that followed:
        kolossov, calibration, less_is_more, verified, real_synthetic, covariance, classes, deliberate, best_subset,
        power_law.
    svg
        Write every picture as SVG, too.
    workers
        Processes. Default: one a core.
    redraw
        Draw every picture again of the tables that are there, judge, and write the report; nothing is computed.
    """
    if quick and full:
        raise ValueError("`--quick` and `--full` exclude each other; give one of them")
    if real_data and field:
        raise ValueError("`--real-data` and `--field` exclude each other; give one of them")
    suite, names = _chosen(only, real_data, field)
    if redraw and only is not None:
        raise ValueError("`--redraw` and `--only` exclude each other; give one of them")
    if workers is not None and workers < 1:
        raise ValueError(f"`--workers` must be >= 1; got {workers}")
    if output is not None:
        from perceptron_pruning.commands.preflight import check_no_file

        check_no_file(output, "--output")
    making = _Making(svg=svg, workers=workers, redraw=redraw)
    return _written(output, suite, suite.full if full else suite.quick, names, making)


@dataclass(frozen=True, kw_only=True)
class _Making:
    """How figures are made.

    Attributes:
        svg: Whether as SVG, too.
        workers: By how many processes; None for one a core.
        redraw: Whether only drawn, of tables that are there.
    """

    svg: bool
    workers: int | None
    redraw: bool


def _written(
    output: Path | None,
    suite: "Suite[SettingsT, FigureT]",
    settings: "SettingsT",
    names: list[str] | None,
    making: _Making,
) -> int:
    """Writes some figures, or everything where no names are given; the exit status."""
    from perceptron_pruning.evidence.claim import as_text
    from perceptron_pruning.reproduction.run import redraw, reproduce, reproduce_figures
    from perceptron_pruning.studies import SweepError

    folder = output or Path("reproduction") / "-".join(part for part in (suite.name, settings.name) if part)
    try:
        if names is not None:
            reproduce_figures(folder, settings, names, suite, svg=making.svg, workers=making.workers)
            print(f"Figure {', '.join(names)} is in {folder}")
            return 0
        if making.redraw:
            claims = redraw(folder, settings, suite, svg=making.svg)
        else:
            claims = reproduce(folder, settings, suite, svg=making.svg, workers=making.workers)
    except KeyboardInterrupt:
        print(f"Interrupted: {_progress(folder, settings, suite)}; the same command goes on there", file=sys.stderr)
        return _INTERRUPTED
    except SweepError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"\n{as_text(claims)}")
    print(f"\nThe report is {folder / 'report.html'}; figures and tables are beside it")
    return _exit_status(claims)


def _chosen(only: list[str] | None, real_data: bool, field: bool) -> "tuple[Suite[Any, Any], list[str] | None]":
    """The suite, and the names of its figures that are asked for; None for all and a report."""
    from perceptron_pruning.reproduction.suites import FIELD, PAPER, REAL_DATA

    if only is not None:
        return _named(only)
    return (REAL_DATA if real_data else FIELD if field else PAPER), None


def _named(names: list[str]) -> "tuple[Suite[Any, Any], list[str]]":
    """The figures' names as they are spelt, and their suite."""
    from perceptron_pruning.reproduction.suites import SUITES

    if not names:
        raise ValueError("`--only` must name a figure at least; got none")
    known = {name.lower(): (suite, name) for suite in SUITES for name in suite.figures}
    for name in names:
        if name.lower() not in known:
            listed = ", ".join(name for _, name in known.values())
            raise ValueError(f"`--only` must be among {listed}; got {name!r}")
    suites, spelt = zip(*(known[name] for name in dict.fromkeys(name.lower() for name in names)), strict=True)
    if any(suite is not suites[0] for suite in suites):
        raise ValueError(f"`--only` must name figures of theory, real data or the field alone; got {', '.join(spelt)}")
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
    finished = len(finished_figures(folder, suite.figures))
    share = f"{done / whole:.0%} of the work and " if done or not finished else ""  # some suites keep tables alone
    return f"{share}{finished} figures are in {folder}"
