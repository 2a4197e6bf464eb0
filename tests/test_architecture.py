"""Who may import whom: public doors at a package's root, private engines in underscore folders, arrows one way.

A *room* is what a package holds directly: a folder, or a file of its root. The rules speak of rooms alone, so that a
new file stands under them without being named here.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The simulator's rooms, each built on those before it.
FLOORS = (
    "output",
    "parallel",
    "datasets",
    "evidence",
    "students",
    "studies",
    "sampling",
    "observables",
    "device",
    "finite_size",
    "simulation",
    "rounds",
    "self_training",
    "own_probe_theory",
    "comparison",
    "sweeps",
    "embeddings",
    "experiments",
    "explorer",
    "figures",
    "reproduction",
    "commands",
    "cli",
    "__main__",
)
# What simulation and embeddings may know of the theory: what is kept, losses, errors and angles, but no solution.
SHARED_WITH_THEORY = {"errors", "geometry", "losses", "selection"}
SIMULATION = (
    "sampling",
    "observables",
    "device",
    "simulation",
    "rounds",
    "self_training",
    "students",
    "embeddings",
    "datasets",
)
# The theory's engines rest on these, and on nothing else of the theory.
FOUNDATIONS = {"_kept_averages", "_numerics", "errors", "geometry", "losses", "selection"}
ENGINES = sorted(
    path.name for path in (ROOT / "replica_theory").glob("_*") if path.is_dir() and path.name != "__pycache__"
)


def files(room: str) -> list[Path]:
    """Python files of a room, given as package/room."""
    folder = ROOT / room
    found = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    assert found
    return found


def rooms(package: str) -> list[str]:
    """Names of a package's rooms."""
    return sorted(path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or any(path.glob("*.py")))


def imported(path: Path) -> set[str]:
    """Full names of modules and of names that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def used_rooms(package: str, room: str) -> set[str]:
    """Other rooms of a package that a room imports."""
    names = {name for path in files(f"{room}") for name in imported(path)}
    used = {name.split(".")[1] for name in names if name.startswith(f"{package}.")}
    return (used & set(rooms(package))) - {Path(room).stem}


def arrows(package: str) -> dict[str, set[str]]:
    """Imports between the rooms of a package; its face, the list of public names, stands apart."""
    return {room: used_rooms(package, f"{package}/{room}") for room in rooms(package) if room != "__init__"}


@pytest.mark.parametrize("path", files("replica_theory"), ids=lambda path: str(path.relative_to(ROOT)))
def test_theory_imports_numpy_and_scipy_alone(path):
    """And what tells their linear algebra how many threads to take."""
    allowed = {"numpy", "scipy", "threadpoolctl", "replica_theory", *sys.stdlib_module_names}
    assert {name.split(".")[0] for name in imported(path)} <= allowed


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_engines_of_the_theory_rest_on_its_foundations_alone(engine):
    assert used_rooms("replica_theory", f"replica_theory/{engine}") <= FOUNDATIONS


@pytest.mark.parametrize("package", ["replica_theory", "perceptron_pruning"], ids=str)
def test_rooms_do_not_import_in_a_circle(package):
    left = arrows(package)
    while ground := {room for room, used in left.items() if not used & set(left)}:
        left = {room: used for room, used in left.items() if room not in ground}
    assert not left


@pytest.mark.parametrize("room", rooms("perceptron_pruning"), ids=str)
def test_rooms_of_the_simulator_stand_on_lower_floors(room):
    if room == "__init__":
        return
    assert room in FLOORS, f"give {room} its place in FLOORS"
    below = set(FLOORS[: FLOORS.index(room)])
    assert used_rooms("perceptron_pruning", f"perceptron_pruning/{room}") <= below


@pytest.mark.parametrize("room", ["output", "evidence"], ids=str)
def test_output_and_evidence_know_nothing_of_the_physics(room):
    names = {name for path in files(f"perceptron_pruning/{room}") for name in imported(path)}
    assert used_rooms("perceptron_pruning", f"perceptron_pruning/{room}") <= {"output"}
    assert not any(name.startswith(("replica_theory", "jax")) for name in names)


@pytest.mark.parametrize("room", SIMULATION, ids=str)
def test_simulation_and_embeddings_do_not_know_the_theorys_solutions(room):
    names = {name for path in files(f"perceptron_pruning/{room}") for name in imported(path)}
    assert {name.split(".")[1] for name in names if name.startswith("replica_theory.")} <= SHARED_WITH_THEORY
    assert "replica_theory" not in names  # whose public list includes the solutions


@pytest.mark.parametrize(
    ("package", "most"),
    [("replica_theory", 24), ("perceptron_pruning/embeddings", 12)],
    ids=["replica_theory", "embeddings"],
)
def test_a_front_hall_has_few_doors(package, most):
    assert len(list((ROOT / package).glob("*.py"))) <= most


def test_the_theorys_rooms_have_few_arrows():
    assert sum(len(used) for used in arrows("replica_theory").values()) <= 100


def run(script: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sweeps_load_their_libraries_when_they_are_used():
    heavy = "{'xarray', 'zarr', 'h5netcdf', 'distributed', 'pandas'}"
    assert run(f"import sys, perceptron_pruning, perceptron_pruning.cli; print({heavy} & set(sys.modules))") == "set()"


def test_theory_runs_where_jax_and_the_simulator_are_missing():
    error = run(
        "import sys; sys.modules.update(jax=None, jaxlib=None, perceptron_pruning=None, matplotlib=None)\n"
        "import replica_theory as t\n"
        "print(t.max_margin(2.0, selection=t.KeepHardest(0.4), probe_angle=0.3).generalization_error)"
    )
    assert 0 < float(error) < 0.5


def test_importing_leaves_the_users_jax_configuration_alone():
    run(
        "import jax, jax.numpy as jnp\n"
        "before = {n: getattr(jax.config, n) for n in ('jax_enable_x64', 'jax_platforms')}\n"
        "import perceptron_pruning as p, perceptron_pruning.embeddings\n"
        "import replica_theory as t\n"
        "p.simulate(1.0, selection=t.KeepRandom(), n_features=5, n_trials=2)\n"
        "assert {n: getattr(jax.config, n) for n in before} == before\n"
        "assert jnp.ones(1).dtype == jnp.float32"
    )
