"""The command ``perceptron-pruning``. What a command needs is imported when it is called."""

import signal
import sys
from concurrent.futures import BrokenExecutor

try:
    from cyclopts import App
except ImportError as missing:
    sys.exit(f'the command line needs one more package ({missing.name}): pip install "perceptron-pruning[cli]"')

from perceptron_pruning.output.provenance import package_version

# Command → where it is defined, and the first line of its docstring, for the list of commands
COMMANDS = {
    "reproduce": (
        "perceptron_pruning.commands.reproduce:reproduce_command",
        "Reproduce the paper's figures and give a verdict on its claims.",
    ),
    "explore": (
        "perceptron_pruning.commands.explore:explore_command",
        "Explore the theory in a browser: move α, f, probe, rule and student, and see the error.",
    ),
    "theory": (
        "perceptron_pruning.commands.theory.command:theory_command",
        "Solve the theory along curves or over a surface, as a table or a picture.",
    ),
    "sweep": (
        "perceptron_pruning.commands.sweep:sweep_command",
        "Simulate a grid of cells into a store that survives interruption.",
    ),
    "status": (
        "perceptron_pruning.commands.sweep:status_command",
        "Show how far a sweep's store is, and what made it.",
    ),
    "recommend": (
        "perceptron_pruning.commands.recommend:recommend_command",
        "Say how much of a labelled pool may be pruned and by which rule, or that it may not.",
    ),
    "score": (
        "perceptron_pruning.commands.score:score_command",
        "Score every example by pruning metrics: high = hard = keep.",
    ),
    "prune": (
        "perceptron_pruning.commands.prune:prune_command",
        "Choose the examples to keep from their scores, with a floor for every class.",
    ),
    "experiment": (
        "perceptron_pruning.commands.experiment:experiment_command",
        "Retrain students from scratch on pruned pools of embeddings: hard, easy or random, at every size.",
    ),
}

app = App(
    name="perceptron-pruning",
    help="Data pruning beyond scaling laws: theory, simulation, real embeddings.",
    version=package_version,
)
for name, (place, summary) in COMMANDS.items():
    app.command(place, name=name, help=summary)


def main() -> None:
    """Entry point: one line for a caller's mistake, no traceback; 130 when interrupted."""
    words = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops a command as Ctrl-C does
    try:
        if words and words[0] in COMMANDS:
            _load(words[0])
        sys.exit(app(words))
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on where it stopped", file=sys.stderr)
        sys.exit(130)
    except (ValueError, ArithmeticError, OSError, ImportError, BrokenExecutor) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def _load(command: str) -> None:
    """Imports a command, and has it show its whole docstring in place of its summary."""
    try:
        app[command].help = None
    except ImportError as error:
        raise ImportError(f"`{command}` needs what cannot be imported: {error.__cause__}") from error


if __name__ == "__main__":
    main()
