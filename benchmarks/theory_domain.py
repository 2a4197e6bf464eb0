"""Random points of max_margin's whole domain: how many it refuses, and how many of its numbers are wrong.

    python benchmarks/theory_domain.py [points]     # 10 000 take about 15 minutes; writes theory_domain.csv and
                                                    # theory_domain_failures.csv

Every point is solved a second time by another path with finer quadrature, and some of them are held against the
ball arithmetic of tests/reference, which shares no formula with the package (needs python-flint). A number is
wrong if error or margin change by more than 1e-8, relative, where the error exceeds 1e-12.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from machine import description
from random_points import Point, random_points
from theory_recheck import difference_in_balls, largest_difference, reference, solved_another_way
from tqdm import tqdm

from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.parallel import ProcessExecutor
from replica_theory import KeepWithProbability, SaddlePointError, max_margin

WRONG, PROMISED = 1e-8, 1e-12
SEED, PROCESSES, CHUNK = 20220629, 2, 25
POINTS, IN_BALLS = 10_000, 1000
FOLDER = Path(__file__).parent


def check_point(point: Point) -> Row:
    """Solves a point twice. Differences are NaN where there is nothing to compare."""
    row: Row = {"family": point.family, "selection": str(point.selection), "probe_angle_degrees": point.degrees}
    row |= {"alpha_prune": point.alpha_prune, "milliseconds": math.nan, "generalization_error": math.nan}
    row |= {"residual": math.nan, "difference": math.nan, "refused": 0, "unchecked": 0}
    start = time.process_time()
    try:
        solution = max_margin(point.alpha_prune, selection=point.selection, probe_angle=point.probe_angle)
    except SaddlePointError as error:
        return row | {"refused": 1, "residual": error.residual}
    row["milliseconds"] = 1e3 * (time.process_time() - start)
    row |= {"generalization_error": solution.generalization_error, "residual": solution.residual}
    try:
        return row | {"difference": largest_difference(solution, solved_another_way(point))}
    except SaddlePointError:
        return row | {"unchecked": 1}


def check_in_balls(point: Point) -> Row:
    """Holds a point against 66 digits."""
    row: Row = {"family": point.family, "selection": str(point.selection), "probe_angle_degrees": point.degrees}
    try:
        solution = max_margin(point.alpha_prune, selection=point.selection, probe_angle=point.probe_angle)
    except SaddlePointError:
        return row | {"alpha_prune": point.alpha_prune, "difference": math.nan}
    row |= {"alpha_prune": point.alpha_prune, "generalization_error": solution.generalization_error}
    return row | {"difference": difference_in_balls(point, solution)}


def check_all(check: Callable[[Point], Row], points: Sequence[Point], *, chunk: int, name: str) -> list[Row]:
    """Rows of all points, in no order."""
    with ProcessExecutor(PROCESSES) as pool:
        chunks = [points[start : start + chunk] for start in range(0, len(points), chunk)]
        done = (f.result() for f in as_completed([pool.submit(_check_chunk, check, part) for part in chunks]))
        return [row for rows in tqdm(done, desc=name, total=len(chunks), disable=None) for row in rows]


def _check_chunk(check: Callable[[Point], Row], points: Sequence[Point]) -> list[Row]:
    return [check(point) for point in points]


def is_wrong(row: Row) -> bool:
    return row["difference"] > WRONG and row["generalization_error"] > PROMISED


def summary(family: str, rows: Sequence[Row], balls: Sequence[Row]) -> Row:
    """Counts over some rows, and what they cost."""
    milliseconds = [row["milliseconds"] for row in rows]
    return {
        "family": family,
        "points": len(rows),
        "refused": sum(row["refused"] for row in rows),
        "wrong": sum(map(is_wrong, rows)),
        "not_checked": sum(row["unchecked"] for row in rows),
        "largest_residual": _largest(row["residual"] for row in rows if not row["refused"]),
        "largest_difference": _largest(row["difference"] for row in rows),
        "in_balls": len(balls),
        "wrong_in_balls": sum(map(is_wrong, balls)),
        "largest_difference_in_balls": _largest(row["difference"] for row in balls),
        "median_milliseconds": float(np.nanmedian(milliseconds)),
        "largest_milliseconds": _largest(milliseconds),
        "seed": SEED,
        "machine": description(),
    }


def _largest(values: Iterable[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def main(count: int) -> None:
    points = random_points(count, SEED)
    rows = check_all(check_point, points, chunk=CHUNK, name="another path")
    known = [point for point in points if not isinstance(point.selection, KeepWithProbability)][:IN_BALLS]
    if reference() is None:
        print("python-flint or mpmath is missing: nothing is held against ball arithmetic")
        known = []
    balls = check_all(check_in_balls, known, chunk=1, name="ball arithmetic")
    families = sorted({row["family"] for row in rows})
    of = lambda table, family: [row for row in table if row["family"] == family]  # noqa: E731
    table = [summary(family, of(rows, family), of(balls, family)) for family in families]
    table.append(summary("all", rows, balls))
    write_table(FOLDER / "theory_domain.csv", table)
    report(rows, balls, table)


def report(rows: Sequence[Row], balls: Sequence[Row], table: Sequence[Row]) -> None:
    """Prints the counts, and every point that failed, which go to a table of their own too."""
    for line in table:
        print(", ".join(f"{name} {value}" for name, value in line.items() if name not in {"seed", "machine"}))
    failed = [row | {"why": why} for row in rows if (why := failure(row))]
    failed += [row | {"why": "wrong in ball arithmetic"} for row in balls if is_wrong(row)]
    for row in failed:
        print(f"{row['why']}: {row}")
    save_failures(failed)


def failure(row: Row) -> str:
    """What went wrong at a point; nothing if all is well."""
    return "refused" if row["refused"] else "not checked" if row["unchecked"] else "wrong" if is_wrong(row) else ""


def save_failures(failed: Sequence[Row]) -> None:
    columns = (
        "why",
        "selection",
        "probe_angle_degrees",
        "alpha_prune",
        "generalization_error",
        "residual",
        "difference",
    )
    path = FOLDER / "theory_domain_failures.csv"
    path.unlink(missing_ok=True)
    if failed:
        write_table(path, [{name: row.get(name) for name in columns} for row in failed], digits=17)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else POINTS)
