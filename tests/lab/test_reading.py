"""A config file becomes the study it states, and every problem is told with its place."""

import tomllib

import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.errors import ExperimentError, InputError
from jaxmath.config.project import Project
from jaxmath.config.study import get_path
from jaxmath.config.toml_file import read_document
from tests.lab.casebook import BASE, project


@pytest.fixture
def root(tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study(root):
    """Read a config given as text."""

    def read(text, *overrides, smoke=False):
        (root / "configs" / "case.toml").write_text(text)
        return reading.read("configs/case.toml", overrides, smoke)

    return read


def problems(read, *arguments, **options):
    with pytest.raises(InputError) as caught:
        read(*arguments, **options)
    return caught.value.problems


def test_values_of_the_file_are_the_config(study):
    found = study(BASE)
    assert found.experiment == "study"
    assert found.config.rate == 0.1
    assert found.config.sizes == (3, 2)
    assert found.config.loss.name == "huber"
    assert found.config.loss.delta == 2.0
    assert found.config.inner.depth == 3
    assert found.config.rounds == 4
    assert found.name == "case"
    assert found.axes == ()


def test_what_the_file_leaves_out_is_the_default(study):
    found = study('experiment = "study"')
    assert found.config == found.module.Config()
    assert (found.seed, found.precision) == (0, "float64")


def test_later_values_win(study):
    assert study(BASE, smoke=True).config.rounds == 2
    assert study(BASE, "rounds=7", smoke=True).config.rounds == 7
    assert study(BASE, "loss=pinball", "loss.quantile=0.3").config.loss.quantile == 0.3
    assert study(BASE, "title=two words").config.title == "two words"
    assert study(BASE, "offset=.5").config.offset == 0.5
    assert study(BASE, "inner={ depth = 5 }").config.inner.depth == 5
    assert study(BASE, "inner={ depth = 5 }").config.inner.slope == 0.25


def test_a_choice_keeps_its_default_options_under_the_same_name(study):
    text = 'experiment = "train"\n[data]\nsplit = { test = 0.5 }\n'
    data = study(text).config.data
    default = study('experiment = "train"').config.data
    assert (data.name, data.standardize) == (default.name, default.standardize)
    assert data.split.test == 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[0.1, 0.2]", [0.1, 0.2]),
        ("[1, 2]", [1.0, 2.0]),
        ("{ range = [1, 4] }", [1.0, 2.0, 3.0]),
        ("{ range = [1, 2, 0.25] }", [1.0, 1.25, 1.5, 1.75]),
        ("{ linspace = [1, 2, 5] }", [1.0, 1.25, 1.5, 1.75, 2.0]),
        ("{ logspace = [1e-4, 1.0, 5] }", [1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
    ],
)
def test_forms_of_a_sweep(study, text, expected):
    (axis,) = study(BASE + f"\n[sweep]\nrate = {text}\n").axes
    assert axis.paths == ("rate",)
    values = [value for (value,) in axis.values]
    assert {type(value) for value in values} == {float}
    np.testing.assert_allclose(values, expected, rtol=1e-15)


def test_a_range_down_and_of_seeds(study):
    assert len(study(BASE, "sweep.seed={ range = [5, 0, -1] }").axes[0]) == 5
    (axis,) = study(BASE, "sweep.seed={ range = [3, 6] }").axes
    assert axis.values == ((3,), (4,), (5,))
    assert {type(value) for (value,) in axis.values} == {int}


def test_the_ends_of_a_logspace_are_exact(study):
    (axis,) = study(BASE, "sweep.rate={ logspace = [1e-4, 0.3, 16] }").axes
    assert axis.values[0] == (1e-4,)
    assert axis.values[-1] == (0.3,)


def test_a_zip_varies_together_and_a_grid_does_not(study):
    text = BASE + "\n[sweep]\noffset = [1.0, 2.0]\nzip.rate = [0.1, 0.2]\nzip.rounds = [5, 6]\n"
    grid, together = study(text).axes
    assert grid.paths == ("offset",)
    assert together.paths == ("rate", "rounds")
    assert together.values == ((0.1, 5), (0.2, 6))


def test_a_swept_name_takes_along_the_options_it_shares(study):
    text = (
        'experiment = "train"\n[optimizer]\nname = "momentum"\nlearning_rate = 0.25\ndecay = 0.5\n'
    )
    found = study(text + '[sweep]\n"optimizer.name" = ["sgd", "momentum", "adam"]\n')
    (axis,) = found.axes
    assert axis.paths == ("optimizer",)
    sgd, momentum, adam = (value for (value,) in axis.values)
    assert [sgd.learning_rate, momentum.learning_rate, adam.learning_rate] == [0.25] * 3
    assert momentum.decay == 0.5
    assert adam.b1 == 0.9


def test_a_single_value_takes_its_path_out_of_the_sweep(study):
    text = BASE + "\n[sweep]\nrate = [0.1, 0.2]\noffset = [1.0, 2.0]\n"
    found = study(text, "rate=0.7")
    assert [axis.paths for axis in found.axes] == [("offset",)]
    assert found.config.rate == 0.7


def test_the_resolved_config_reads_back_as_the_same_study(study):
    from jaxmath.config.writing import written

    text = BASE + '\n[sweep]\n"loss.name" = ["huber", "own.bowl"]\nseed = { range = [0, 3] }\n'
    first = study(text, "penalty={ name = 'l1', strength = 0.5 }")
    full = written(
        first.experiment, "title", first.config, Project(first.source.parent),
        first.seed, first.precision, first.resolved["sweep"],
    )  # fmt: skip
    assert tomllib.loads(full) == first.resolved
    second = study(full)
    assert second.config == first.config
    assert second.axes == first.axes
    assert second.resolved == first.resolved


def test_a_dict_reads_like_a_file(root, study):
    found = reading.read({"experiment": "study", "loss": "log_cosh", "sweep": {"rate": [0.1]}})
    assert found.config.loss.name == "log_cosh"
    assert len(found.axes[0]) == 1
    told = problems(reading.read, {"experiment": "study", "raet": 1.0})
    assert "`rate`" in told[0].hint


def test_all_problems_at_once_in_the_order_of_the_file(study):
    text = BASE.replace("rate = 0.1", "rate = -1").replace("depth = 3", 'depth = "x"')
    text = text.replace('name = "huber"', 'name = "hubr"') + "\n[sweep]\noffset = []\n"
    told = problems(study, text)
    lines = [problem.line for problem in told]
    assert [problem.path for problem in told] == [
        "rate",
        "loss.name",
        "inner.depth",
        "sweep.offset",
    ]
    assert lines == sorted(lines)
    for problem, line in zip(told, lines, strict=True):
        assert text.splitlines()[line - 1].startswith(problem.mark)


def test_a_mistake_under_smoke_is_told_before_the_long_run(study):
    told = problems(study, BASE.replace("rounds = 2", "rounds = -2"))
    assert told[0].line == BASE[: BASE.index("rounds = 2")].count("\n") + 1
    told = problems(study, BASE.replace("rounds = 4", "rounds = -4"), smoke=True)
    assert "-4" in told[0].sentence


def test_lines_of_every_way_to_write_a_key(tmp_path):
    text = (
        '# a = 1\na = 1 # b = 2\n"b c" = """\nx = 1\n"""\nd.e = [\n  1, # one\n  { f = 2 },\n]\n'
        "[t.u]\ng = { h = 1, i = [[1],\n [2]] }\n[[many]]\nj = '''\n[no]\n'''\n[[many]]\nj = 1\n"
    )
    (tmp_path / "x.toml").write_text(text)
    lines = read_document(tmp_path / "x.toml").lines
    expected = {
        ("a",): 2, ("b c",): 3, ("d",): 6, ("d", "e"): 6, ("d", "e", 0): 7, ("d", "e", 1): 8,
        ("d", "e", 1, "f"): 8, ("t", "u"): 10, ("t", "u", "g"): 11, ("t", "u", "g", "h"): 11,
        ("t", "u", "g", "i", 1): 12, ("many",): 13, ("many", 0, "j"): 14, ("many", 1, "j"): 18,
    }  # fmt: skip
    assert {keys: lines[keys] for keys in expected} == expected
    assert ("x",) not in lines
    assert ("no",) not in lines


def test_a_changed_module_is_read_anew(root, study):
    text = BASE.replace('name = "huber"\ndelta = 2.0', 'name = "own.bowl"')
    assert study(text).config.loss.width == 1.0
    own = root / "experiments" / "own.py"
    own.write_text(own.read_text().replace("width=1.0", "width=12.0"))
    assert study(text).config.loss.width == 12.0


def test_two_projects_in_one_process(root, tmp_path_factory, study):
    other = tmp_path_factory.mktemp("other")
    project(other)
    file = other / "experiments" / "study.py"
    file.write_text(
        file.read_text().replace("rate: Annotated[float, Field(gt=0)] = 0.1", "rate: float = 9.0")
    )
    (other / "c.toml").write_text('experiment = "study"')
    assert study('experiment = "study"').config.rate == 0.1
    assert reading.read(other / "c.toml").config.rate == 9.0
    assert study('experiment = "study"').config.rate == 0.1


def test_ones_own_code_that_raises_is_no_bad_input(study):
    with pytest.raises(ExperimentError, match="raising"):
        study(BASE.replace('"study"', '"raising"'))


def test_a_relation_between_fields_is_the_experiments_to_check(root, study):
    file = root / "experiments" / "study.py"
    check = """
    def __post_init__(self):
        if self.offset > 5:
            raise ValueError("too far")
"""
    file.write_text(file.read_text().replace("\n\ndef load", f"{check}\n\ndef load", 1))
    (told,) = problems(study, BASE, "offset=6")
    assert told.sentence == "too far"


def test_paths_of_axes_are_paths_of_the_config(study):
    found = study(BASE + '\n[sweep]\n"inner.slope" = [0.1, 0.2]\nsizes = [[1], [2, 3]]\n')
    for axis in found.axes:
        (path,) = axis.paths
        assert type(get_path(found.config, path)) is type(axis.values[0][0])
