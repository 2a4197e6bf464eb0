"""The command ``perceptron-pruning``."""

import sys
from concurrent.futures import BrokenExecutor

try:
    from cyclopts import App
except ImportError as missing:
    sys.exit(f'the command line needs one more package ({missing.name}): pip install "perceptron-pruning[cli]"')

from perceptron_pruning.commands.experiment import experiment_command
from perceptron_pruning.commands.reproduce import reproduce_command
from perceptron_pruning.commands.score import prune_command, score_command
from perceptron_pruning.commands.sweep import status_command, sweep_command
from perceptron_pruning.commands.theory.command import theory_command

app = App(name="perceptron-pruning", help="Data pruning beyond scaling laws: theory, simulation, real embeddings.")
app.command(reproduce_command, name="reproduce")
app.command(theory_command, name="theory")
app.command(sweep_command, name="sweep")
app.command(status_command, name="status")

app.command(score_command, name="score")
app.command(prune_command, name="prune")
app.command(experiment_command, name="experiment")


def main() -> None:
    """Entry point: one line for a caller's mistake, no traceback; 130 when interrupted."""
    try:
        sys.exit(app(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on where it stopped", file=sys.stderr)
        sys.exit(130)
    except (ValueError, ArithmeticError, OSError, BrokenExecutor) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
