"""The command itself: parameters in, a file or a printed table out."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from tqdm import tqdm

from perceptron_pruning.commands.theory.compute import COLUMNS, solved
from perceptron_pruning.commands.theory.output import PICTURES, check_output, readable, write
from perceptron_pruning.commands.theory.request import Quantity, Request, Rule, is_range, values

Several = Annotated[list[str], Parameter(consume_multiple=True, negative="")]
_DEFAULT_ALPHAS = ["0.1:100:100"]


def theory_command(
    *,
    rule: Annotated[list[Rule] | None, Parameter(consume_multiple=True, negative="")] = None,
    keep_fraction: Several | None = None,
    lower: float | None = None,
    upper: float | None = None,
    label_aware: Annotated[bool, Parameter(negative="")] = False,
    calibrated_share: float | None = None,
    alpha_prune: Several | None = None,
    alpha_total: Several | None = None,
    probe_angle_degrees: Several | None = None,
    quantity: Quantity = "error",
    min_keep_fraction: float | None = None,
    draw: str | None = None,
    output: Path | None = None,
) -> None:
    """Solve the theory along curves or over a surface, as a table or a picture.

    Numbers may be several, separated by spaces or commas, or a range lo:hi:n of n numbers with even ratios.
    Every rule, kept fraction and angle is one curve; a range of kept fractions is drawn as a map.

    Example: perceptron-pruning theory --rule hardest easiest --keep-fraction 0.2 --probe-angle-degrees 10
    --alpha-prune 0.1:100:100 --output curve.csv

    Example: perceptron-pruning theory --keep-fraction 0.01:1:40 --alpha-total 0.5:500:60 --output map.png

    Parameters
    ----------
    rule
        Which examples are kept, by the probe's margin. Default: hardest.
    keep_fraction
        f, in (0, 1].
    lower
        Quantile of the margin at which ``--rule between`` starts, 0 = hardest.
    upper
        Quantile at which it ends.
    label_aware
        Rank by the signed margin y z instead of |z|.
    calibrated_share
        Share of the pool that is kept at random instead of by the rule, in [0, 1].
    alpha_prune
        Kept examples per dimension. Default: 0.1:100:100.
    alpha_total
        Examples before pruning per dimension, instead of the kept ones.
    probe_angle_degrees
        θ between probe and teacher, in [0, 90]. Default: 0.
    quantity
        error: the max-margin student. version-space: entropy, information gain and Gibbs student, for a
        perfect probe. frontier: the best fraction of the hardest.
    min_keep_fraction
        Least fraction that the frontier may keep.
    draw
        Column of the table that a picture shows. Default: the first, after rule, fraction, angle and α.
    output
        .csv, .parquet, .json, .png, .svg or .pdf, replaced if it exists. Default: a table on the screen.
    """
    if alpha_prune and alpha_total:
        raise ValueError("`--alpha-prune` and `--alpha-total` exclude each other; give one of them")
    abscissa: Literal["alpha_prune", "alpha_total"] = "alpha_total" if alpha_total else "alpha_prune"
    request = Request(
        quantity=quantity,
        rule=rule or ["hardest"],
        keep_fraction=values(keep_fraction or [], "--keep-fraction"),
        lower=lower,
        upper=upper,
        label_aware=label_aware,
        calibrated_share=calibrated_share,
        probe_angle_degrees=values(probe_angle_degrees or ["0"], "--probe-angle-degrees"),
        abscissa=abscissa,
        alpha=values(alpha_total or alpha_prune or _DEFAULT_ALPHAS, f"--{abscissa.replace('_', '-')}"),
        min_keep_fraction=min_keep_fraction,
        surface=is_range(keep_fraction or []),
    )
    column = _checked_column(draw, request, output)
    curves = tqdm(solved(request), total=len(request.curves()), unit="curve", disable=None)
    rows = [row for curve in curves for row in curve]
    if output is None:
        print(readable(rows))
    else:
        write(output, rows, request, column)


def _checked_column(draw: str | None, request: Request, output: Path | None) -> str:
    """The column to draw; raises a `ValueError` for an output that cannot be made, before anything is solved."""
    columns = COLUMNS[request.quantity] + (("keep_fraction",) if request.quantity == "frontier" else ())
    if draw is not None and draw not in columns:
        raise ValueError(f"`--draw` must be one of {', '.join(columns)}; got {draw}")
    if output is not None:
        check_output(output)
    if output is not None and output.suffix in PICTURES:
        request.check_drawable()
    elif draw is not None:
        raise ValueError(f"`--draw` takes an --output that is a picture: {', '.join(PICTURES)}")
    return draw or columns[0]
