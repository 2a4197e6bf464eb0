"""The command ``perceptron-pruning``."""

import sys
from concurrent.futures import BrokenExecutor

try:
    from cyclopts import App
except ImportError as missing:
    sys.exit(f'the command line needs one more package ({missing.name}): pip install "perceptron-pruning[cli]"')

from perceptron_pruning.reproduction.command import reproduce_command
from perceptron_pruning.sweeps.commands import status_command, sweep_command
from perceptron_pruning.theory_command.command import theory_command

app = App(name="perceptron-pruning", help="Data pruning beyond scaling laws: theory, simulation, real embeddings.")
app.command(reproduce_command, name="reproduce")
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
