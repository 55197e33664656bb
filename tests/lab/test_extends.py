"""A config that extends others: which value wins, where it stands, and what may be read at all."""

import tomllib

import pytest

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from tests.lab.casebook import BASE, SECRET, project


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = tmp_path / "project"
    project(root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def study(root):
    """Read the first of several configs, each given as text by its name."""

    def read(*overrides, smoke=False, **files):
        for name, text in files.items():
            (root / "configs" / f"{name}.toml").write_text(text)
        return reading.read(f"configs/{next(iter(files))}.toml", overrides, smoke)

    return read


def problems(read, *arguments, **options):
    with pytest.raises(InputError) as caught:
        read(*arguments, **options)
    return caught.value.problems


def test_each_layer_wins_over_the_one_before(study):
    files = dict(
        case='extends = ["one.toml", "two.toml"]\nrounds = 4\n[smoke]\nrounds = 5\n',
        one='experiment = "study"\nrate = 1.0\noffset = 1.0\nrounds = 1\ntitle = "one"\n',
        two="rate = 2.0\noffset = 2.0\nrounds = 2\n[smoke]\nrounds = 9\nrate = 9.0\n",
    )
    config = study(**files).config
    assert config.wanted is True
    assert (config.title, config.rate, config.rounds) == ("one", 2.0, 4)
    config = study("rounds=6", smoke=True, **files).config
    assert (config.offset, config.rate, config.rounds) == (2.0, 9.0, 6)
    assert study(smoke=True, **files).config.rounds == 5


def test_extending_is_the_same_as_writing_it_all_down(study):
    whole = study(case=BASE)
    split = study(case='extends = "base.toml"\n', base=BASE)
    assert (split.config, split.axes, split.resolved) == (whole.config, whole.axes, whole.resolved)
    assert "extends" not in split.resolved


def test_a_chain_and_a_diamond(study):
    config = study(
        case='extends = ["left.toml", "right.toml"]',
        left='extends = "base.toml"\nrate = 3.0\nrounds = 7',
        right='extends = "base.toml"\noffset = 5.0',
        base=BASE,
    ).config
    assert (config.offset, config.mode) == (5.0, "steep")
    # The right one extends the base as well, whose values it brings along: later wins.
    assert (config.rate, config.rounds) == (0.1, 4)


def test_tables_merge_and_another_name_begins_anew(study):
    assert study(case='extends = "base.toml"\nloss.delta = 3.0', base=BASE).config.loss.delta == 3.0
    other = 'extends = "base.toml"\n[loss]\nname = "pinball"\n'
    assert study(case=other, base=BASE).config.loss.name == "pinball"
    short = study(case='extends = "base.toml"\nloss = "huber"', base=BASE).config.loss
    assert (short.name, short.delta) == ("huber", 1.0)


def test_swept_paths_replace_their_axis_and_leave_the_others(study):
    base = BASE + "\n[sweep]\noffset = [1.0, 2.0]\nrate = { linspace = [0.1, 0.2, 2] }\n"
    case = 'extends = "base.toml"\n[sweep]\nrate = { logspace = [1.0, 10.0, 3] }\n'
    axes = study(case=case, base=base).axes
    assert [(axis.paths, len(axis)) for axis in axes] == [(("offset",), 2), (("rate",), 3)]
    axes = study(case='extends = "base.toml"\nrate = 0.5', base=base).axes
    assert [axis.paths for axis in axes] == [("offset",)]
    case = 'extends = "base.toml"\n[sweep.zip]\nrate = [1.0, 2.0]\ninner.depth = [3, 4]\n'
    axes = study(case=case, base=base).axes
    assert [axis.paths for axis in axes] == [("offset",), ("rate", "inner.depth")]
    # A table after [sweep] in the same file does not end the sweep of its own path.
    case = 'extends = "base.toml"\n[sweep]\ninner.slope = [0.1]\n[inner]\nslope = 0.5\n'
    assert ("inner.slope",) in [axis.paths for axis in study(case=case, base=base).axes]


def test_a_wrong_value_is_told_where_it_stands(study):
    base = BASE.replace("depth = 3", "depth = 33") + '\n[sweep]\noffset = ["x"]\n'
    told = problems(study, case='extends = "base.toml"\n\nrate = -1\n', base=base)
    places = [(p.file.name, p.line, p.path) for p in told]
    line = BASE[: BASE.index("depth")].count("\n") + 1
    assert places == [
        ("case.toml", 3, "rate"),
        ("base.toml", line, "inner.depth"),
        ("base.toml", base[: base.index('["x"]')].count("\n") + 1, "sweep.offset[1]"),
    ]
    assert told[1].text == "depth = 33"
    told = problems(study, "inner.depth=0", case='extends = "base.toml"', base=BASE)
    assert told[0].file is None
    told = problems(
        study, case='extends = "base.toml"', base=BASE.replace("rounds = 2", "rounds = -2")
    )
    assert [(p.file.name, p.path) for p in told] == [("base.toml", "smoke.rounds")]


def test_a_data_file_is_relative_to_the_file_that_names_it(root, study):
    (root / "configs" / "deeper").mkdir()
    text = 'experiment = "train"\n[data]\nname = "csv"\nfile = "../../data/table.csv"\ntarget="y"\n'
    (root / "configs" / "deeper" / "base.toml").write_text(text)
    found = study(case='extends = "deeper/base.toml"')
    assert found.config.data.file == str((root / "data" / "table.csv").resolve())


def test_a_file_elsewhere_extends_its_own_folder_alone(root, tmp_path, study):
    (tmp_path / "case.toml").write_text('extends = "project/configs/present.toml"')
    assert reading.read(tmp_path / "case.toml").config.rounds == 4
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "case.toml").write_text('extends = "../case.toml"')
    told = problems(reading.read, tmp_path / "alone" / "case.toml")
    assert "is outside" in told[0].sentence


def test_nothing_of_a_file_outside_is_told(study):
    for name in ("link.toml", "linked/outside.toml", "../../outside.toml", "../../nowhere.toml"):
        (told,) = problems(study, case=f'extends = "{name}"')
        assert "is outside" in told.sentence
        assert SECRET not in str(told)


def test_from_python_and_from_a_link(root, study):
    found = reading.read({"extends": "configs/present.toml", "rounds": 8})
    assert (found.config.rounds, found.config.mode) == (8, "steep")
    (root / "configs" / "inside.toml").symlink_to(root / "configs" / "present.toml")
    assert study(case='extends = "inside.toml"').config.mode == "steep"


def test_the_run_folder_keeps_what_was_resolved(root, study, tmp_path):
    import jaxmath.lab

    (root / "case.toml").write_text('extends = "configs/present.toml"')
    run = jaxmath.lab.run("case.toml", out=tmp_path / "runs")
    text = (run.folder / "config.toml").read_text()
    assert "extends" not in tomllib.loads(text)
    assert tomllib.loads(text)["rounds"] == 4
