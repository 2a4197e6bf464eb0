"""What an experiment leaves for readers: the table, its means, and a verdict on each claim."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.judge import judge
from perceptron_pruning.experiments.analysis.metric_claims import Rank, benchmark
from perceptron_pruning.experiments.tables import means
from perceptron_pruning.output.atomic import write_atomically
from perceptron_pruning.studies.dataset import write_netcdf

TABLE, MEANS, FINDINGS = "table.nc", "means.csv", "findings.md"


def write_files(table: xr.Dataset, folder: Path, judged: Callable[[xr.Dataset], list[Claim]] = judge) -> list[Claim]:
    """Writes the table (netCDF), means with 95 % intervals (CSV) and the findings (Markdown); gives the claims."""
    claims = judged(table)
    write_netcdf(table, folder / TABLE)
    write_atomically(folder / MEANS, lambda file: file.write(means(table).encode()))
    write_atomically(folder / FINDINGS, lambda file: file.write(findings(table, claims).encode()))
    return claims


def findings(table: xr.Dataset, claims: list[Claim]) -> str:
    """Markdown: a row for each claim, and the benchmark of metrics."""
    lines = ["# Findings", "", "| verdict | claim | setting | measured |", "|---|---|---|---|"]
    lines += [f"| {c.verdict} | {c.statement} | {c.setting} | {c.measured} |" for c in claims]
    for student in table.student.values:
        ranks = benchmark(table.test_error.sel(student=student).isel(class_floor=0))
        if ranks:
            lines += ["", f"## Metrics, keeping hard, {student}", ""]
            lines += ["| kept | metric | test error | gain over random |", "|---|---|---|---|", *map(_row, ranks)]
    return "\n".join([*lines, "", "Intervals: Student's, 95 %, over seeds.", ""])


def _row(rank: Rank) -> str:
    return f"| {rank.keep_fraction:g} | {rank.metric} | {rank.test_error} | {rank.gain} |"
