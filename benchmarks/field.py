"""How long the figures of the papers that followed take: their theory alone, and the committed pass with simulation.

The theory of every row of the committed tables that is no simulated one is computed again, in one process, and held
against the table; the pass's seconds are those of ``figures/field/timings.csv``.

    python benchmarks/field.py        # about a minute
"""

import time
from pathlib import Path

from machine import description

from perceptron_pruning.figures.field.collection import FIGURES
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.output.tables import Row, read_table, write_table

FOLDER = Path(__file__).parents[1] / "figures" / "field"
LARGEST_CHANGE = 1e-7  # relative, of a number that is computed again


def timed(name: str) -> Row:
    """Processor-seconds of a figure's theory."""
    rows = [row for row in read_table(FOLDER / f"{file_stem(name)}.csv") if row["kind"] != "simulation"]
    rows = [row for row in rows if row.get("theory") is not None]
    begun = time.process_time()
    values = [FIGURES[name].theory_of(row) for row in rows]
    seconds = time.process_time() - begun
    change = max(abs(value / row["theory"] - 1) for value, row in zip(values, rows, strict=True))
    if change > LARGEST_CHANGE:
        raise RuntimeError(
            f"{name} must have the theory of its table, to {LARGEST_CHANGE:g}; got a change of {change:.1e}"
        )
    return {"figure": name, "theory_values": len(rows), "theory_processor_seconds": seconds, "largest_change": change}


def main() -> None:
    passed = {row["figure"]: row for row in read_table(FOLDER / "timings.csv")}
    rows = [timed(name) for name in FIGURES]
    for row in rows:
        parts = passed[row["figure"]]
        row["pass_seconds"] = parts["simulation"] + parts["theory"] + parts["drawing"]
        row["machine"] = description()
    write_table(Path(__file__).with_suffix(".csv"), rows)
    for column in ("theory_processor_seconds", "pass_seconds"):
        print(f"{column}: {sum(row[column] for row in rows):.0f}")


if __name__ == "__main__":
    main()
