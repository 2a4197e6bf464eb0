"""The layout of the authors' released ImageNet scores: a CSV with one row per image and a column per metric.

References:
    https://github.com/rgeirhos/dataset-pruning-metrics (Sorscher et al. 2022): high scores are to be kept.
"""

import csv
import io
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from perceptron_pruning.embeddings.io.columns import as_numbers
from perceptron_pruning.output.atomic import write_atomically

RELEASED_NAMES = {
    "self_supervised_prototypes": "self-supervised prototypes",
    "supervised_prototypes": "supervised prototypes",
    "ddd": "DDD",
    "el2n_1": "EL2N (1 model)",
    "el2n": "EL2N (20 models)",
    "influence_max": "influence-max",
    "influence_sum_abs": "influence-sum-abs",
    "active_learning": "active-learning",
}
PLAIN_NAMES = {
    "el2n_1_model": "el2n_1",
    "el2n_20_models": "el2n",
    "el2n_20": "el2n",
    "selfsupervised_prototypes": "self_supervised_prototypes",
    "influence_sumabs": "influence_sum_abs",
}
ROW_NAMES = ("image", "image_path", "img_path", "path", "filename", "file", "name", "id", "")
CLASS_NAMES = ("label", "class", "target", "wnid", "class_name")


def plain_name(column: str) -> str:
    """Name of a metric as `score` spells it: "EL2N (20 models)" is el2n."""
    plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
    return PLAIN_NAMES.get(plain, plain)


def read_released_scores(*paths: str | Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Image names (n,) and metric name → scores (n,) of one CSV or of several with the same images.

    Columns are known by their names, however they are punctuated; `random-100` … stay five metrics. Images of
    several files are matched by name, in the order of the first.

    Raises:
        ValueError: A file has no column of image names, or another set of images; a value is no number or is
            missing; an image occurs twice. File and row are named.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.embeddings import read_released_scores
        >>> path = Path(mkdtemp()) / "scores.csv"
        >>> _ = path.write_text("image,EL2N\\na.jpg,0.1\\nb.jpg,0.7")
        >>> names, scores = read_released_scores(path)
        >>> names.tolist(), {metric: values.tolist() for metric, values in scores.items()}
        (['a.jpg', 'b.jpg'], {'el2n': [0.1, 0.7]})
    """
    if not paths:
        raise ValueError("`paths` must name a file at least; got none")
    images, scores = _read(Path(paths[0]))
    for path in paths[1:]:
        others, columns = _read(Path(path))
        order, place = np.argsort(others, kind="stable"), np.argsort(np.argsort(images, kind="stable"))
        if not np.array_equal(np.sort(images), others[order]):
            raise ValueError(f"`{path}` must have the images of `{paths[0]}`; they differ")
        scores |= {name: values[order][place] for name, values in columns.items()}
    return images, scores


def _read(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.reader(file)
        header = next(table, None)
        if not header:
            raise ValueError(f"`{path}` is empty")
        rows = list(table)
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"row {number} of `{path}` must have {len(header)} values; got {len(row)}")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    key = next((name for name in header if name.strip().lower() in ROW_NAMES), None)
    if key is None:
        raise ValueError(f"`{path}` must have a column of image names ({', '.join(ROW_NAMES[:-1])}); got {header}")
    images = np.array(columns.pop(key))
    _check_unique(images, path)
    scores = {plain_name(n): _numbers(v, n, path) for n, v in columns.items() if n.strip().lower() not in CLASS_NAMES}
    return images, scores


def _numbers(values: list[str], column: str, path: Path) -> np.ndarray:
    numbers = as_numbers([value or "nan" for value in values])
    if numbers.dtype.kind not in "if" or not np.isfinite(numbers).all():
        for row, value in enumerate(values):
            if not _is_number(value):
                raise ValueError(f"row {row} of `{path}` must have a finite number in {column}; got {value!r}")
    return numbers.astype(np.float64)


def _is_number(value: str) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except ValueError:
        return False


def _check_unique(images: np.ndarray, path: Path) -> None:
    order = np.argsort(images, kind="stable")
    repeats = np.flatnonzero(images[order][1:] == images[order][:-1])
    if repeats.size:
        first, second = order[repeats[0]], order[repeats[0] + 1]
        raise ValueError(f"rows {first} and {second} of `{path}` are the same image, {images[first]}")


def write_released_csv(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Writes one row per image and a column per metric under the released names, whole or not at all."""
    header = ["image" if name == "id" else RELEASED_NAMES.get(name, name) for name in columns]
    text = [values.tolist() for values in columns.values()]

    def write(file: BinaryIO) -> None:
        wrapped = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table = csv.writer(wrapped, lineterminator="\n")
        table.writerow(header)
        table.writerows(zip(*text, strict=True))
        wrapped.flush()
        wrapped.detach()

    write_atomically(path, write)
