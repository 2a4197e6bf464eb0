"""Bad input to the commands: one clear line, exit status 1 or 2, nothing half-written.

Every case runs the command's entry point as the shell does.
"""

import json
import struct
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from safetensors.numpy import save_file

from perceptron_pruning import cli

N, D = 120, 6
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N, D)).astype(np.float32)
LABELS = np.arange(N) % 3


def npy(rows) -> object:
    return lambda path: np.save(path, rows)


def cut(path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def written_and_cut(write, size: int):
    def make(path):
        write(path)
        cut(path, size)

    return make


def with_number(value: float):
    rows = ROWS.copy()
    rows[7, 3] = value
    return npy(rows)


def save_npz(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


def save_safetensors(path, header: bytes, length: int | None = None):
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header)


def tensors(**tensor) -> bytes:
    return json.dumps({"x": tensor}).encode()


def folder_of(*files):
    def make(path):
        path.mkdir()
        for name, rows in files:
            if name.endswith(".npz"):
                save_npz(path / name, rows=rows)
            else:
                np.save(path / name, rows)

    return make


# name of the file → what makes it
EMBEDDINGS = {
    "missing.npy": lambda path: None,
    "missing.parquet": lambda path: None,
    "missing.npz": lambda path: None,
    "missing.safetensors": lambda path: None,
    "empty.npy": lambda path: path.write_bytes(b""),
    "magic.npy": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"),
    "text.npy": lambda path: path.write_text("1,2,3\n"),
    "header.npy": written_and_cut(npy(ROWS), 40),
    "rows_cut.npy": written_and_cut(npy(ROWS), 1000),
    "columns_cut.npy": written_and_cut(npy(np.asfortranarray(ROWS)), 1000),
    "one_axis.npy": npy(ROWS[:, 0]),
    "three_axes.npy": npy(ROWS[:, :, None]),
    "scalar.npy": npy(np.float32(1)),
    "no_rows.npy": npy(ROWS[:0]),
    "no_columns.npy": npy(ROWS[:, :0]),
    "complex.npy": npy(ROWS + 1j),
    "bool.npy": npy(ROWS > 0),
    "strings.npy": npy(ROWS.astype(str)),
    "objects.npy": lambda path: np.save(path, ROWS.astype(object), allow_pickle=True),
    "dates.npy": npy(np.zeros((N, D), "datetime64[s]")),
    "nan.npy": with_number(np.nan),
    "inf.npy": with_number(np.inf),
    "minus_inf.npy": with_number(-np.inf),
    "half_overflow.npy": npy(np.where(np.arange(N)[:, None] == 5, np.inf, ROWS).astype(np.float16)),
    "constant.npy": npy(np.ones((N, D), np.float32)),
    "empty.npz": lambda path: path.write_bytes(b""),
    "text.npz": lambda path: path.write_text("no archive"),
    "cut.npz": written_and_cut(lambda path: save_npz(path, x=ROWS), 900),
    "none_of_two_axes.npz": lambda path: save_npz(path, x=ROWS[:, 0]),
    "two.npz": lambda path: save_npz(path, x=ROWS, y=ROWS),
    "npy_inside.npz": npy(ROWS),
    "empty.parquet": lambda path: path.write_bytes(b""),
    "text.parquet": lambda path: path.write_text("no table"),
    "cut.parquet": written_and_cut(lambda p: parquet.write_table(pa.table({"x": ROWS.tolist()}), p), 500),
    "ragged.parquet": lambda path: parquet.write_table(pa.table({"x": [[1.0, 2.0], [3.0]] * 60}), path),
    "nulls.parquet": lambda path: parquet.write_table(pa.table({"x": [[1.0, 2.0], None] * 60}), path),
    "no_rows.parquet": lambda path: parquet.write_table(pa.table({"x": pa.array([], pa.list_(pa.float32()))}), path),
    "texts.parquet": lambda path: parquet.write_table(pa.table({"x": ["a"] * N}), path),
    "two.parquet": lambda path: parquet.write_table(pa.table({"x": ROWS.tolist(), "y": ROWS.tolist()}), path),
    "empty.safetensors": lambda path: path.write_bytes(b""),
    "text.safetensors": lambda path: path.write_text("no tensors at all, and longer than eight bytes"),
    "huge_header.safetensors": lambda path: save_safetensors(path, b"{}", 2**62),
    "list.safetensors": lambda path: save_safetensors(path, b"[1, 2]"),
    "no_json.safetensors": lambda path: save_safetensors(path, b"{x"),
    "number.safetensors": lambda path: save_safetensors(path, b'{"x": 3}'),
    "no_dtype.safetensors": lambda path: save_safetensors(path, tensors(shape=[2, 3], data_offsets=[0, 24])),
    "no_offsets.safetensors": lambda path: save_safetensors(path, tensors(shape=[2, 3], dtype="F32")),
    "bool.safetensors": lambda p: save_safetensors(p, tensors(shape=[2, 3], dtype="BOOL", data_offsets=[0, 6])),
    "zero.safetensors": lambda p: save_safetensors(p, tensors(shape=[0, 3], dtype="F32", data_offsets=[0, 0])),
    "cut.safetensors": written_and_cut(lambda path: save_file({"x": ROWS}, path), 800),
    "one_axis.safetensors": lambda path: save_file({"x": ROWS[:, 0].copy()}, path),
    "rows.csv": lambda path: path.write_text("1,2\n"),
    "rows.txt": lambda path: path.write_text("1 2\n"),
    "rows": lambda path: path.write_text("1 2\n"),
    "rows.pt": lambda path: path.write_bytes(b"torch"),
    "empty_folder": lambda path: path.mkdir(),
    "mixed_folder": folder_of(("a.npy", ROWS), ("b.npz", ROWS)),
    "widths_folder": folder_of(("a.npy", ROWS), ("b.npy", ROWS[:, :3])),
    "damaged_folder": folder_of(("a.npy", ROWS), ("b.npy", ROWS[:, 0])),
}


def csv_of(text: str, encoding: str = "utf-8"):
    return lambda path: path.write_bytes(text.encode(encoding))


LABEL_FILES = {
    "missing.npy": lambda path: None,
    "missing.csv": lambda path: None,
    "empty.npy": lambda path: path.write_bytes(b""),
    "text.npy": lambda path: path.write_text("0\n1\n"),
    "header.npy": written_and_cut(npy(LABELS), 40),
    "cut.npy": written_and_cut(npy(LABELS), 300),
    "two_axes.npy": npy(LABELS[:, None]),
    "short.npy": npy(LABELS[:-1]),
    "long.npy": npy(np.append(LABELS, 0)),
    "nan.npy": npy(np.where(np.arange(N) == 5, np.nan, LABELS)),
    "objects.npy": lambda path: np.save(path, LABELS.astype(object), allow_pickle=True),
    "one_class.npy": npy(np.zeros(N, int)),
    "gap.npy": npy(np.where(np.arange(N) == 5, "", LABELS.astype(str))),
    "empty.npz": lambda path: path.write_bytes(b""),
    "text.npz": lambda path: path.write_text("no archive"),
    "two.npz": lambda path: save_npz(path, x=LABELS, y=LABELS),
    "cut.npz": written_and_cut(lambda path: save_npz(path, x=LABELS), 300),
    "empty.csv": csv_of(""),
    "two_columns.csv": csv_of("a,b\n" + "1,2\n" * N),
    "ragged.csv": csv_of("a\n" + "1\n" * 5 + "1,2\n"),
    "gap.csv": csv_of("id,a\n" + "1,2\n" * 5 + "1,\n"),
    "latin.csv": csv_of("a\n" + "käse\n" * N, "latin-1"),
    "utf16.csv": csv_of("a\n" + "x\n" * N, "utf-16"),
    "short.csv": csv_of("a\n" + "1\n0\n"),
    "latin.txt": csv_of("käse\n" * N, "latin-1"),
    "short.txt": csv_of("1\n0\n"),
    "empty.txt": csv_of(""),
    "empty.parquet": lambda path: path.write_bytes(b""),
    "text.parquet": lambda path: path.write_text("no table"),
    "nulls.parquet": lambda path: parquet.write_table(pa.table({"x": [1, None] * 60}), path),
    "two.parquet": lambda path: parquet.write_table(pa.table({"x": LABELS, "y": LABELS}), path),
    "labels.json": lambda path: path.write_text("[]"),
    "labels": lambda path: path.write_text("0\n"),
    "empty_folder": lambda path: path.mkdir(),
}
SCORE_OPTIONS = {
    "seed": "--seed -1",
    "metric": "--metrics el3n",
    "metric case": "--metrics EL2N",
    "two metrics": "--metrics margin nothing",
    "influence": "--metrics influence_max",
    "budget": "--memory-budget 2",
    "budget word": "--memory-budget lots",
    "budget unit": "--memory-budget 2XB",
    "budget negative": "--memory-budget -1GB",
    "budget zero": "--memory-budget 0GB",
    "budget small": "--memory-budget 1kB",
    "clusters": "--n-clusters 0 --metrics self_supervised_prototypes",
    "clusters many": "--n-clusters 1000 --metrics self_supervised_prototypes",
    "clusters word": "--n-clusters many",
    "start": "--start nowhere",
    "engine": "--engine gpu",
    "iterations": "--iterations 0",
    "tolerance": "--tolerance -1",
    "models": "--n-models 0",
    "models many": "--n-models 5000",
    "epochs": "--epochs 0",
    "early epochs": "--epochs 2 --early-epochs 3",
    "subspace": "--subspace 0",
    "subspace large": "--subspace 1.5",
    "batch": "--batch-rows 0",
    "rate": "--learning-rate 0",
    "rate negative": "--learning-rate -1",
    "rate infinite": "--learning-rate inf",
    "rate nan": "--learning-rate nan",
    "momentum": "--momentum 1",
    "ridge": "--ridge 0",
    "ridge negative": "--ridge -1",
    "folds": "--folds 1",
    "rounds": "--rounds 0",
    "share": "--subset-share 1",
    "output suffix": "--output OUT/scores.xlsx",
    "output no suffix": "--output OUT/scores",
    "output folder": "--output OUT/none/scores.csv",
    "output is there": "--output THERE.csv",
    "output is a folder": "--output FOLDER.csv",
    "report suffix": "--report OUT/report.pdf",
    "report folder": "--report OUT/none/report.html",
    "images": "--images OUT/none.npy",
    "images that are rows": "--images ROWS",
    "images that are text": "--images THERE.csv",
    "ids": "--ids OUT/none.npy",
    "unknown": "--no-such-option 3",
    "test alone": "--test-embeddings ROWS --metrics influence_max",
}
RECOMMEND_OPTIONS = {
    "seed": "--seed -1",
    "tolerance": "--tolerance 0",
    "tolerance points": "--tolerance 5",
    "tolerance word": "--tolerance half",
    "fraction": "--fractions 1.0",
    "fraction zero": "--fractions 0",
    "fraction percent": "--fractions 50",
    "fractions": "--fractions 0.5 2",
    "folds": "--folds 7",
    "folds zero": "--folds 0",
    "student": "--student svm",
    "ridges": "--ridges 0",
    "ridges negative": "--ridges 0.01 -1",
    "sample": "--sample-rows 10",
    "sample large": "--sample-rows 1000",
    "weights": "--class-weights equal",
    "weights file": "--class-weights OUT/none.csv",
    "ids": "--ids OUT/none.npy",
    "output is a file": "--output THERE.csv",
    "output folder": "--output OUT/none/advice",
    "unknown": "--no-such-option 3",
}
PRUNE_OPTIONS = {
    "no fraction": "--metric a",
    "fraction": "--metric a --keep-fraction 0",
    "fraction large": "--metric a --keep-fraction 1.5",
    "fraction negative": "--metric a --keep-fraction -0.5",
    "fraction percent": "--metric a --keep-fraction 50",
    "fraction nan": "--metric a --keep-fraction nan",
    "fraction word": "--metric a --keep-fraction half",
    "metric": "--metric c --keep-fraction 0.5",
    "no metric": "--keep-fraction 0.5",
    "not finite": "--metric bad --keep-fraction 0.5",
    "rule": "--metric a --rule best --keep-fraction 0.5",
    "between": "--metric a --rule between --lower 0.1",
    "between both": "--metric a --rule between --lower 0.1 --upper 0.5 --keep-fraction 0.5",
    "between order": "--metric a --rule between --lower 0.5 --upper 0.1",
    "between range": "--metric a --rule between --lower -0.5 --upper 0.1",
    "quantiles": "--metric a --keep-fraction 0.5 --lower 0.1",
    "floor": "--metric a --keep-fraction 0.5 --class-floor 2",
    "floor negative": "--metric a --keep-fraction 0.5 --class-floor -1",
    "random share": "--metric a --keep-fraction 0.5 --random-share 2",
    "seed": "--metric a --keep-fraction 0.5 --seed -1",
    "suffix": "--metric a --keep-fraction 0.5 --output OUT/kept.csv",
    "folder": "--metric a --keep-fraction 0.5 --output OUT/none/kept.npy",
    "labels": "--metric a --keep-fraction 0.5 --labels OUT/none.npy",
    "labels short": "--metric a --keep-fraction 0.5 --labels SHORT",
    "suspects": "--metric a --keep-fraction 0.5 --drop-suspects",
    "embeddings": "--metric a --keep-fraction 0.5 --embeddings OUT/none.npy",
}


@pytest.fixture
def place(tmp_path):
    """Good files, an empty folder for output, and a file and a folder that are in the way."""
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "rows.npy", ROWS)
    np.save(tmp_path / "labels.npy", LABELS)
    np.save(tmp_path / "short.npy", LABELS[:5])
    (tmp_path / "there.csv").write_text("mine\n")
    (tmp_path / "folder.csv").mkdir()
    bad = np.where(np.arange(N) == 3, np.nan, 1.0)
    np.savez(tmp_path / "scores.npz", a=np.arange(N), b=np.arange(N), bad=bad, label=LABELS)
    return tmp_path


def words_of(options: str, place) -> list[str]:
    names = {"OUT": "out", "THERE": "there", "FOLDER": "folder", "ROWS": "rows.npy", "SHORT": "short.npy"}
    words = options.split()
    for short, name in names.items():
        words = [word.replace(short, str(place / name)) for word in words]
    return words


def refused(words, place, monkeypatch, capsys) -> str:
    """The one line with which the command refuses; it has left nothing behind."""
    before = {path.name for path in place.iterdir()}
    monkeypatch.setattr(sys, "argv", ["perceptron-pruning", *map(str, words)])
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    said = capsys.readouterr()
    assert stopped.value.code in (1, 2), said
    lines = [line for line in said.err.splitlines() if line.startswith("Error")] or said.err.splitlines()
    text = said.err + said.out
    assert "Traceback" not in text
    assert len(lines) == 1 or "─" in text  # the parser of the options draws a frame around its line
    assert not list((place / "out").iterdir())
    assert {path.name for path in place.iterdir()} == before
    assert (place / "there.csv").read_text() == "mine\n"
    return text


def command(name: str, place, *, embeddings=None, labels=None) -> list[str]:
    rows, classes = embeddings or place / "rows.npy", labels or place / "labels.npy"
    output = place / "out" / ("advice" if name == "recommend" else "scores.npz")
    metrics = ["--metrics", "margin"] if name == "score" else ["--quick"]
    return [name, str(rows), "--labels", str(classes), "--output", str(output), *metrics]


@pytest.mark.parametrize("name", ["score", "recommend"], ids=str)
@pytest.mark.parametrize("file", EMBEDDINGS, ids=str)
def test_bad_embeddings(file, name, place, monkeypatch, capsys):
    (place / "in").mkdir()
    path = place / "in" / file
    EMBEDDINGS[file](path)
    text = refused(command(name, place, embeddings=path), place, monkeypatch, capsys)
    assert file.split(".")[0] in text or "embeddings" in text


@pytest.mark.parametrize("name", ["score", "recommend"], ids=str)
@pytest.mark.parametrize("file", LABEL_FILES, ids=str)
def test_bad_labels(file, name, place, monkeypatch, capsys):
    (place / "in").mkdir()
    path = place / "in" / file
    LABEL_FILES[file](path)
    refused(command(name, place, labels=path), place, monkeypatch, capsys)


@pytest.mark.parametrize("options", SCORE_OPTIONS.values(), ids=SCORE_OPTIONS)
def test_bad_options_of_score(options, place, monkeypatch, capsys):
    words = command("score", place)
    given = words_of(options, place)
    words = words[: words.index("--metrics")] if "--metrics" in given else words
    if "--output" in given:
        start = words.index("--output")
        words = words[:start] + words[start + 2 :]
    refused([*words, *given], place, monkeypatch, capsys)


@pytest.mark.parametrize("options", RECOMMEND_OPTIONS.values(), ids=RECOMMEND_OPTIONS)
def test_bad_options_of_recommend(options, place, monkeypatch, capsys):
    words, given = command("recommend", place), words_of(options, place)
    if "--output" in given:
        start = words.index("--output")
        words = words[:start] + words[start + 2 :]
    refused([*words, *given], place, monkeypatch, capsys)


@pytest.mark.parametrize("options", PRUNE_OPTIONS.values(), ids=PRUNE_OPTIONS)
def test_bad_options_of_prune(options, place, monkeypatch, capsys):
    given = words_of(options, place)
    output = [] if "--output" in given else ["--output", str(place / "out" / "kept.npy")]
    refused(["prune", place / "scores.npz", *output, *given], place, monkeypatch, capsys)


def test_there_are_two_hundred_cases():
    n_cases = 2 * len(EMBEDDINGS) + 2 * len(LABEL_FILES)
    assert n_cases + len(SCORE_OPTIONS) + len(RECOMMEND_OPTIONS) + len(PRUNE_OPTIONS) >= 200
