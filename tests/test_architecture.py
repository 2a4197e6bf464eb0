"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SIMULATION = ["sampling.py", "simulation.py", "students", "embeddings"]
# what simulation and embeddings may know of the theory: rules, losses, errors, angles
SHARED_WITH_THEORY = {"selection", "losses", "errors", "geometry"}


def imported(path: Path) -> set[str]:
    """Full names of modules and of names that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def files(*parts: str) -> list[Path]:
    found = []
    for part in parts:
        path = ROOT / part
        found += [path] if path.suffix else sorted(path.rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files("replica_theory"), ids=lambda path: path.name)
def test_theory_imports_numpy_and_scipy_alone(path):
    allowed = {"numpy", "scipy", "replica_theory", *sys.stdlib_module_names}
    assert {name.split(".")[0] for name in imported(path)} <= allowed


@pytest.mark.parametrize(
    "path", files(*(f"perceptron_pruning/{part}" for part in SIMULATION)), ids=lambda path: path.name
)
def test_simulation_and_embeddings_do_not_know_the_theorys_solvers(path):
    modules = {name.split(".")[1] for name in imported(path) if name.startswith("replica_theory.")}
    assert modules <= SHARED_WITH_THEORY
    assert "replica_theory" not in imported(path)  # whose public list includes the solvers


def test_sweeps_load_their_libraries_when_they_are_used():
    heavy = "{'xarray', 'zarr', 'h5netcdf', 'distributed', 'pandas'}"
    script = f"import sys, perceptron_pruning, perceptron_pruning.cli; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.stdout.strip() == "[]", run.stderr


def test_theory_runs_where_jax_and_the_simulator_are_missing():
    script = (
        "import sys; sys.modules.update(jax=None, jaxlib=None, perceptron_pruning=None, matplotlib=None)\n"
        "import replica_theory as t\n"
        "print(t.max_margin(2.0, selection=t.KeepHardest(0.4), probe_angle=0.3).generalization_error)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    assert 0 < float(run.stdout) < 0.5


def test_importing_leaves_the_users_jax_configuration_alone():
    script = (
        "import jax, jax.numpy as jnp\n"
        "before = {n: getattr(jax.config, n) for n in ('jax_enable_x64', 'jax_platforms')}\n"
        "import perceptron_pruning as p, perceptron_pruning.embeddings\n"
        "import replica_theory as t\n"
        "p.simulate(1.0, selection=t.KeepRandom(), n_features=5, n_trials=2)\n"
        "assert {n: getattr(jax.config, n) for n in before} == before\n"
        "assert jnp.ones(1).dtype == jnp.float32"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
