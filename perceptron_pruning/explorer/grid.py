"""The theory on a grid of sizes, fractions and angles, and between its nodes: what the page without a server knows.

``python -m perceptron_pruning.explorer.grid`` solves it anew, in some minutes, and measures how far the values between
nodes are from the theory.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from perceptron_pruning.output.atomic import write_atomically
from replica_theory import KeepEasiest, KeepHardest, empirical_risk, max_margin

RULES: dict[str, Callable[[float], Any]] = {"hardest": KeepHardest, "easiest": KeepEasiest}
STUDENTS = {"max_margin": "max-margin", "square": "square loss", "logistic": "logistic loss", "hinge": "hinge loss"}
RIDGE = 0.1  # λ of the losses
FRACTIONS = (0.1, 0.12, 0.145, 0.175, 0.21, 0.26, 0.32, 0.39, 0.47, 0.56, 0.66, 0.76, 0.85, 0.92, 0.97, 1.0)
ANGLES = (0.0, 1.0, 2.0, 3.5, 5.0, 7.0, 9.5, 12.5, 16.0, 21.0, 28.0, 36.0, 45.0)  # degrees
KEPT = tuple(np.round(np.r_[np.geomspace(0.02, 0.5, 7), np.geomspace(0.56, 12.0, 32), np.geomspace(14.0, 100.0, 8)], 4))
SHAPE = len(STUDENTS), len(RULES), len(FRACTIONS), len(ANGLES), len(KEPT)
LEVELS = 16383  # of ln ε, 4e-4 apart
_PLACE = files("perceptron_pruning.explorer") / "page" / "grid.bin"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Test errors at the nodes.

    Attributes:
        levels: ln ε from the least (0) to the largest (16383) of all, shaped as `SHAPE`.
        least, largest: These two ln ε.
        deviation: |ε/ε_theory − 1| at random points, its median, its 99 % quantile and the largest.
        points: Number of these points.
    """

    levels: np.ndarray
    least: float
    largest: float
    deviation: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    points: int = 0

    def error(self, student: str, rule: str, *, alpha_prune: float, keep_fraction: float, degrees: float) -> float:
        """ε between nodes: cubic in ln α, ln f and θ through the four nodes around each."""
        table = self.levels[list(STUDENTS).index(student), list(RULES).index(rule)]
        logs = self.least + (self.largest - self.least) / LEVELS * table.astype(float)
        axes = (np.log(FRACTIONS), np.log(keep_fraction)), (ANGLES, degrees), (np.log(KEPT), np.log(alpha_prune))
        for nodes, place in axes:
            first, weights = cubic(np.asarray(nodes), float(place))
            logs = np.tensordot(weights, logs[first : first + 4], axes=1)
        return float(np.exp(logs))


def cubic(nodes: np.ndarray, place: float) -> tuple[int, np.ndarray]:
    """The first of the four nodes around a place, and Lagrange's weights of the four."""
    first = int(np.clip(np.searchsorted(nodes, place) - 2, 0, len(nodes) - 4))
    near = nodes[first : first + 4]
    weights = [np.prod([(place - other) / (node - other) for other in near if other != node]) for node in near]
    return first, np.array(weights)


def read_grid() -> Grid:
    """The grid that comes with the package."""
    head, _, body = _PLACE.read_bytes().partition(b"\n")
    about = json.loads(head)
    return Grid(levels=unpacked(body), **about)


def packed(levels: np.ndarray) -> bytes:
    """Second differences along α, of these along θ and f, ± folded to 0, 1, 2, …, high bytes before low ones."""
    steps = np.diff(levels.astype(np.int64), n=2, axis=-1, prepend=np.zeros((*SHAPE[:-1], 2), np.int64))
    steps = np.diff(np.diff(steps, axis=-2, prepend=0), axis=-3, prepend=0).ravel()
    folded = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype(np.uint16)
    return (folded >> 8).astype(np.uint8).tobytes() + (folded & 255).astype(np.uint8).tobytes()


def unpacked(body: bytes) -> np.ndarray:
    """What `packed` has packed; the page does the same."""
    high, low = np.frombuffer(body, np.uint8).astype(np.int64).reshape(2, -1)
    folded = 256 * high + low
    steps = np.where(folded % 2, -(folded + 1) // 2, folded // 2).reshape(SHAPE)
    return steps.cumsum(axis=-3).cumsum(axis=-2).cumsum(axis=-1).cumsum(axis=-1)


def theory(student: str, rule: str, alpha_prune: Any, keep_fraction: float, degrees: float) -> Any:
    """ε as the theory has it, shaped like ``alpha_prune``."""
    setting = {"selection": RULES[rule](keep_fraction), "probe_angle": float(np.radians(degrees))}
    if student == "max_margin":
        return max_margin(alpha_prune, **setting).generalization_error
    return empirical_risk(alpha_prune, loss=student, ridge=RIDGE, **setting).generalization_error  # pyright: ignore


def solved_grid(told: Callable[[str], None]) -> Grid:
    """The grid by the theory, node by node."""
    logs = np.empty(SHAPE)
    for index in np.ndindex(SHAPE[:-1]):
        student, rule = list(STUDENTS)[index[0]], list(RULES)[index[1]]
        logs[index] = np.log(theory(student, rule, np.array(KEPT), FRACTIONS[index[2]], ANGLES[index[3]]))
        if index[2:] == (0, 0):
            told(f"{student}, {rule}")
    least, largest = float(logs.min()), float(logs.max())
    levels = np.round((logs - least) / (largest - least) * LEVELS).astype(np.int64)
    return Grid(levels=levels, least=least, largest=largest)


def random_deviations(grid: Grid, count: int, seed: int) -> np.ndarray:
    """|ε/ε_theory − 1| at random students, rules, pools of .2 to 100, fractions and angles, (count,)."""
    rng = np.random.default_rng(seed)
    deviations = []
    for _ in range(count):
        student, rule = str(rng.choice(list(STUDENTS))), str(rng.choice(list(RULES)))
        fraction, degrees = np.exp(rng.uniform(np.log(FRACTIONS[0]), 0.0)), rng.uniform(0.0, ANGLES[-1])
        alpha = fraction * np.exp(rng.uniform(np.log(KEPT[0] / FRACTIONS[0]), np.log(KEPT[-1])))
        between = grid.error(student, rule, alpha_prune=alpha, keep_fraction=fraction, degrees=degrees)
        deviations.append(abs(between / theory(student, rule, float(alpha), float(fraction), float(degrees)) - 1.0))
    return np.array(deviations)


def write_grid(path: Path, *, points: int, told: Callable[[str], None]) -> None:
    """Solves the grid, measures it at random points, and writes it: a line of JSON, then the levels, packed."""
    grid = solved_grid(told)
    found = random_deviations(grid, points, seed=1)
    about = {
        "least": grid.least,
        "largest": grid.largest,
        "deviation": [float(f"{value:.2g}") for value in (np.median(found), np.quantile(found, 0.99), found.max())],
        "points": points,
    }
    told(str(about))
    write_atomically(path, lambda file: file.write(json.dumps(about).encode() + b"\n" + packed(grid.levels)))


if __name__ == "__main__":
    write_grid(Path(str(_PLACE)), points=2000, told=print)
