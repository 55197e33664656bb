"""Successive halving and Hyperband against the published table and the curves of a full sweep."""

import dataclasses
import json
import math
from itertools import pairwise
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.config.halving import Halving
from jaxmath.lab import engine, forecast, held, session
from jaxmath.runs import journal, sweep
from jaxmath.runs.measured import Measured
from jaxmath.runs.rungs import work
from tests.lab import studies
from tests.lab.test_resume import contents, no_waiting_for_the_disk  # noqa: F401

# n_i and r_i of each bracket by algorithm 1 of Li et al. (2018), with their R = 81 and eta = 3.
# The documentation of mlr3hyperband, another implementation, has R = 8 and eta = 2.
PUBLISHED = {
    (81, 3): [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ],
    (8, 2): [
        [(8, 1), (4, 2), (2, 4), (1, 8)],
        [(6, 2), (3, 4), (1, 8)],
        [(4, 4), (2, 8)],
        [(4, 8)],
    ],
}


@pytest.mark.parametrize(("rounds", "factor"), PUBLISHED)
def test_brackets_are_the_published_ones(rounds, factor):
    expected = PUBLISHED[rounds, factor]
    method = Halving("hyperband", "loss", factor)
    count = sum(rungs[0][0] for rungs in expected)
    assert method.least(rounds) == count
    assert [[tuple(rung) for rung in rungs] for rungs in method.brackets(count, rounds)] == expected
    # What is left over joins the first bracket, and halving is a bracket by itself.
    more = method.brackets(count + 5, rounds)
    assert more[0][0] == (expected[0][0][0] + 5, expected[0][0][1])
    assert list(more[1:]) == [tuple(rungs) for rungs in expected[1:]]
    halving = Halving("halving", "loss", factor)
    assert [list(halving.brackets(expected[0][0][0], rounds)[0])] == [expected[0]]


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("least", [1, 2, 5])
def test_rungs_grow_and_shrink_whatever_the_numbers(factor, least):
    for name in ("halving", "hyperband"):
        method = Halving(name, "loss", factor, least)
        for rounds in range(factor * least, 100):
            count = method.least(rounds) + rounds % 7
            brackets = method.brackets(count, rounds)
            assert sum(rungs[0].settings for rungs in brackets) == count
            for rungs in brackets:
                assert rungs[0].rounds >= least
                assert rungs[-1].rounds == rounds
                assert rungs[-1].settings >= 1
                for a, b in pairwise(rungs):
                    assert b.settings == a.settings // factor or a is rungs[0]
                    assert b.rounds // factor == a.rounds


def reimplemented(curves, factor, brackets):
    """How many rounds each setting takes, by curves (settings, rounds) of a full sweep."""
    taken, start = np.zeros(len(curves), int), 0
    for rungs in brackets:
        alive = list(range(start, start + rungs[0][0]))
        start += len(alive)
        for (_, rounds), (kept, _) in zip(rungs, [*rungs[1:], (0, 0)], strict=True):
            taken[alive] = rounds
            worst_last = [math.inf if math.isnan(c) else c for c in curves[alive, rounds - 1]]
            alive = [alive[i] for i in np.lexsort((np.arange(len(alive)), worst_last))[:kept]]
    return taken


RATES = [0.3 * 0.7**i for i in (3, 9, 0, 7, 1, 5, 8, 2, 6, 4, 11, 10)]


def proceed(config, data, carry):
    carry, record = studies.proceed(config, data, carry)
    return carry, dict(loss=record["curve"])


def finish(config, data, carry, records):
    return studies.finish(config, data, carry, dict(curve=records["loss"]))


PARTS = (studies.load, studies.rounds, studies.begin, proceed, studies.judge)
LONG = studies.module(*PARTS, finish, Config=studies.Config)


def a_study(method, rates=RATES, names=("sgd", "other"), made=LONG):
    axes = (
        studies.axis("optimizer.name", names),
        studies.axis("seed", [3, 1]),
        studies.axis("optimizer.learning_rate", rates),
    )
    config = studies.Config(steps=60)
    return studies.study(made, config, axes, method=method)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("name", ["halving", "hyperband"])
def test_survivors_are_those_of_the_full_curves(name, maximize):
    first = "optimizer.learning_rate"
    method = Halving(name, "loss", 2, 2, maximize=maximize, first=first)
    study = a_study(method)
    found = engine.measure(study)
    full = engine.measure(dataclasses.replace(study, method=None)).measured
    curves, rounds = full["curve"], found.measured["rounds"]
    assert rounds.shape == (2, 2, 12)
    means = curves.mean(1)  # (names, rates, rounds); a setting is a name and a rate
    brackets = method.brackets(24, 12)
    flat = means.transpose(1, 0, 2).reshape(24, 12) * (-1 if maximize else 1)
    taken = reimplemented(flat, 2, brackets).reshape(12, 2).T
    np.testing.assert_array_equal(rounds, np.stack([taken, taken], 1))
    assert len(np.unique(taken)) == len(brackets[0])

    # Up to its last rung a lane has the numbers of the full sweep, and none behind it.
    recorded = np.arange(12) < rounds[..., None]
    np.testing.assert_allclose(found.measured["curve"][recorded], curves[recorded], rtol=1e-12)
    assert np.isnan(found.measured["curve"][~recorded]).all()
    ends = np.take_along_axis(curves, rounds[..., None] - 1, -1)[..., 0]
    np.testing.assert_allclose(found.measured["loss"], ends, rtol=1e-12)
    weights = found.measured["params"].weights
    assert weights.shape == (2, 2, 12, 3)

    (rungs,) = found.tables
    assert sum(rungs.columns["settings"]) == sum(n for b in brackets for n, _ in b)
    assert rungs.columns["rounds"] == [r for b in brackets for _, r in b]
    assert work(method, 24, 12) == taken.sum() < 24 * 12
    cells = sweep.tables(study.module, found.measured, method)[0]
    assert cells.columns["rounds"][cells.best] == 12
    assert not cells.columns["failed"].any()
    ended = means[taken == 12][:, -1]
    assert cells.columns["loss mean"][cells.best] == pytest.approx(
        ended.max() if maximize else ended.min()
    )


def test_what_has_failed_is_worst_however_small_its_loss():
    def status(config, carry):
        return jnp.where(config.optimizer.learning_rate > 0.2, 7, 0)

    def ending(config, data, carry, records):
        return finish(config, data, carry, records) | dict(status=status(config, carry))

    made = studies.module(*PARTS, status, Config=studies.Config, REASONS={7: "it broke"})
    made.finish = ending
    method = Halving("halving", "loss", 3)
    plain = engine.measure(a_study(method, names=("sgd",))).measured["rounds"][0, 0]
    assert plain[RATES.index(0.3)] == 12
    found = engine.measure(a_study(method, names=("sgd",), made=made)).measured
    taken = found["rounds"][0, 0]
    assert (taken[np.array(RATES) > 0.2] == 1).all()
    assert taken.max() == 12
    _, failed = sweep.tables(made, found, method)
    assert failed.columns["reason"].tolist() == ["it broke"] * 2 * sum(np.array(RATES) > 0.2)

    # One that is not a number is worst too, even if more is better.
    rates = [*RATES, 1e200]
    for maximize in (False, True):
        method = Halving("halving", "loss", 3, maximize=maximize)
        taken = engine.measure(a_study(method, rates, ("sgd",))).measured["rounds"][0, 0]
        assert taken[-1] == 1


def test_an_infinite_metric_is_worst_even_if_more_is_better():
    def recording(config, data, carry):
        carry, record = proceed(config, data, carry)
        broken = config.optimizer.learning_rate == 0.3
        return carry, dict(loss=jnp.where(broken, jnp.inf, record["loss"]))

    made = studies.module(*PARTS, finish, Config=studies.Config)
    made.proceed = recording
    method = Halving("halving", "loss", 3, maximize=True)
    taken = engine.measure(a_study(method, names=("sgd",), made=made)).measured["rounds"]
    assert taken[0, 0, RATES.index(0.3)] == 1


def test_the_best_setting_ran_to_the_end():
    axes = (studies.axis("rate", [1.0, 2.0, 3.0]),)
    arrays = dict(loss=np.array([0.1, 0.5, 0.4]), rounds=np.array([1, 9, 9]))
    for maximize, best in ((False, 2), (True, 1)):
        method = Halving("halving", "loss", maximize=maximize)
        arrays["loss"][0] = 0.9 if maximize else 0.1
        (table,) = sweep.tables(LONG, Measured(arrays, axes), method)
        assert table.best == best
        assert table.columns["rounds"].tolist() == [1, 9, 9]
        assert "rounds mean" not in table.columns


def test_smaller_tiles_have_the_same_numbers(monkeypatch):
    method = Halving("halving", "loss", 2)
    study = a_study(method)
    whole = engine.measure(study)
    monkeypatch.setattr(held, "COMPILING", 0.0)
    some = engine.measure(study)
    assert some.programs > whole.programs
    for name in ("curve", "loss", "rounds"):
        np.testing.assert_allclose(some.measured[name], whole.measured[name], rtol=1e-12)


CONFIG = """
experiment = "train"
steps = 18
records = 9
batch_size = 8
[data]
name = "linear"
rows = 40
[optimizer]
name = "adam"
learning_rate = 0.1
[sweep]
seed = [0, 1]
batch_size = [4, 8]
[sweep.random]
count = 9
"optimizer.learning_rate" = { loguniform = [1e-3, 1.0] }
[sweep.halving]
metric = "train_loss"
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("halving") / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    return session.run(reading.read(config), tmp_path_factory.mktemp("whole"), True, False)


def test_a_training_passes_its_claims_and_says_who_was_dropped(whole, config):
    assert whole.exit.name == "PASS"
    tables = {table.name: table for table in whole.tables}
    assert "failed lanes" not in tables
    assert tables["rungs"].columns["settings"] == [18, 6, 2]
    assert tables["rungs"].columns["kept"] == [6, 2, 0]
    assert "42 rounds for each seed, 25.9% of the 162" in tables["rungs"].title
    cells = tables["sweep"]
    assert sorted(cells.columns["rounds"]) == [1] * 12 + [3] * 4 + [9] * 2
    assert cells.columns["rounds"][cells.best] == 9
    assert np.isfinite(cells.columns["train_loss mean"]).all()
    best = tables["rungs"].columns["best optimizer.learning_rate"][-1]
    assert cells.columns["optimizer.learning_rate"][cells.best] == best
    again = reading.read(whole.folder / "config.toml")
    assert again.method == reading.read(config).method
    for claim in whole.claims:
        assert claim.breaks_if.words


def test_it_goes_on_in_the_middle_with_the_same_bits(whole, config, tmp_path, monkeypatch):
    keep, count = journal.Journal.keep, [0]

    def counting(self, *arguments, **notes):
        keep(self, *arguments, **notes)
        count[0] += 1

    monkeypatch.setattr(journal.Journal, "keep", counting)
    session.run(reading.read(config), tmp_path / "all", True, False)
    pieces = count[0]
    assert pieces > 8
    for after in (1, pieces // 3, pieces - 2):
        left = [after]

        def failing(self, *arguments, left=left, **notes):
            keep(self, *arguments, **notes)
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(journal.Journal, "keep", failing)
        out = tmp_path / str(after)
        with pytest.raises(KeyboardInterrupt):
            session.run(reading.read(config), out, True, False)
        count[0] = 0
        monkeypatch.setattr(journal.Journal, "keep", counting)
        (folder,) = (out / "c").iterdir()
        run = session.resume(folder, True, False)
        assert count[0] < pieces
        assert contents(run.folder) == contents(whole.folder)


def test_check_says_how_many_rounds_it_takes(config):
    said = forecast.forecast(reading.read(config))
    assert "42 rounds for each seed, 25.9% of the 162 of all 18 settings to the end" in said
    assert "18 for 1 round, then 6 for 3 rounds, then 2 for 9 rounds" in said
    planned = forecast.planned(reading.read(config))._asdict()
    assert json.loads(json.dumps(planned["method"]["brackets"])) == [[[18, 1], [6, 3], [2, 9]]]


WRONG = {
    "sweep.halving.factor=1": "`sweep.halving.factor` should be a whole number from 2, got 1",
    "sweep.halving.min_rounds=0": "`sweep.halving.min_rounds` should be a whole number from 1",
    "sweep.halving.metric=3": "`sweep.halving.metric` should be what a round records, got 3",
    "sweep.halving.maximize=1": "`sweep.halving.maximize` should be true or false, got 1",
    "sweep.halving.metrik=train_loss": "did you mean `metric`?",
    "sweep.halving.min_rounds=4": "drops nothing with fewer rounds than 12",
    "records=1": "min_rounds times factor, and there is 1",
    "sweep.halving.factor=9": None,
    "sweep.random.count=1": "`sweep.halving` needs at least 3 settings, and the sweep has 2",
    "sweep.records=[3, 9]": "after equal rounds, and `records` changes their number",
    "sweep.hyperband.metric=train_loss": "`sweep.halving` and `sweep.hyperband` are two ways",
    "sweep.halving=3": "`sweep.halving` should be a table, got 3",
}


@pytest.mark.parametrize("word", WRONG)
def test_what_does_not_fit_is_one_sentence(word, config):
    if WRONG[word] is None:
        reading.read(config, [word])
        return
    with pytest.raises(InputError) as caught:
        reading.read(config, [word])
    assert len(caught.value.problems) == 1
    assert WRONG[word] in str(caught.value)


SHORT = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    rate: float = 0.1


load = measure = judge = print
"""


def test_what_hyperband_needs(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(CONFIG.replace("halving", "hyperband"))
    assert len(reading.read(path).method.brackets(18, 9)) == 3
    with pytest.raises(InputError, match="at least 17 settings, and the sweep has 16"):
        reading.read(path, ["sweep.random.count=8"])
    words = ["sweep.optimizer.learning_rate={logspace=[1e-3, 1.0, 9]}"]
    with pytest.raises(InputError, match="in the order of a design, and there is none"):
        reading.read(path, words)
    path.write_text(CONFIG.replace('metric = "train_loss"', ""))
    with pytest.raises(InputError, match=r"`sweep\.halving` needs a metric"):
        reading.read(path)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "short.py").write_text(SHORT)
    path.write_text('experiment = "short"\n[sweep.halving]\nmetric = "loss"\n')
    with pytest.raises(InputError, match="between rounds, and the experiment short has none"):
        reading.read(path)


def test_a_metric_that_no_round_records(config, tmp_path):
    study = reading.read(config, ["sweep.halving.metric=trainloss"])
    for act in (forecast.planned, engine.measure):
        with pytest.raises(InputError) as caught:
            act(study)
        assert "`sweep.halving.metric` is trainloss, and a round records no such" in str(
            caught.value
        )
        assert "did you mean `train_loss`?" in str(caught.value)


@pytest.mark.full
def test_the_winner_on_digits_is_nearly_that_of_all_settings_to_the_end():
    path = Path(__file__).parents[2] / "configs" / "digits_hyperband.toml"
    words = ["precision=float64", "records=27", "steps=1215", "sweep.random.count=49"]
    study = reading.read(path, words)
    found = engine.measure(study)
    whole = engine.measure(dataclasses.replace(study, method=None)).measured
    curves = whole["test_loss_curve"].mean(0)[:, 1:]
    brackets = study.method.brackets(49, 27)
    taken = reimplemented(curves, 3, brackets)
    np.testing.assert_array_equal(found.measured["rounds"], np.stack([taken] * 4))
    recorded = np.arange(28) <= found.measured["rounds"][..., None]
    np.testing.assert_allclose(
        found.measured["test_loss_curve"][recorded],
        whole["test_loss_curve"][recorded],
        rtol=1e-9,
    )
    ends = curves[:, -1]
    chosen = ends[taken == 27].min()
    assert work(study.method, 49, 27) < 0.3 * 49 * 27
    assert np.mean(ends <= chosen) <= 0.1  # among the best tenth of all
    assert chosen <= 1.05 * ends.min()
