"""Sweeps whose settings Optuna asks for, against Optuna itself told by hand."""

import sys
import warnings

import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import asking, engine, forecast, session
from jaxmath.runs import journal
from tests.lab.test_resume import contents, no_waiting_for_the_disk  # noqa: F401

CONFIG = """
experiment = "train"
steps = 12
records = 3
[data]
name = "linear"
rows = 40
[optimizer]
name = "adam"
learning_rate = 0.1
[penalty]
name = "l2"
strength = 0.1
[sweep]
seed = [0, 1]
[sweep.optuna]
metric = "train_loss"
count = 15
batch = 5
"optimizer.learning_rate" = { loguniform = [1e-3, 1.0] }
"penalty.strength" = { uniform = [0.0, 1.0] }
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_it_asks_for_what_optuna_asks_for(sampler, maximize, config):
    optuna = pytest.importorskip("optuna")
    words = [f"sweep.optuna.sampler={sampler}", f"sweep.optuna.maximize={str(maximize).lower()}"]
    found = engine.measure(reading.read(config, words))
    axis = found.measured.axes[1]
    assert axis.paths == ("optimizer.learning_rate", "penalty.strength")
    assert found.programs == 1
    losses = found.measured["train_loss"].mean(0)
    assert losses.shape == (15,)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        samplers = optuna.samplers
        own = (
            samplers.TPESampler(seed=0, constant_liar=True)
            if sampler == "tpe"
            else samplers.RandomSampler(seed=0)
        )
    study = optuna.create_study(sampler=own, direction="maximize" if maximize else "minimize")
    spaces = {
        "optimizer.learning_rate": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "penalty.strength": optuna.distributions.FloatDistribution(0.0, 1.0),
    }
    for batch in range(3):
        trials = [study.ask(spaces) for _ in range(5)]
        for i, trial in enumerate(trials, 5 * batch):
            assert tuple(trial.params.values()) == axis.values[i]
            study.tell(trial, losses[i])
    (table,) = found.tables
    best = losses.reshape(3, 5).max(1) if maximize else losses.reshape(3, 5).min(1)
    np.testing.assert_array_equal(table.columns["best train_loss"], best)
    assert table.columns["best so far"][-1] == study.best_value


def test_each_lane_is_that_of_a_plain_sweep(config):
    pytest.importorskip("optuna")
    found = engine.measure(reading.read(config)).measured
    rates, strengths = zip(*found.axes[1].values, strict=True)
    text = CONFIG[: CONFIG.index("[sweep]")] + "[sweep]\nseed = [0, 1]\n[sweep.zip]\n"
    text += f'"optimizer.learning_rate" = {list(rates)}\n"penalty.strength" = {list(strengths)}\n'
    config.write_text(text)
    plain = engine.measure(reading.read(config)).measured
    for name in ("train_loss", "train_loss_curve", "status"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-12)


def test_it_goes_on_with_the_same_bits(config, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    study = reading.read(config)
    whole = session.run(study, tmp_path / "whole", True, False)
    assert whole.exit.name == "PASS"
    assert [table.name for table in whole.tables][:2] == ["sweep", "asked"]
    keep = journal.Journal.keep
    left = [4]

    def failing(self, *arguments, **notes):
        keep(self, *arguments, **notes)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(journal.Journal, "keep", failing)
    with pytest.raises(KeyboardInterrupt):
        session.run(study, tmp_path / "cut", True, False)
    (folder,) = (tmp_path / "cut" / "c").iterdir()
    again = session.resume(folder, True, False)
    assert contents(again.folder) == contents(whole.folder)


def test_what_failed_is_told_as_failed(config, monkeypatch):
    optuna = pytest.importorskip("optuna")
    study = reading.read(config, ["sweep.optuna.optimizer.learning_rate={uniform=[0.1, 1e300]}"])
    search = asking._Search(study.method)
    monkeypatch.setattr(asking, "_Search", lambda method: search)
    found = engine.measure(study)
    told = [trial.state for trial in search._study.trials]
    assert len(told) == 15
    assert set(told) <= {optuna.trial.TrialState.FAIL, optuna.trial.TrialState.COMPLETE}
    failed = np.isin(found.measured["status"], list(study.module.REASONS)).any(0)
    assert failed.any()
    states = [state == optuna.trial.TrialState.FAIL for state in told]
    assert states == failed.tolist()


WRONG = {
    "sweep.optuna.count=16": "16 is no multiple of 5, the settings of a batch",
    "sweep.optuna.sampler=tpee": "did you mean `tpe`?",
    "sweep.optuna.metric=3": "`sweep.optuna.metric` should be the name of a result, got 3",
    "sweep.optuna.batch=0": "`sweep.optuna.batch` should be a whole number from 1",
    "sweep.optuna.seed=-1": "`sweep.optuna.seed` should be a whole number from 0",
    "sweep.optuna.maximize=1": "`sweep.optuna.maximize` should be true or false",
    "sweep.optuna.bacth=3": "did you mean `batch`?",
    "sweep.batch_size=[1, 2]": "varies alone, beside seeds, and `batch_size` is swept as well",
    "sweep.optuna.penalty.strength={normal=[0, 1]}": "one of uniform or loguniform",
    "sweep.optuna.penalty.strength={uniform=[1, 0]}": "uniform takes [low, high], got [1, 0]",
    "sweep.optuna.penalty.strength={loguniform=[0, 1]}": "its ends themselves, both > 0",
    "sweep.optuna.penalty.strength={uniform=[-1, 1]}": "should be a number",
    "sweep.halving.metric=train_loss": "are two ways to choose settings",
}


@pytest.mark.parametrize("word", WRONG)
def test_what_does_not_fit_is_one_sentence(word, config):
    with pytest.raises(InputError) as caught:
        reading.read(config, [word])
    assert len(caught.value.problems) == 1
    assert WRONG[word] in str(caught.value)


def test_a_config_without_optuna_is_read_and_not_run(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    study = reading.read(config)
    said = forecast.forecast(study)
    assert "15 values from 0.001 to 1.0" in said
    assert "3 batches of 5, by train_loss" in said
    with pytest.raises(InputError, match="Optuna cannot be loaded") as caught:
        engine.measure(study)
    assert "pip install 'jaxmath[optuna]'" in str(caught.value)
    for act in (forecast.planned, engine.measure):
        with pytest.raises(InputError, match="no run results in such a number") as caught:
            act(reading.read(config, ["sweep.optuna.metric=trainloss"]))
        assert "did you mean `train_loss`?" in str(caught.value)
