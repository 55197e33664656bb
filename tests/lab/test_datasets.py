"""Shipped sets are scikit-learn's, generated ones have the truth they state, files are read."""

import jax
import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from jaxmath.config.choices import choose
from jaxmath.config.errors import InputError
from jaxmath.lab import datasets
from jaxmath.lab.datasets import Split, load


@pytest.mark.parametrize("name", ["diabetes", "iris", "wine", "breast_cancer", "digits"])
def test_shipped_sets_are_scikit_learns(name):
    options = {"scaled": False} if name == "diabetes" else {}
    theirs = getattr(sklearn_datasets, f"load_{name}")(**options)
    ours = load(choose("data", name))
    np.testing.assert_array_equal(ours.train.features, theirs.data)
    np.testing.assert_array_equal(ours.train.targets, theirs.target)
    assert ours.feature_names == tuple(theirs.feature_names)
    assert ours.test is None
    if name == "diabetes":
        assert (ours.kind, ours.class_names, ours.outputs) == ("regression", (), None)
    else:
        assert ours.class_names == tuple(map(str, theirs.target_names))
        assert ours.train.targets.dtype == np.int32


def test_linnerud_is_scikit_learns():
    theirs = sklearn_datasets.load_linnerud()
    for column, name in enumerate(theirs.target_names):
        ours = load(choose("data", "linnerud", target=name))
        np.testing.assert_array_equal(ours.train.features, theirs.data)
        np.testing.assert_array_equal(ours.train.targets, theirs.target[:, column])


def test_kinds():
    kinds = {name: load(choose("data", name)).kind for name in ("iris", "breast_cancer", "linear")}
    assert kinds == {"iris": "classes", "breast_cancer": "binary", "linear": "regression"}
    assert load(choose("data", "digits")).outputs == 10


def test_standardised_by_the_training_rows_alone():
    whole = load(choose("data", "wine", split=Split(0.3, seed=1)))
    ours = load(choose("data", "wine", standardize=True, split=Split(0.3, seed=1)))
    scaler = StandardScaler().fit(whole.train.features)
    np.testing.assert_allclose(
        ours.train.features, scaler.transform(whole.train.features), atol=1e-12
    )
    np.testing.assert_allclose(
        ours.test.features, scaler.transform(whole.test.features), atol=1e-12
    )


def test_a_constant_column_becomes_zero(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,y\n7,1,1\n7,2,0\n7,4,5\n")
    found = load(choose("data", "csv", file=str(tmp_path / "x.csv"), target="y", standardize=True))
    np.testing.assert_array_equal(found.train.features[:, 0], 0.0)


def test_a_split_parts_the_rows():
    whole = load(choose("data", "iris"))
    found = load(choose("data", "iris", split=Split(0.2, seed=3)))
    assert len(found.test.targets) == 30
    both = np.concatenate([found.train.features, found.test.features])
    order = np.lexsort(both.T)
    np.testing.assert_array_equal(
        both[order], whole.train.features[np.lexsort(whole.train.features.T)]
    )
    again = load(choose("data", "iris", split=Split(0.2, seed=3)))
    np.testing.assert_array_equal(again.test.features, found.test.features)
    other = load(choose("data", "iris", split=Split(0.2, seed=4)))
    assert not np.array_equal(other.test.features, found.test.features)


@pytest.mark.parametrize("share", [1e-6, 0.9999])
def test_a_split_that_leaves_no_rows(share):
    with pytest.raises(InputError, match="leaves none"):
        load(choose("data", "iris", split=Split(share)))


def test_folds_are_those_of_scikit_learn():
    whole = load(choose("data", "iris")).train
    order = np.random.RandomState(3).permutation(150)
    for fold, (_, held_out) in enumerate(KFold(7).split(order)):
        found = load(choose("data", "iris", split=Split(0.2, 3, 7, fold)))
        rows = np.sort(order[held_out])
        np.testing.assert_array_equal(found.test.features, whole.features[rows])
        rest = np.setdiff1d(np.arange(150), rows)
        np.testing.assert_array_equal(found.train.targets, whole.targets[rest])


@pytest.mark.parametrize(
    ("split", "told"),
    [
        (Split(folds=5, fold=5), "there is no fold 5: the 5 folds are 0 to 4"),
        (Split(folds=1), "150 rows are cut into 2 to 150 folds, not into 1"),
        (Split(folds=151), "150 rows are cut into 2 to 150 folds, not into 151"),
    ],
)
def test_folds_that_cannot_be(split, told):
    with pytest.raises(InputError, match=told):
        load(choose("data", "iris", split=split))


def test_data_are_arguments_and_names_are_static():
    found = load(choose("data", "iris", split=Split(0.2)))
    leaves = jax.tree.leaves(found)
    assert [leaf.shape for leaf in leaves] == [(120, 4), (120,), (30, 4), (30,)]
    assert jax.tree.map(lambda x: x, found).class_names == ("setosa", "versicolor", "virginica")
    assert jax.jit(lambda data: data.train.features.sum())(found).shape == ()


def test_quadratic_has_the_spectrum_that_it_states():
    spectrum = (3.0, 0.5, 0.25, 1e-3)
    found = load(choose("data", "quadratic", spectrum=spectrum, rows=20))
    X = found.train.features
    np.testing.assert_allclose(np.linalg.eigvalsh(2 / 20 * X.T @ X)[::-1], spectrum, rtol=1e-10)
    with_intercept = np.column_stack([X, np.ones(20)])
    found_too = np.linalg.eigvalsh(2 / 20 * with_intercept.T @ with_intercept)
    np.testing.assert_allclose(found_too, sorted([*spectrum, 2.0]), rtol=1e-10)
    residual = np.linalg.lstsq(X, found.train.targets, rcond=None)[1]
    assert residual < 1e-20


def test_quadratic_needs_rows():
    with pytest.raises(InputError, match="need more than 3 rows"):
        load(choose("data", "quadratic", rows=3))


def test_linear_is_linear_up_to_its_noise():
    found = load(choose("data", "linear", rows=5000, dimension=3, noise=0.5, seed=1))
    design = np.column_stack([found.train.features, np.ones(5000)])
    fit, squares, *_ = np.linalg.lstsq(design, found.train.targets, rcond=None)
    assert abs(np.sqrt(squares[0] / 4996) - 0.5) < 0.5 * 5 / np.sqrt(2 * 4996)  # five sigmas
    other = load(choose("data", "linear", rows=5000, dimension=3, noise=0.5, seed=2))
    assert not np.allclose(
        fit[:3], np.linalg.lstsq(other.train.features, other.train.targets)[0], atol=0.05
    )


def csv(tmp_path, text, **options):
    file = tmp_path / "x.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(choose("data", "csv", file=str(file), **{"target": "y", **options}))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b,y\n1,2,0.5\n3,4,1.5\n", {}),
        ("a,y,b\n1,0.5,2\n3,1.5,4\n", {}),
        ("a;b;y\n1;2;0.5\n3;4;1.5\n", {"separator": ";"}),
        ("a\tb\ty\n1\t2\t0.5\n3\t4\t1.5\n", {"separator": "\\t"}),
        ("1,2,0.5\n3,4,1.5\n", {"header": False, "target": "3"}),
        (b"\xef\xbb\xbfa,b,y\r\n1,2,0.5\r\n\r\n3,4,1.5\r\n", {}),
        ('"a"," b ",y\n"1", 2 ,+5e-1\n3,4,1.5', {}),
    ],
)
def test_tables_of_numbers(tmp_path, text, options):
    found = csv(tmp_path, text, **options)
    np.testing.assert_array_equal(found.train.features, [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(found.train.targets, [0.5, 1.5])
    assert found.kind == "regression"
    if options.get("header", True):
        assert found.feature_names == ("a", "b")


def test_tables_of_classes(tmp_path):
    found = csv(tmp_path, "a,y\n1,no\n2,yes\n3,no\n")
    assert (found.kind, found.class_names) == ("binary", ("no", "yes"))
    np.testing.assert_array_equal(found.train.targets, [0, 1, 0])
    found = csv(tmp_path, "a,y\n1,10\n2,9\n3,2\n", classes=True)
    assert (found.kind, found.class_names) == ("classes", ("2", "9", "10"))
    assert csv(tmp_path, "a,y\n1,10\n2,9\n3,2\n").kind == "regression"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "x.csv: error: this file is empty"),
        ("a,y\n", {}, "no rows"),
        ("y\n1\n", {}, "only column"),
        ("a,y\n1,2\n3\n", {}, "x.csv:3: error: this row has 1 values, the table 2 columns"),
        ("a,y\n1,2\nx,3\n", {}, 'x.csv:3: error: column "a" should be a number, got "x"'),
        ("a,y\n1,2\n,3\n", {}, 'x.csv:3: error: column "a" is empty'),
        ("a,y\n1,2\n1,\n", {}, 'x.csv:3: error: the target, column "y", is empty'),
        ("a,y\n1,2\nnan,3\n", {}, "x.csv:3"),
        ("a,y\n1,2\n1e999,3\n", {}, "finite"),
        ('a,y\n1,2\n"3,5",3\n', {}, "with a point: 3.5"),
        ("a,y\n1,2\n1,3\n1,slip\n", {}, 'x.csv:4: error: column "y" should be a number'),
        ("a,Y\n1,2\n", {}, "did you mean `Y`?"),
        ("a;y\n1;2\n", {}, 'separator = ";"'),
        ("1,2\n3,4\n", {"target": "2"}, "set header = false"),
        ("a,a,y\n1,2,3\n", {}, "stands twice"),
        (b"a,y\n\xff,2\n", {}, "UTF-8"),
        ('a,y\n"1,2\n', {}, "cannot be read"),
        ("a,y\n1_0,2\n", {}, 'got "1_0"'),
    ],
)
def test_what_is_wrong_with_a_table_is_a_sentence(tmp_path, text, options, words):
    with pytest.raises(InputError) as caught:
        csv(tmp_path, text, **options)
    assert words in str(caught.value)
    assert len(caught.value.problems) == 1


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "x.npz", **arrays)
    return load(choose("data", "npz", file=str(tmp_path / "x.npz")))


def test_arrays(tmp_path):
    X = np.arange(6.0).reshape(3, 2)
    assert npz(tmp_path, features=X, targets=np.array([1, 2, 3])).kind == "regression"
    assert npz(tmp_path, features=X, targets=np.array(["a", "b", "a"])).kind == "binary"
    np.save(tmp_path / "y.npy", X)
    with pytest.raises(InputError, match="single array"):
        load(choose("data", "npz", file=str(tmp_path / "y.npy")))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (dict(features=np.ones((3, 2)), target=np.ones(3)), 'did you mean "target"?'),
        (dict(features=np.ones(3), targets=np.ones(3)), "shape (n, d)"),
        (dict(features=np.ones((3, 2)), targets=np.ones(2)), "got (3, 2) and (2,)"),
        (dict(features=np.ones((0, 2)), targets=np.ones(0)), "shape"),
        (dict(features=np.array([["a"]]), targets=np.ones(1)), "no numbers"),
        (dict(features=np.array([[1.0], [np.nan]]), targets=np.ones(2)), "nan in row 2, column 1"),
        (dict(features=np.ones((2, 1)), targets=np.array([1, np.inf])), "inf in row 2"),
    ],
)
def test_what_is_wrong_with_arrays_is_a_sentence(tmp_path, arrays, words):
    with pytest.raises(InputError) as caught:
        npz(tmp_path, **arrays)
    assert words in str(caught.value)


def test_data_of_ones_own_are_checked():
    with pytest.raises(InputError, match="nan in row 1, column x2"):
        datasets._check_finite(datasets.dataset([[1.0, np.nan]], [1.0]), "mine")
    with pytest.raises(InputError, match="shape"):
        datasets.dataset([1.0], [1.0])
    made = datasets.dataset([[1], [2]], ["b", "a"])
    assert made.class_names == ("a", "b")
    np.testing.assert_array_equal(made.targets, [1, 0])
