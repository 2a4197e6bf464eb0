"""What made the numbers."""

from functools import cache
from importlib.metadata import version

PACKAGE = "perceptron-pruning"
_LIBRARIES = ("numpy", "scipy", "jax")


@cache
def package_version() -> str:
    return version(PACKAGE)


def libraries() -> dict[str, str]:
    """Versions of the libraries that decide the last bits."""
    return {name: version(name) for name in _LIBRARIES}
