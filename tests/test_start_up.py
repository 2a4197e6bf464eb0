"""What starting takes: packages and commands load what they use, when they use it."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import perceptron_pruning
import replica_theory
from perceptron_pruning import sweeps
from perceptron_pruning.cli import COMMANDS, app

ROOT = Path(__file__).parents[1]
HEAVY = {"jax", "matplotlib", "xarray", "zarr", "h5netcdf", "distributed", "pandas", "scipy", "numpy"}
WITHOUT_JAX = HEAVY - {"numpy", "scipy"}


def loaded_by(script: str, packages: set[str] = HEAVY) -> set[str]:
    """Those of the packages that a fresh interpreter has loaded in the end."""
    asked = f"import sys\n{script}\nprint('\\n', *sorted({packages} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def command(*words: str) -> str:
    """A script that runs a command in its own process."""
    run = "import contextlib\nfrom perceptron_pruning import cli\nwith contextlib.suppress(SystemExit):\n    cli.main()"
    return f"sys.argv = {['perceptron-pruning', *words]}\n{run}"


@pytest.mark.parametrize(
    "script",
    [
        "import perceptron_pruning, perceptron_pruning.parallel",
        "import replica_theory",
        command("--help"),
        command("--version"),
    ],
    ids=["import", "import of the theory", "help", "version"],
)
def test_starting_loads_nothing_heavy(script):
    assert loaded_by(script) == set()


def test_the_theory_on_the_command_line_loads_the_theory_alone():
    table = command("theory", "--keep-fraction", "0.2", "--alpha-prune", "2")
    assert not loaded_by(table) & WITHOUT_JAX


def test_the_theory_starts_without_what_few_of_its_questions_need():
    slow = {
        f"scipy.{part}" for part in ("linalg", "optimize", "stats", "interpolate", "sparse", "spatial", "integrate")
    }
    assert not loaded_by("from replica_theory import *", slow | WITHOUT_JAX)


@pytest.mark.parametrize("package", [perceptron_pruning, replica_theory], ids=lambda package: package.__name__)
def test_packages_tell_their_version(package):
    assert package.__version__ == version("perceptron-pruning")


@pytest.mark.parametrize("package", [perceptron_pruning, replica_theory, sweeps], ids=lambda package: package.__name__)
def test_every_public_name_is_there_and_listed(package):
    for name in package.__all__:
        assert getattr(package, name).__name__.removeprefix("replica_theory.") == name
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'simulator'"):
        _ = package.simulator


def test_a_door_stays_its_function_whatever_is_imported_first():
    modules = "import replica_theory.max_margin, replica_theory.pruning_rounds, replica_theory.observables"
    asked = "replica_theory.max_margin, replica_theory.pruning_rounds, replica_theory.observables"
    assert loaded_by(f"{modules}\nassert all(map(callable, ({asked})))", {"jax"}) == set()


@pytest.mark.parametrize("name", COMMANDS, ids=str)
def test_the_list_of_commands_has_the_first_line_of_each_docstring(name):
    function = app[name].default_command
    assert function is not None
    assert COMMANDS[name][1] == (function.__doc__ or "").splitlines()[0]


def test_the_package_is_its_command():
    told = subprocess.run(
        [sys.executable, "-m", "perceptron_pruning", "--version"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout.strip()) == (0, version("perceptron-pruning"))
