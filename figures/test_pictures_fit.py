"""Nothing of a picture is cut off, on a page or on a phone: its edge is white."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from perceptron_pruning.figures.field.collection import FIGURES as FIELD
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.figures.real_data.collection import FIGURES as REAL
from perceptron_pruning.figures.theory.collection import FIGURES as THEORY
from perceptron_pruning.output.layout import narrow, new_figure
from perceptron_pruning.output.style import save_picture
from perceptron_pruning.output.tables import read_table

FOLDER = Path(__file__).parent
WHITE = 0.98  # least value of a channel
FIGURES = {name: (FOLDER, figure) for name, figure in THEORY.items()}
FIGURES |= {name: (FOLDER / "real_data", figure) for name, figure in REAL.items()}
FIGURES |= {name: (FOLDER / "field", figure) for name, figure in FIELD.items()}


def is_cut_off(path: Path) -> bool:
    """Whether a picture goes on beyond its edge: there is ink in an outermost row or column of pixels."""
    image = imread(path)[..., :3]
    return min(float(np.min(edge)) for edge in (image[0], image[-1], image[:, 0], image[:, -1])) < WHITE


@pytest.mark.parametrize("name", FIGURES, ids=str)
def test_on_a_page(name):
    folder, figure = FIGURES[name]
    assert not is_cut_off(folder / f"{file_stem(figure.NAME)}.png")


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES, ids=str)
def test_on_a_phone(name, tmp_path):
    folder, figure = FIGURES[name]
    with narrow():
        picture = figure.draw(read_table(folder / f"{file_stem(figure.NAME)}.csv"))
    save_picture(picture, tmp_path / "narrow.png")
    assert not is_cut_off(tmp_path / "narrow.png")
    assert picture.get_figwidth() < 4.5


@pytest.mark.parametrize(("place", "cut"), [(0.5, False), (0.99, True)], ids=["within", "beyond"])
def test_a_word_that_is_cut_off_is_found_out(place, cut, tmp_path):
    picture: Figure = new_figure(3.0, 2.0)
    picture.text(place, 0.5, "word")
    save_picture(picture, tmp_path / "word.png")
    assert is_cut_off(tmp_path / "word.png") == cut
