"""What made a file, beside its parameters: versions of the packages, git commit, machine.

Every file that says how it came about asks here, so that all say it alike.
"""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE, PYTHON = "perceptron-pruning", "python"
NUMERICAL = ("numpy", "scipy", "jax")  # packages whose versions decide the last bits of a number

_GIT_SECONDS = 5.0  # that git may take to name the commit


@cache
def package_version() -> str:
    """Version of this package, as installed."""
    return version(PACKAGE)


@cache
def versions(*packages: str) -> dict[str, str]:
    """Versions, by name, of those packages that are installed; "python" is Python's own."""
    installed = {}
    for package in packages:
        try:
            installed[package] = platform.python_version() if package == PYTHON else version(package)
        except PackageNotFoundError:
            continue
    return installed


@cache
def machine() -> str:
    """Processor, number of cores, system and Python: "Intel Xeon, 2 cores, Linux x86_64, Python 3.11.7"."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = (line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    processor = next(models, platform.processor() or "processor unknown")
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


@cache
def commit() -> str | None:
    """The git commit of the checkout that this package is run from, with "-dirty" after it if files were changed.

    None for an installed package, which has its version, and where git cannot tell.
    """
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():  # an environment may lie within the checkout of something else
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        described = subprocess.run(
            command, cwd=checkout, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def provenance(*packages: str) -> dict[str, Any]:
    """``versions`` of the packages, ``commit`` and ``machine``, as values for JSON to go beside the parameters."""
    return {"versions": versions(*packages), "commit": commit(), "machine": machine()}
