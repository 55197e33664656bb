"""Tiles whose lanes end early go on with fewer, and nobody sees it in the numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.study import Study
from jaxmath.lab import compaction, engine, program, session, sizes, tiles
from jaxmath.runs import journal
from tests.lab import studies
from tests.lab.test_resume import contents, no_waiting_for_the_disk  # noqa: F401


def begin(config, data, key):
    return studies.begin(config, data, key) | dict(ended=jnp.zeros((), int))


def proceed(config, data, carry):
    """A lane ends when its loss is below its `noise`, and stays as it is from then on."""
    moved, _ = studies.proceed(config, data, {k: carry[k] for k in ("key", "step", "params")})
    runs = carry["ended"] == 0
    params = {
        name: jnp.where(runs, getattr(moved["params"], name), getattr(carry["params"], name))
        for name in ("weights", "bias")
    }
    params = studies.Params(**params)
    value = studies.loss(params, data.x, data.y)
    ended = jnp.where(runs & (value < config.noise), moved["step"], carry["ended"])
    return dict(moved, params=params, ended=ended), dict(curve=value, steps=ended)


def finish(config, data, carry, records):
    found = studies.finish(config, data, carry, records)
    return found | dict(ended=carry["ended"], steps=records["steps"])


def status(config, carry):
    return carry["ended"]


PARTS = (studies.load, studies.rounds, begin, proceed, finish, studies.judge)
MADE = studies.module(*PARTS, status, Config=studies.Config)
TOLD_NOTHING = studies.module(*PARTS, Config=studies.Config)


def a_study(made=MADE, levels=(20.0, 2.0, 0.3, 1e-3, 1e-9, 0.1, 5.0), seeds=(0, 1, 2)) -> Study:
    axes = [studies.axis("seed", seeds), studies.axis("noise", levels)]
    return studies.study(made, studies.Config(steps=80), axes)


@pytest.fixture
def shapes(monkeypatch):
    """The shapes of the programs that tiles went on with."""
    found, program = [], sizes.Sizes.program

    def noted(self, tile, tiling):
        found.append((tiling.rows, tiling.columns))
        return program(self, tile, tiling)

    monkeypatch.setattr(sizes.Sizes, "program", noted)
    return found


def equal(some, whole):
    assert set(some) == set(whole)
    for name in ("curve", "loss", "ended", "steps"):
        np.testing.assert_allclose(some[name], whole[name], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(some["params"].weights, whole["params"].weights, rtol=1e-12)


def test_lanes_have_the_numbers_of_a_sweep_without_it(monkeypatch, shapes):
    whole = engine.measure(a_study(TOLD_NOTHING)).measured
    assert len(np.unique(whole["ended"])) > 4  # they end at very different rounds
    equal(engine.measure(a_study()).measured, whole)
    assert not shapes  # so small a sweep is over before anything is compiled
    monkeypatch.setattr(compaction, "COMPILING", 0.0)
    equal(engine.measure(a_study()).measured, whole)
    columns = [c for _, c in shapes]
    assert min(columns) == 1
    assert len(set(shapes)) <= 8


def test_nothing_runs_once_all_have_ended(monkeypatch):
    calls, proceeding = [], compaction.Rounds.next

    def counting(self, record, left):
        before = self.state
        found = proceeding(self, record, left)
        calls.append(self.state is not before)
        return found

    monkeypatch.setattr(compaction.Rounds, "next", counting)
    study = a_study(levels=(20.0, 5.0, 2.0))
    some = engine.measure(study).measured
    assert 0 < sum(calls) < len(calls) / 2
    equal(some, engine.measure(a_study(TOLD_NOTHING, (20.0, 5.0, 2.0))).measured)


def test_a_program_is_made_when_as_much_was_spent_in_vain(monkeypatch, shapes):
    study = a_study(seeds=(0,), levels=(20.0, 1e-9))
    monkeypatch.setattr(program, "workers", lambda: 1)
    each, operations, work = _operations(study), sizes.Sizes.operations, []

    def noted(self, tile):
        work.append(operations(self, tile))
        return work[-1]

    monkeypatch.setattr(sizes.Sizes, "operations", noted)
    for rounds in (0.5, 3.5, 7.5, 8.5):
        del shapes[:], work[:]
        monkeypatch.setattr(compaction, "COMPILING", rounds * each)
        engine.measure(study)
        # Of 16 rounds the first lane ends in the first. When more than eight are spent in vain,
        # fewer are left than a program costs.
        assert shapes == ([(1, 1)] if rounds < 8 else [])
        spent = int(np.ceil(rounds))
        assert len(work) == (spent if rounds < 8 else 15)


def _operations(study):
    found = []
    run = tiles.run

    def noted(study, work, *rest):
        made = sizes.Sizes(study)
        found.extend(made.operations(tile) for tile in work)
        return run(study, work, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "run", noted)
        patch.setattr(compaction, "COMPILING", np.inf)
        engine.measure(study)
    return found[0]


CONFIG = """
experiment = "train"
steps = 120
records = 60
batch_size = 8
[data]
name = "linear"
rows = 40
[optimizer]
name = "adam"
learning_rate = 0.1
[stop]
gradient = 1e-3
[sweep]
seed = [0, 1]
"stop.gradient" = [10.0, 3.0, 0.3, 1e-9]
"""


def test_a_run_goes_on_with_the_lanes_that_it_had(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "COMPILING", 1e5)
    path = tmp_path / "c.toml"
    path.write_text(CONFIG)
    study = reading.read(path)
    whole = session.run(study, tmp_path / "whole", True, False)
    status = whole.series["status"]
    assert len(np.unique(whole.series["stopped_at"])) > 4
    assert (status == 0).sum() == 0
    lanes = []
    for after in (5, 30):
        left, out = [after], tmp_path / str(after)
        kept = journal.Journal.keep_state

        def failing(self, piece, key, rounds, leaves, left=left, kept=kept):
            kept(self, piece, key, rounds, leaves)
            lanes.append(leaves[-3].size * leaves[-2].size)
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(journal.Journal, "keep_state", failing)
        with pytest.raises(KeyboardInterrupt):
            session.run(study, out, True, False, save_seconds=0.0)
        monkeypatch.setattr(journal.Journal, "keep_state", kept)
        (folder,) = (out / "c").iterdir()
        assert contents(session.resume(folder, True, False).folder) == contents(whole.folder)
    assert min(lanes) < max(lanes)  # some were saved in a smaller shape
