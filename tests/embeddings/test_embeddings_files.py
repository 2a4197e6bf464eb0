"""Every format read and written, and every broken file named."""

import json
import subprocess
import sys

import ml_dtypes
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from safetensors.numpy import save_file
from scipy import sparse

from perceptron_pruning.embeddings import load_fashion_mnist, score
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.io.released import read_released_scores
from perceptron_pruning.embeddings.io.tables import read_scores
from perceptron_pruning.output.atomic import write_atomically

BFLOAT16 = ml_dtypes.bfloat16


@pytest.fixture(scope="module")
def table():
    return load_fashion_mnist().train_embeddings[:50, :12].astype(np.float16)


@pytest.fixture(scope="module")
def labels():
    return load_fashion_mnist().train_labels[:50]


def save(folder, kind: str, rows: np.ndarray):
    """The rows in a file, or a folder, of this kind."""
    path = folder / f"rows.{kind}"
    if kind == "npy":
        np.save(path, rows)
    elif kind == "npz":
        np.savez_compressed(path, embeddings=rows, labels=np.arange(len(rows)))
    elif kind == "parquet":
        parquet.write_table(pa.table({"id": np.arange(len(rows)), "embedding": list(rows)}), path)
    elif kind == "safetensors":
        save_file({"embeddings": rows, "step": np.zeros(1)}, path)
    elif kind == "shards":
        path.mkdir()
        for number, part in enumerate(np.split(rows, [7, 30])):
            np.save(path / f"part_{number + 9}.npy", part)
    elif kind == "clip":
        (path / "img_emb").mkdir(parents=True)
        (path / "metadata").mkdir()
        for number, part in enumerate(np.array_split(np.arange(len(rows)), 11)):
            np.save(path / "img_emb" / f"img_emb_{number}.npy", rows[part])
            names = {"image_path": [f"{i:09d}" for i in part], "caption": [f"picture {i}" for i in part]}
            parquet.write_table(pa.table(names), path / "metadata" / f"metadata_{number:02d}.parquet")
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "parquet", "safetensors", "shards", "clip"], ids=str)
def test_rows_come_back_from_every_format(tmp_path, table, kind):
    rows = open_rows(save(tmp_path, kind, table))
    assert len(rows) == 50
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows.read(0, 50), table)
    np.testing.assert_array_equal(rows.read(5, 33), table[5:33])
    np.testing.assert_array_equal(rows.take(np.array([0, 6, 7, 8, 29, 30, 49])), table[[0, 6, 7, 8, 29, 30, 49]])


@pytest.mark.parametrize("dtype", [np.float16, BFLOAT16, np.float32, np.float64], ids=["fp16", "bf16", "fp32", "fp64"])
@pytest.mark.parametrize("kind", ["npy", "safetensors"], ids=str)
def test_every_precision_comes_back(tmp_path, table, kind, dtype):
    rows = open_rows(save(tmp_path, kind, table.astype(dtype)))
    np.testing.assert_array_equal(rows.read(3, 9), table[3:9].astype(dtype).astype(rows.dtype))
    assert rows.dtype == (np.float64 if dtype == np.float64 else np.float32)


@pytest.mark.parametrize("kind", ["npy", "npz", "parquet", "safetensors", "shards", "clip"], ids=str)
def test_scores_do_not_depend_on_the_file(tmp_path, table, labels, kind):
    names = ["margin", "memorization", "self_supervised_prototypes"]
    expected = score(table, labels, metrics=names)
    scores = score(save(tmp_path, kind, table), labels, metrics=names)
    for name in names:
        np.testing.assert_array_equal(scores[name], expected[name])


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", "<i4", "<i8", ">f4", ">f8", ">i4"], ids=str)
@pytest.mark.parametrize("order", ["C", "F"], ids=["by rows", "by columns"])
def test_integers_and_any_order_of_bytes_and_axes(tmp_path, dtype, order):
    values = np.random.default_rng(0).integers(0, 100, (30, 5))
    np.save(tmp_path / "rows.npy", np.asarray(values, dtype, order=order))
    rows = open_rows(tmp_path / "rows.npy")
    assert rows.dtype == (np.float64 if dtype in ("<i4", "<i8", ">f8", ">i4") else np.float32)
    np.testing.assert_array_equal(rows.read(3, 20), values[3:20])
    assert rows.read(0, 2).dtype == rows.dtype
    np.testing.assert_array_equal(open_rows(np.asarray(values, dtype, order=order)).read(0, 30), values)


def test_labels_with_a_byte_order_mark_and_an_index(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\ufeff,name\n0,cat\n1,dog\n", encoding="utf-8")
    assert read_column(path).tolist() == ["cat", "dog"]
    path.write_bytes("name\nk\xe4se\n".encode("latin-1"))
    with pytest.raises(ValueError, match="must be UTF-8; byte 6 is not"):
        read_column(path)


def test_a_named_column_or_array(tmp_path, table):
    np.savez(tmp_path / "two.npz", first=table, second=table[::-1])
    np.testing.assert_array_equal(open_rows(f"{tmp_path}/two.npz:second").read(0, 50), table[::-1])
    with pytest.raises(ValueError, match="name one of first, second as"):
        open_rows(tmp_path / "two.npz")


def test_parts_of_processes_are_whole_shards(tmp_path, table):
    rows = open_rows(save(tmp_path, "clip", table))
    parts = [rows.part(rank, 3) for rank in range(3)]
    assert sum(len(part) for part in parts) == 50
    np.testing.assert_array_equal(np.concatenate([part.read(0, len(part)) for part in parts]), table)
    assert not set(parts[0].own_shards()) & set(parts[1].own_shards())
    one = open_rows(table).part(1, 2)
    np.testing.assert_array_equal(one.read(0, len(one)), table[25:])


LABELS = ["cat", "dog", "cat", "owl"]


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "tsv", "txt", "parquet"], ids=str)
def test_labels_come_back_from_every_format(tmp_path, kind):
    path = tmp_path / f"labels.{kind}"
    if kind == "npy":
        np.save(path, LABELS)
    elif kind == "npz":
        np.savez(path, class_name=LABELS)
    elif kind == "txt":
        path.write_text("\n".join(LABELS) + "\n")
    elif kind == "parquet":
        parquet.write_table(pa.table({"class_name": LABELS, "n": [1, 2, 3, 4]}), path)
    else:
        comma = "," if kind == "csv" else "\t"
        path.write_text(f"image{comma}class_name\n" + "".join(f"{i}{comma}{name}\n" for i, name in enumerate(LABELS)))
    spec = f"{path}:class_name" if kind in ("csv", "tsv", "parquet") else path
    assert read_column(spec).tolist() == LABELS


def damaged(folder, how: str, table: np.ndarray):
    """A file, or folder, with this damage."""
    rows = table.copy()
    if how in ("nan", "overflow"):
        rows[41, 3] = np.nan if how == "nan" else np.inf
        return save(folder, "shards", rows)
    if how.startswith("truncated"):
        path = save(folder, how.split()[1], rows)
        path.write_bytes(path.read_bytes()[: -100 if "parquet" not in how else -20])
        return path
    if how == "header":
        path = save(folder, "npy", rows)
        path.write_bytes(path.read_bytes()[:20])
        return path
    if how == "width":
        path = save(folder, "shards", rows)
        np.save(path / "part_12.npy", rows[:, :5])
        return path
    if how == "ragged":
        path = folder / "rows.parquet"
        parquet.write_table(pa.table({"embedding": [[1.0, 2.0], [3.0, 4.0], [5.0]]}), path)
        return path
    if how == "integers":
        np.save(folder / "rows.npy", np.arange(6).reshape(2, 3) + 1j)
        return folder / "rows.npy"
    if how == "mixed kinds":
        path = save(folder, "shards", rows)
        np.savez(path / "part_1.npz", rows)
        return path
    return folder / "missing.npy"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", r"must be finite; row 11 of .*part_11.npy has nan \(1 such rows in its block\)$"),
        ("overflow", r"row 11 of .*part_11.npy has inf .*; half precision overflows at 65504"),
        ("truncated npy", r"rows.npy` is truncated: 50 rows need 1328 bytes, it has 1228; row 45 is the first"),
        ("truncated npz", "rows.npz` is no .npz file, or it is truncated"),
        ("truncated parquet", "rows.parquet` is no Parquet file, or it is truncated"),
        ("truncated safetensors", "rows.safetensors` is truncated: 50 rows need"),
        ("header", "rows.npy` is no .npy file, or its header is cut off"),
        ("width", "all files must be of one width; got 12 in .*part_9.npy, 5 in .*part_12.npy"),
        ("ragged", "row 2 of .*rows.parquet` must have 2 numbers; got 1"),
        ("integers", "rows.npy must hold integers, float16, bfloat16, float32 or float64; got complex128"),
        ("mixed kinds", r"must hold shards of one kind .*; got \['.npy', '.npz'\]"),
        ("missing", "missing.npy` does not exist"),
    ],
    ids=[
        "nan", "overflow", "truncated npy", "truncated npz", "truncated parquet", "truncated safetensors", "header",
        "width", "ragged", "integers", "mixed kinds", "missing",
    ],
)  # fmt: skip
def test_damage_is_named(tmp_path, table, how, message):
    with pytest.raises((ValueError, OSError), match=message):
        score(damaged(tmp_path, how, table), metrics="random")


PARITY = np.arange(50) % 2


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.r_[np.arange(49) % 2, 7], {}, "class 7 has one, row 49 of `embeddings`"),
        ([*["a"] * 20, "", *["b"] * 29], {}, "`labels` must have no gaps; row 20 has none"),
        (np.r_[np.ones(49), np.nan], {}, "`labels` must have no gaps; row 49 has none"),
        (np.array([*["a"] * 49, ""], object), {}, "`labels` must have no gaps; row 49 has none"),
        (np.array(["NaT", *["2026-01-01"] * 49], "M8[D]"), {}, "`labels` must have no gaps; row 0 has none"),
        (np.array([*["a"] * 49, 1], object), {}, "`labels` must be of one kind that can be sorted; got int, str"),
        ([0, 1] * 25, {"ids": [None] * 50}, "`ids` must be of one kind that can be sorted; got NoneType"),
        (PARITY, {"ids": np.r_[np.arange(49), 3]}, "`ids` must differ; rows 3 and 49 are both 3"),
        (PARITY, {"ids": np.arange(49)}, r"`ids` must be one per row, shape \(50,\)"),
        (PARITY, {"memory_budget": 1e8}, r"`memory_budget` must be at least 0\..* GB for memorization; got 0.10"),
        (PARITY, {"test_embeddings": np.ones((2, 3))}, "must be given together"),
        (
            PARITY,
            {"test_embeddings": np.ones((2, 3)), "test_labels": [0, 1]},
            "`test_embeddings` must be 12 wide, as `embeddings`; got 3",
        ),
        (
            PARITY,
            {"test_embeddings": np.ones((2, 12)), "test_labels": [0, 5]},
            "`test_labels` must be among `labels`; got 5",
        ),
    ],
    ids=[
        "lonely", "empty label", "nan label", "empty object", "no date", "mixed", "no ids", "twice", "id length",
        "budget", "no test labels", "width", "strange",
    ],
)  # fmt: skip
def test_refusals(table, labels, options, message):
    with pytest.raises(ValueError, match=message):
        score(table, labels, metrics="memorization", **options)


def test_constant_features_are_reported_and_harmless(table, labels):
    rows = table.astype(np.float64)
    rows[:, 4] = 2.5
    scores = score(rows, labels, metrics=["memorization", "margin"])
    assert scores.context.standardisation.constant_features == (4,)
    assert all(np.isfinite(values).all() for values in scores.values())
    with pytest.raises(ValueError, match="zero variance in every feature"):
        score(np.ones((50, 3)), labels, metrics="memorization")


def test_unlabelled_missing_labels_are_named(tmp_path):
    parquet.write_table(pa.table({"label": ["a", None, "b"]}), tmp_path / "labels.parquet")
    with pytest.raises(ValueError, match=r"row 1 of .*labels.parquet` has no label; 1 are missing"):
        read_column(f"{tmp_path}/labels.parquet:label")
    (tmp_path / "labels.csv").write_text("image,label\n1,a\n2,\n")
    with pytest.raises(ValueError, match=r"row 1 of .*labels.csv` must have 2 values, column label filled"):
        read_column(f"{tmp_path}/labels.csv:label")


@pytest.mark.parametrize("kind", ["parquet", "csv", "npz"], ids=str)
def test_saved_scores_come_back_with_their_manifest(tmp_path, table, labels, kind):
    names = np.array([f"image {i}" for i in range(50)])
    scores = score(table, labels, metrics=["el2n", "margin", "active_learning"], ids=names, n_models=2)
    path = scores.save(tmp_path / f"scores.{kind}")
    read_ids, read_labels, columns = read_scores(path)
    assert read_ids.tolist() == names.tolist()
    assert read_labels is not None
    np.testing.assert_array_equal(read_labels, labels)
    for name in scores:
        np.testing.assert_array_equal(columns[name], scores[name])
    manifest = json.loads((tmp_path / f"scores.{kind}.json").read_text())
    assert manifest["settings"]["heads"]["n_models"] == 2
    assert len(manifest["inputs"]["embeddings"][0]["sha256"]) == 64
    assert sum(manifest["classes"].values()) == 50
    assert manifest["versions"]["jax"]
    assert len(list(tmp_path.iterdir())) == 2


def test_manifest_knows_other_inputs(tmp_path, table, labels):
    hashes = set()
    for number, rows in enumerate((table, table[::-1])):
        np.save(tmp_path / "rows.npy", rows)
        path = score(tmp_path / "rows.npy", labels, metrics="random").save(tmp_path / f"{number}.npz")
        hashes.add(json.loads(path.with_name(path.name + ".json").read_text())["inputs"]["embeddings"][0]["sha256"])
    assert len(hashes) == 2


RELEASED = """image,class,self-supervised prototypes,EL2N (20 models),EL2N (1 model),influence-sum-abs,random-100
n01440764_10026.JPEG,n01440764,0.25,0.5,0.625,1.5,0.9
n01440764_10027.JPEG,n01440764,0.75,1.25,1e-3,2.5,0.1
"""


def test_released_scores_are_read_by_our_names(tmp_path):
    (tmp_path / "imagenet.csv").write_text(RELEASED)
    (tmp_path / "ddd.csv").write_text("image,DDD\nn01440764_10027.JPEG,1\nn01440764_10026.JPEG,0\n")
    images, scores = read_released_scores(tmp_path / "imagenet.csv", tmp_path / "ddd.csv")
    assert images.tolist() == ["n01440764_10026.JPEG", "n01440764_10027.JPEG"]
    assert {name: values.tolist() for name, values in scores.items()} == {
        "self_supervised_prototypes": [0.25, 0.75],
        "el2n": [0.5, 1.25],
        "el2n_1": [0.625, 1e-3],
        "influence_sum_abs": [1.5, 2.5],
        "random_100": [0.9, 0.1],
        "ddd": [0.0, 1.0],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,DDD\na,1\nb\n", "row 1 of .* must have 2 values; got 1"),
        ("image,DDD\na,1\nb,nan\n", "row 1 of .* must have a finite number in DDD; got 'nan'"),
        ("image,DDD\na,1\nb,high\n", "row 1 of .* must have a finite number in DDD; got 'high'"),
        ("image,DDD\na,1\na,2\n", "rows 0 and 1 of .* are the same image, a"),
        ("DDD\n1\n", "must have a column of image names"),
        ("", "is empty"),
    ],
    ids=["short row", "nan", "text", "twice", "no images", "empty"],
)
def test_broken_released_scores_are_refused(tmp_path, text, message):
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_released_scores(tmp_path / "scores.csv")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "kept.npy"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"kept.npy` could not be written: No space left on device"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.npy"]


@pytest.mark.parametrize("kind", ["parquet", "csv", "npz"], ids=str)
def test_a_full_disk_leaves_nothing(tmp_path, kind):
    """The system's limit on file sizes stands in for a disk that is full."""
    script = (
        "import resource, signal, sys, numpy as np\n"
        "from perceptron_pruning.embeddings import score\n"
        "scores = score(np.random.default_rng(0).normal(size=(4000, 3)), metrics='random')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
        "try:\n    scores.save(sys.argv[1])\n"
        "except OSError as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / f"scores.{kind}")], capture_output=True, text=True, check=True
    )
    assert f"scores.{kind}` could not be written" in run.stdout
    assert not list(tmp_path.iterdir())


def test_a_column_a_feature_is_read(tmp_path, table):
    path = tmp_path / "wide.parquet"
    columns = {"id": np.arange(50), "label": np.arange(50) % 3} | {f"x{k}": table[:, k] for k in range(12)}
    parquet.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    rows = open_rows(path)
    np.testing.assert_array_equal(rows.read(3, 40), table[3:40])
    assert len(read_column(f"{path}:label")) == 50


WIDE = {
    "text": ({"x": [1.0], "name": ["a"]}, "numbers in every column but id, .*; got string in name"),
    "missing": ({"x": [1.0, None], "y": [1.0, 2.0]}, "row 1 of .* has no x"),
    "empty": ({"x": pa.array([], pa.float32()), "y": pa.array([], pa.float32())}, "must have rows; got none"),
}


@pytest.mark.parametrize(("columns", "message"), WIDE.values(), ids=WIDE)
def test_a_wide_table_that_cannot_be_read_is_named(tmp_path, columns, message):
    parquet.write_table(pa.table(columns), tmp_path / "wide.parquet")
    with pytest.raises(ValueError, match=message):
        open_rows(tmp_path / "wide.parquet")


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array], ids=["csr", "csc", "coo"])
def test_sparse_rows_are_rows(tmp_path, table, labels, kind):
    dense = np.where(table > np.median(table), table, 0).astype(np.float32)
    rows = open_rows(kind(dense))
    np.testing.assert_array_equal(rows.read(3, 40), dense[3:40])
    np.testing.assert_array_equal(rows.take(np.array([1, 2, 9])), dense[[1, 2, 9]])
    expected = score(dense, labels, metrics=["margin", "self_supervised_prototypes"])
    scores = score(kind(dense), labels, metrics=["margin", "self_supervised_prototypes"])
    for name, values in expected.items():
        np.testing.assert_array_equal(scores[name], values)
    sparse.save_npz(tmp_path / "rows.npz", kind(dense))
    np.testing.assert_array_equal(open_rows(tmp_path / "rows.npz").read(0, 50), dense)


def test_sparse_integers_are_read_and_texts_are_not():
    assert open_rows(sparse.csr_array(np.eye(3, dtype=int))).dtype == np.float64
    with pytest.raises(ValueError, match="`embeddings` must hold numbers; got complex128"):
        open_rows(sparse.csr_array(np.eye(3) * 1j))


HEADLESS = {
    "numbers": ("3\n1\n2\n", [3, 1, 2]),
    "words": ("cat\ndog\ncat\n", ["cat", "dog", "cat"]),
    "index and words": ("0,cat\n1,dog\n2,cat\n", ["cat", "dog", "cat"]),
    "index and numbers": ("1,5\n2,4\n3,5\n", [5, 4, 5]),
    "a header": ("animal\ncat\ndog\n", ["cat", "dog"]),
    "a header and an index": (",animal\n0,cat\n1,dog\n", ["cat", "dog"]),
    "a blank line at the end": ("animal\ncat\ndog\n\n", ["cat", "dog"]),
    "windows": ("animal\r\ncat\r\n", ["cat"]),
}


@pytest.mark.parametrize(("text", "values"), HEADLESS.values(), ids=HEADLESS)
def test_labels_are_read_with_and_without_a_header(tmp_path, text, values):
    (tmp_path / "labels.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(read_column(tmp_path / "labels.csv"), values)


def test_two_columns_without_a_header_are_ambiguous(tmp_path):
    (tmp_path / "labels.csv").write_text("4,5\n3,5\n")
    with pytest.raises(ValueError, match="must have a header to choose from its 2 columns"):
        read_column(tmp_path / "labels.csv")


def test_rows_without_another_of_their_class_are_left_out(table, labels):
    given = labels.astype("<U8")
    given[[4, 17]] = ["only", "once"]
    with pytest.raises(ValueError, match=r"class once has one, row 17 .* `drop_rare` leaves them out"):
        score(table, given, metrics="memorization")
    left = np.setdiff1d(np.arange(50), [4, 17])
    scores = score(table, given, metrics="memorization", drop_rare=True)
    np.testing.assert_array_equal(scores.row_ids, left)
    expected = score(table[left], given[left], metrics="memorization")
    np.testing.assert_allclose(scores["memorization"], expected["memorization"], rtol=1e-6)
    with pytest.raises(ValueError, match="`drop_rare` needs `labels`"):
        score(table, metrics="self_supervised_prototypes", drop_rare=True)
    with pytest.raises(ValueError, match="`drop_rare` would leave no row"):
        score(table, np.arange(50), metrics="margin", drop_rare=True)


@pytest.mark.parametrize("factor", [1e30, 1e-30], ids=str)
def test_rows_whose_squares_leave_single_precision_are_named(table, labels, factor):
    rows = table.astype(np.float32) * np.float32(factor)
    with pytest.raises(
        ValueError, match=r"root mean square between 1e-14 and 1e\+14 in float32 arithmetic; got .*e.30"
    ):
        score(rows, labels, metrics=["margin", "self_supervised_prototypes"])
    doubles = table.astype(np.float64)
    expected = score(doubles, labels, metrics="self_supervised_prototypes")
    scaled = score(doubles * factor, labels, metrics="self_supervised_prototypes")
    np.testing.assert_allclose(scaled["self_supervised_prototypes"] / factor, expected["self_supervised_prototypes"])


def test_one_number_far_too_large_is_named(table, labels):
    rows = table.astype(np.float64)
    rows[31, 2] = 1e200
    with pytest.raises(ValueError, match=r"below 1e.140, .* larger in row 31 of `embeddings`"):
        score(rows, labels, metrics="margin")
    rows[31, 2] = 1e30
    with pytest.raises(ValueError, match="largest in row 31 of `embeddings`; divide them by it, or store"):
        score(rows.astype(np.float32), labels, metrics="margin")


def test_labels_of_pandas_are_saved_as_text(table, tmp_path):
    """Python's strings would be pickled, and no reader of this package unpickles."""
    pandas = pytest.importorskip("pandas")
    names = pandas.Series([f"class {k % 2}" for k in range(50)], dtype=object)
    score(table, names, ids=names + " " + names.index.astype(str), metrics="margin").save(tmp_path / "scores.npz")
    assert list(read_column(f"{tmp_path}/scores.npz:label")) == list(names)
    assert read_column(f"{tmp_path}/scores.npz:id")[3] == "class 1 3"
    with pytest.raises(ValueError, match="`labels` must have no gaps; row 1 has none"):
        score(table, pandas.Series(["a", None, *["b"] * 48], dtype="string"), metrics="margin")


@pytest.mark.parametrize(("name", "flag"), [("rows.npz", 0), ("column.npz", 1)], ids=["embeddings", "a column"])
def test_an_archive_that_says_it_is_encrypted_is_damaged(tmp_path, name, flag):
    np.savez(tmp_path / name, values=np.ones((3, 2)) if not flag else np.ones(3))
    content = bytearray((tmp_path / name).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # of the flags in the directory
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="is encrypted"):
        read_column(tmp_path / name) if flag else open_rows(tmp_path / name)
