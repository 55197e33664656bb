"""Data sets by name: shipped ones, files of one's own, and generated ones whose truth is known.

Each function returns a whole `Dataset`; `load` cuts it into training and test rows. Nothing is
downloaded.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import numpy as np
from annotated_types import Ge, Gt, Lt, MinLen

from jaxmath.config.choices import DataFile, Option, Split, arguments, target
from jaxmath.config.errors import InputError, Problem

Kind = Literal["regression", "binary", "classes"]


class Rows(NamedTuple):
    """One example a row: features (n, d), and targets (n,), numbers or class indices."""

    features: np.ndarray
    targets: np.ndarray


class Dataset(NamedTuple):
    """Rows with the names of their columns; the class of target k is `class_names[k]`."""

    features: np.ndarray
    targets: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What the targets are: numbers, one of two classes (0 or 1), or one of several."""
        return (
            "regression"
            if not self.class_names
            else ("binary" if len(self.class_names) == 2 else "classes")
        )


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("train", "test"),
    meta_fields=("feature_names", "class_names", "kind"),
)
@dataclass(frozen=True)
class Data:
    """What a training sees: `train` and `test` are pytrees of arrays, the rest is static.

    Without a split `test` is None. Regression targets are floats, classes are int32.
    """

    train: Rows
    test: Rows | None
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    kind: Kind

    @property
    def outputs(self) -> int | None:
        """How many numbers a model predicts: one for each of several classes, else a scalar."""
        return len(self.class_names) if self.kind == "classes" else None


def load(option: Option) -> Data:
    """Load a data set as its option says: read, split, then standardised by the training rows.

    Raises:
        InputError: a file is wrong, a value is not finite, or the split leaves no rows.
    """
    found = target(option)(**arguments(option))
    whole = found if isinstance(found, Dataset) else dataset(*found)
    _check_finite(whole, option.name)
    chosen: Any = option
    train, test = _cut(whole, chosen.split)
    if chosen.standardize:
        standard = _standard(train.features)
        train = train._replace(features=standard(train.features))
        if test is not None:
            test = test._replace(features=standard(test.features))
    return Data(train, test, whole.feature_names, whole.class_names, whole.kind)


def dataset(features: Any, targets: Any, feature_names: tuple[str, ...] = ()) -> Dataset:
    """A data set of arrays: float targets are numbers, whole numbers and text name classes.

    Raises:
        InputError: the shapes do not belong together.
    """
    features, targets = np.asarray(features), np.asarray(targets)
    if features.ndim != 2 or targets.shape != features.shape[:1] or not features.size:
        raise InputError(
            "features should have shape (n, d) and targets (n,), with n and d at least 1, got "
            f"{features.shape} and {targets.shape}"
        )
    if features.dtype.kind not in "biuf":
        raise InputError(f"features should be numbers, got {features.dtype}")
    names = tuple(feature_names) or tuple(f"x{i}" for i in range(1, features.shape[1] + 1))
    features = features.astype(np.float64)
    if targets.dtype.kind == "f":
        return Dataset(features, targets.astype(np.float64), names)
    if targets.dtype.kind not in "biuUS":
        raise InputError(f"targets should be numbers, whole numbers or text, got {targets.dtype}")
    classes, index = np.unique(targets, return_inverse=True)
    if len(classes) == 1:
        told = f"all targets are of one class, {classes[0]}: there is nothing to tell apart"
        raise InputError(Problem(told, hint="for targets that are numbers, leave `classes` out"))
    return Dataset(features, index.astype(np.int32), names, tuple(str(c) for c in classes.tolist()))


def _check_finite(data: Dataset, name: str) -> None:
    columns = np.column_stack([data.features, data.targets])
    wrong = np.argwhere(~np.isfinite(columns))
    if len(wrong):
        row, column = wrong[0]
        told = (*data.feature_names, "target")[column]
        more = f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
        raise InputError(
            f"the data {name} hold {columns[row, column]} in row {row + 1}, column {told}{more}"
        )


def _standard(features: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The map that gives each column mean zero and variance one; a constant column becomes zero.

    In units of its largest entry first, and of its largest deviation, so that no square overflows
    or vanishes and the mean of a constant column is that constant.
    """
    unit = _or_one(np.abs(features).max(axis=0))
    centre = (features / unit).mean(axis=0)
    deviations = features / unit - centre
    largest = _or_one(np.abs(deviations).max(axis=0))
    scale = largest * _or_one(np.sqrt(np.mean((deviations / largest) ** 2, axis=0)))
    return lambda rows: (rows / unit - centre) / scale


def _or_one(scale: np.ndarray) -> np.ndarray:
    return np.where(scale > 0, scale, 1.0)


def _cut(data: Dataset, split: Split) -> tuple[Rows, Rows | None]:
    if split.test == split.folds == 0:
        return Rows(data.features, data.targets), None
    count = len(data.targets)
    # The one generator of NumPy whose numbers are promised never to change.
    order = np.random.RandomState(split.seed).permutation(count)
    first, last = _fold(split, count) if split.folds else (0, round(split.test * count))
    if not 0 < last - first < count:
        raise InputError(
            f"a split with test = {split.test} of {count} rows leaves none to "
            f"{'test on' if last == 0 else 'train on'}"
        )
    test, train = np.sort(order[first:last]), np.sort(np.delete(order, slice(first, last)))
    return (
        Rows(data.features[train], data.targets[train]),
        Rows(data.features[test], data.targets[test]),
    )


def _fold(split: Split, count: int) -> tuple[int, int]:
    """Where a fold begins and ends; the first folds have a row more where rows are left over."""
    if not 2 <= split.folds <= count:
        raise InputError(f"{count} rows are cut into 2 to {count} folds, not into {split.folds}")
    if split.fold >= split.folds:
        raise InputError(
            f"there is no fold {split.fold}: the {split.folds} folds are 0 to {split.folds - 1}"
        )
    each, more = divmod(count, split.folds)
    first = split.fold * each + min(split.fold, more)
    return first, first + each + (split.fold < more)


def diabetes() -> Dataset:
    """442 patients, ten measurements, and the progress of diabetes a year later (a number)."""
    names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    features = _shipped("diabetes_data_raw.csv.gz")
    return Dataset(features, _shipped("diabetes_target.csv.gz")[:, 0], names)


def linnerud(target: Literal["Weight", "Waist", "Pulse"] = "Weight") -> Dataset:
    """20 men, three exercises, and one of three measures of the body (a number)."""
    targets = _shipped("linnerud_physiological.csv", skip=1)
    column = ("Weight", "Waist", "Pulse").index(target)
    return Dataset(
        _shipped("linnerud_exercise.csv", skip=1), targets[:, column], ("Chins", "Situps", "Jumps")
    )


def iris() -> Dataset:
    """150 flowers of three species, and the length and width of their leaves in centimetres."""
    names = tuple(f"{leaf} {size} (cm)" for leaf in ("sepal", "petal") for size in _SIZES)
    return _classes("iris.csv", names, ("setosa", "versicolor", "virginica"))


def wine() -> Dataset:
    """178 wines of three growers, and thirteen chemical measurements."""
    names = (
        "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols",
        "flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue",
        "od280/od315_of_diluted_wines", "proline",
    )  # fmt: skip
    return _classes("wine_data.csv", names, ("class_0", "class_1", "class_2"))


def breast_cancer() -> Dataset:
    """569 tumours, malignant (0) or benign (1), and thirty measurements of their cell nuclei."""
    measures = (
        "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
        "concave points", "symmetry", "fractal dimension",
    )  # fmt: skip
    names = (
        *(f"mean {measure}" for measure in measures),
        *(f"{measure} error" for measure in measures),
        *(f"worst {measure}" for measure in measures),
    )
    return _classes("breast_cancer.csv", names, ("malignant", "benign"))


def digits() -> Dataset:
    """1797 handwritten digits, 8 by 8 pixels of 0 to 16."""
    names = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    table = _shipped("digits.csv.gz", ",")
    return Dataset(
        table[:, :-1], table[:, -1].astype(np.int32), names, tuple(str(k) for k in range(10))
    )


_SIZES = ("length", "width")


def _classes(file: str, names: tuple[str, ...], classes: tuple[str, ...]) -> Dataset:
    table = _shipped(file, ",", skip=1)
    return Dataset(table[:, :-1], table[:, -1].astype(np.int32), names, classes)


def _shipped(file: str, separator: str | None = None, skip: int = 0) -> np.ndarray:
    """The numbers of a file that scikit-learn ships, without importing it, which takes a second."""
    spec = importlib.util.find_spec("sklearn")
    folders = (spec.submodule_search_locations if spec else None) or ["."]
    path = Path(folders[0]) / "datasets" / "data" / file
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            return np.loadtxt(lines, delimiter=separator, skiprows=skip, ndmin=2)
    except FileNotFoundError:
        hint = "pip install 'jaxmath[lab]'"
        raise InputError(
            Problem(f"scikit-learn, which ships {file}, is missing", hint=hint)
        ) from None


def csv(
    file: Annotated[str, DataFile()],
    target: str,
    classes: bool = False,
    header: bool = True,
    separator: Annotated[str, MinLen(1)] = ",",
) -> Dataset:
    """Read a table of text: one column is the target, all others are numbers.

    A target of text names classes; one of numbers does too if `classes`. Without a header the
    columns are called 1, 2, 3, ...
    """
    from jaxmath.lab.tables import read_csv

    return dataset(*read_csv(Path(file), target, classes, header, separator))


def npz(
    file: Annotated[str, DataFile()],
    features: str = "features",
    targets: str = "targets",
    classes: bool = False,
) -> Dataset:
    """Read two arrays of an NPZ file: features (n, d) and targets (n,).

    Targets of text name classes; numbers do too if `classes`.
    """
    from jaxmath.lab.tables import read_npz

    return dataset(*read_npz(Path(file), features, targets, classes))


def linear(
    rows: Annotated[int, Ge(1)] = 200,
    dimension: Annotated[int, Ge(1)] = 5,
    noise: Annotated[float, Ge(0.0)] = 0.1,
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0,
) -> Dataset:
    """Draw standard normal features, and targets linear in them plus normal noise of this size."""
    random = np.random.RandomState(seed)
    features = random.standard_normal((rows, dimension))
    weights, intercept = random.standard_normal(dimension), random.standard_normal()
    targets = features @ weights + intercept + noise * random.standard_normal(rows)
    return dataset(features, targets)


def quadratic(
    spectrum: Annotated[tuple[Annotated[float, Gt(0.0)], ...], MinLen(1)] = (1.0, 0.1, 0.01),
    rows: Annotated[int, Ge(2)] = 50,
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0,
) -> Dataset:
    r"""Make a least-squares problem whose Hessian has this spectrum, with noise-free targets.

    The mean squared error $\frac1n \lVert y - Xw \rVert^2$ has the Hessian
    $\frac2n X^\top X = V \operatorname{diag}(\lambda) V^\top$. The columns of $X$ are centred, so
    an intercept adds the eigenvalue 2 and leaves the others as they are.
    """
    size = len(spectrum)
    if rows <= size:
        raise InputError(f"{size} eigenvalues need more than {size} rows, got {rows}")
    random = np.random.RandomState(seed)
    centred = np.column_stack([np.ones(rows), random.standard_normal((rows, size))])
    left = np.linalg.qr(centred)[0][:, 1:]
    right = np.linalg.qr(random.standard_normal((size, size)))[0]
    features = left * np.sqrt(np.asarray(spectrum) * rows / 2) @ right.T
    return dataset(features, features @ random.standard_normal(size))


DATASETS = (diabetes, linnerud, iris, wine, breast_cancer, digits, csv, npz, linear, quadratic)
