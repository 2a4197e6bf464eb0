"""The command ``perceptron-pruning``."""

import sys
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Annotated

try:
    from cyclopts import App, Parameter
    from tqdm import tqdm
except ImportError as missing:
    sys.exit(f'the command line needs one more package ({missing.name}): pip install "perceptron-pruning[cli]"')

from perceptron_pruning.reproduction.claims import Claim
from perceptron_pruning.reproduction.evidence import REFUTED
from perceptron_pruning.reproduction.run import Interrupted, reproduce
from perceptron_pruning.reproduction.settings import FULL, QUICK
from perceptron_pruning.sweeps.commands import status_command, sweep_command
from perceptron_pruning.theory_command.command import theory_command

app = App(name="perceptron-pruning", help="Data pruning beyond scaling laws: theory, simulation, real embeddings.")
app.command(theory_command, name="theory")
app.command(sweep_command, name="sweep")
app.command(status_command, name="status")


COMMANDS_ON_EMBEDDINGS = "perceptron_pruning.embeddings.commands"  # imported when one is called
app.command(f"{COMMANDS_ON_EMBEDDINGS}:score_command", name="score", help="Score every example by pruning metrics.")
app.command(f"{COMMANDS_ON_EMBEDDINGS}:prune_command", name="prune", help="Choose the examples to keep.")
app.command(
    "perceptron_pruning.embeddings.experiments.command:experiment_command",
    name="experiment",
    help="Retrain students on pruned pools of embeddings.",
)


@app.command(name="reproduce")
def reproduce_command(
    *,
    output: Path = Path("reproduction"),
    quick: Annotated[bool, Parameter(negative="")] = False,
    full: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Reproduce the paper's figures and give a verdict on its claims.

    Writes figures (PNG, SVG), the tables behind them (CSV), the claims with their verdicts and a
    manifest into a folder. Ctrl-C leaves what is finished.

    Example: perceptron-pruning reproduce --quick --output reproduction

    Parameters
    ----------
    output
        Folder for everything that is written.
    quick
        N = 100, 60 trials a point: a few minutes on two cores. The default.
    full
        N = 200, 100 trials a point, and more points.
    """
    if quick and full:
        raise ValueError("`--quick` and `--full` exclude each other; give one of them")
    claims = reproduce(output, FULL if full else QUICK, progress=_progress_bar)
    print(_table(claims))
    print(f"\nFigures, tables and the manifest are in {output}")
    return int(claims[0].verdict == REFUTED)  # theory and simulation disagree: nothing else can be trusted


def _progress_bar(rows: Iterable, total: int) -> Iterable:
    return tqdm(rows, total=total, unit="task", disable=None)


def _table(claims: list[Claim]) -> str:
    blocks = [f"{c.verdict.upper():<26}{c.claim}\n    theory    {c.theory}\n    measured  {c.measured}" for c in claims]
    return "\n".join(["", *blocks])


def main() -> None:
    """Entry point: one line for a caller's mistake, no traceback; 130 when interrupted."""
    try:
        sys.exit(app())
    except Interrupted as interrupted:
        print(f"Interrupted: {interrupted}", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        print("Interrupted before anything was finished", file=sys.stderr)
        sys.exit(130)
    except (ValueError, ArithmeticError, OSError, BrokenExecutor) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
