"""Figures written one by one, each table and picture only where what made it has changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure as Picture

from perceptron_pruning.figures.figure import Figure, file_stem
from perceptron_pruning.output.layout import narrow
from perceptron_pruning.output.style import save_picture
from perceptron_pruning.output.tables import Row, TableError, read_table, write_table
from perceptron_pruning.reproduction.cache import Cache
from perceptron_pruning.reproduction.names import NARROW
from perceptron_pruning.reproduction.stores import Computed
from perceptron_pruning.reproduction.timings import Timings


@dataclass(frozen=True)
class FigureWriter:
    """Writes tables and pictures into a folder.

    Attributes:
        output: The folder.
        figures: By name.
        cache: What is there already.
        timings: Of every stage.
        svg: Whether to write pictures as SVG, too.
        changing: Called before anything is replaced.
    """

    output: Path
    figures: Mapping[str, Figure]
    cache: Cache
    timings: Timings
    svg: bool
    changing: Callable[[], None]

    def table(self, name: str, computed: Computed) -> None:
        """Writes a figure's table, with a stamp of what it was made of."""
        self.changing()
        write_table(self._path(name, "csv"), computed.table)
        self.cache.note_table(name, computed.points)
        self.timings.note(name, "theory", computed.seconds)

    def pictures(self, name: str) -> None:
        """Draws a figure of its table, for a page and for a phone, if that is not what is there."""
        files = [*([self._path(name, "svg")] if self.svg else []), self._narrow(name), self._path(name, "png")]
        if self.cache.has_pictures(name, files):
            return
        self.changing()
        with self.timings.measured(name, "drawing"):
            path = self._path(name, "csv")
            table = read_table(path)
            with changed_tables_named([] if self.cache.is_unchanged(name) else [path]):
                save_all(self.figures[name].draw, table, self.output, file_stem(name), self.svg)
        self.cache.note_pictures(name, files)

    def points(self, name: str) -> dict[int, Row]:
        """The simulated points of a written figure by their seeds."""
        return {row["cell_seed"]: row for row in self.cache.points(name)}

    def _path(self, name: str, kind: str) -> Path:
        return self.output / f"{file_stem(name)}.{kind}"

    def _narrow(self, name: str) -> Path:
        return self.output / NARROW / f"{file_stem(name)}.png"


@contextmanager
def changed_tables_named(paths: Sequence[Path]) -> Iterator[None]:
    """Has whatever fails of tables that are not as they were written name them."""
    try:
        yield
    except (OSError, TableError):
        raise
    except Exception as error:  # of missing columns, texts in place of numbers, too few rows
        if not paths:
            raise
        raise TableError(
            ", ".join(map(str, paths)), f"what is made of it fails ({type(error).__name__}: {error})"
        ) from error


def save_all(draw: Callable[..., Picture], content: object, output: Path, stem: str, svg: bool) -> None:
    """Draws for a phone and a page, and writes both, the page's PNG last; a former SVG that is not asked for goes."""
    (output / NARROW).mkdir(exist_ok=True)
    with narrow():
        save_picture(draw(content), output / NARROW / f"{stem}.png")
    if svg:
        save_picture(draw(content), output / f"{stem}.svg")
    else:
        (output / f"{stem}.svg").unlink(missing_ok=True)
    save_picture(draw(content), output / f"{stem}.png")  # drawn by itself: saving moves what a layout aligns
