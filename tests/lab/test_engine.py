"""The engine against programs run one at a time, without it."""

import functools
import re
import sys
import types
from collections import OrderedDict
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import studies
from studies import LONG, SHORT, Optimizer, axis, study

from jaxmath.config.errors import ExperimentError
from jaxmath.config.study import SweepAxis
from jaxmath.lab import engine, plan, program, tiles
from jaxmath.lab.job import Job


@functools.cache
def _alone(steps):
    def run(rate, key):
        config = studies.Config(steps=steps, optimizer=Optimizer(learning_rate=rate))
        data = studies.load(config)
        data = data._replace(x=jnp.asarray(data.x), y=jnp.asarray(data.y))
        return studies.measure(config, data, key)

    return jax.jit(run)


def alone(rate, seed, steps=20):
    """One run by JAX itself, without vmap and without the lab."""
    return jax.device_get(_alone(steps)(rate, jax.random.key(seed)))


def test_a_single_run_is_the_experiment_itself():
    measured = engine.measure(study(SHORT, seed=3)).measured
    expected = alone(0.1, 3)
    assert measured["loss"].shape == ()
    np.testing.assert_allclose(measured["loss"], expected["loss"], rtol=1e-12)
    np.testing.assert_allclose(measured["params"].weights, expected["params"].weights, rtol=1e-12)


@pytest.mark.parametrize("made", [SHORT, LONG], ids=["measure", "rounds"])
@pytest.mark.parametrize("seed_first", [True, False])
def test_a_lane_of_a_sweep_equals_the_run_alone(made, seed_first):
    rates, seeds = [0.01, 0.03, 0.1, 0.2, 0.05], [0, 1, 7]
    axes = [axis("seed", seeds), axis("optimizer.learning_rate", rates)]
    found = engine.measure(study(made, axes=axes if seed_first else axes[::-1]))
    assert found.programs == 1
    assert found.measured["params"].weights.shape[:2] == ((3, 5) if seed_first else (5, 3))
    for i, seed in enumerate(seeds):
        for j, rate in enumerate(rates):
            at = (i, j) if seed_first else (j, i)
            expected = alone(rate, seed)
            np.testing.assert_allclose(found.measured["loss"][at], expected["loss"], rtol=1e-12)
            np.testing.assert_allclose(
                found.measured["params"].weights[at], expected["params"].weights, rtol=1e-12
            )


def lanes(rates, made=SHORT, **rest):
    axes = [axis("seed", [0, 1]), axis("optimizer.learning_rate", rates)]
    return engine.measure(study(made, axes=axes, **rest)).measured


@pytest.mark.parametrize("made", [SHORT, LONG], ids=["measure", "rounds"])
def test_a_diverging_lane_leaves_the_others_bit_identical(made):
    healthy = lanes([0.01, 0.1, 0.2], made)
    planted = lanes([0.01, 1e30, 0.2], made)
    for name in ("weights", "bias"):
        ours, theirs = getattr(planted["params"], name), getattr(healthy["params"], name)
        assert ours[:, [0, 2]].tobytes() == theirs[:, [0, 2]].tobytes()
        assert not np.array_equal(ours[:, 1], theirs[:, 1])


def test_the_order_of_the_data_is_shared_by_the_settings_of_a_seed():
    made = study(LONG, axes=[axis("optimizer.learning_rate", [0.1, 0.2, 0.3])])
    (cell,) = plan.cells(made)
    one = program.lane(made, cell, studies.load(None))
    columns = {"optimizer.learning_rate": jax.ShapeDtypeStruct((3,), np.float64)}
    shared = program._axes(one, columns, 3)
    assert shared == dict(key=None, step=None, params=studies.Params(0, 0))


def test_one_program_for_ten_learning_rates_and_the_code_is_traced_once():
    traced = []

    def measure(config, data, key):
        traced.append(config)
        return studies.measure(config, data, key)

    made = studies.module(studies.load, measure)
    found = engine.measure(
        study(made, axes=[axis("optimizer.learning_rate", list(np.geomspace(1e-3, 0.3, 10)))])
    )
    assert found.programs == 1
    assert len(traced) == 1


def test_a_structural_axis_compiles_once_a_value_and_pads_what_is_shorter():
    axes = [axis("optimizer.learning_rate", [0.05, 0.1]), axis("steps", [10, 20, 10])]
    found = engine.measure(study(LONG, axes=axes))
    assert found.programs == 2
    curve = found.measured["curve"]
    assert curve.shape == (2, 3, 4)
    assert np.isnan(curve[:, ::2, 2:]).all()
    assert np.isfinite(curve[:, 1]).all()
    np.testing.assert_array_equal(curve[:, 0], curve[:, 2])
    np.testing.assert_allclose(found.measured["loss"][1, 0], alone(0.1, 0, 10)["loss"], rtol=1e-12)
    np.testing.assert_allclose(found.measured["loss"][0, 1], alone(0.05, 0)["loss"], rtol=1e-12)


def test_results_of_unequal_shape_stand_lane_by_lane():
    def measure(config, data, key):
        return dict(params=[jnp.full((n,), config.noise) for n in range(1, config.steps)])

    made = studies.module(studies.load, measure)
    axes = [axis("steps", [2, 3]), axis("noise", [0.5, 0.25])]
    params = engine.measure(study(made, axes=axes)).measured["params"]
    assert params.shape == (2, 2)
    assert params.dtype == object
    assert [len(p) for p in params.ravel()] == [1, 1, 2, 2]
    np.testing.assert_array_equal(params[1, 0][1], [0.5, 0.5])


def test_a_zip_varies_its_paths_together():
    zipped = SweepAxis(("seed", "optimizer.learning_rate"), ((0, 0.1), (5, 0.01)))
    found = engine.measure(study(axes=[zipped]))
    assert found.programs == 1
    for i, (seed, rate) in enumerate(zipped.values):
        np.testing.assert_allclose(found.measured["loss"][i], alone(rate, seed)["loss"], rtol=1e-12)


def test_a_float_that_load_reads_changes_the_data():
    def load(config):
        return dict(x=np.arange(3.0) * config.noise, rows=3)

    def measure(config, data, key):
        assert data["rows"] == 3  # static: what is no array stays what it was
        return dict(total=data["x"].sum() + config.noise)

    made = studies.module(load, measure)
    found = engine.measure(study(made, axes=[axis("noise", [1.0, 2.0, 5.0])]))
    np.testing.assert_allclose(found.measured["total"], [4.0, 8.0, 20.0])
    assert found.programs == 1


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_precision_is_the_studys_alone(precision):
    before = jax.config.jax_enable_x64
    measured = engine.measure(study(LONG, precision=precision)).measured
    assert measured["params"].weights.dtype == precision
    assert measured["curve"].dtype == precision
    assert jax.config.jax_enable_x64 == before


@pytest.mark.parametrize(
    ("grid", "most", "workers", "cut"),
    [
        ((32, 32), 109, 2, (2, 32)),  # 16 tiles of 2 rows end before 11 of 3
        ((32, 32), 1000, 2, (16, 32)),
        ((32, 32), 50, 2, (1, 32)),
        ((3, 1), 100, 2, (2, 1)),
        ((1, 32), 100, 2, (1, 16)),  # one seed on two cores
        ((5, 7), 3, 4, (1, 3)),
    ],
)
def test_a_sweep_is_cut_so_that_all_workers_end_together(grid, most, workers, cut):
    assert plan.tiling(*grid, most, workers) == plan.Tiling(*cut)


def test_lanes_in_many_tiles_equal_lanes_in_one(monkeypatch):
    whole = lanes([0.01, 0.1, 0.2, 0.3, 0.02])
    monkeypatch.setattr(plan, "most_lanes", lambda *_: 2)
    monkeypatch.setattr(tiles, "_programs", OrderedDict())
    made = study(
        axes=[axis("seed", [0, 1]), axis("optimizer.learning_rate", [0.01, 0.1, 0.2, 0.3, 0.02])]
    )
    cut = engine.measure(made)
    assert cut.tiles == 6
    np.testing.assert_allclose(cut.measured["loss"], whole["loss"], rtol=1e-12)


def test_what_the_experiment_raises_is_named_as_its_own():
    def measure(config, data, key):
        raise RuntimeError("a slip")

    with pytest.raises(ExperimentError) as caught:
        engine.measure(study(studies.module(studies.load, measure)))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "measure" in str(caught.value)


def test_the_memory_of_a_lane_is_bounded_from_above():
    def loop(x):
        return jax.lax.fori_loop(0, 10, lambda _, y: y * 2 + 1, x @ jnp.ones((100, 10)))

    closed = jax.make_jaxpr(loop)(jax.ShapeDtypeStruct((1000, 100), np.float64))
    lowered = jax.jit(loop).lower(jax.ShapeDtypeStruct((1000, 100), np.float64)).compile()
    needs = lowered.memory_analysis()
    assert plan.live_bytes(closed.jaxpr) >= needs.temp_size_in_bytes + needs.output_size_in_bytes
    assert plan.hot_bytes(closed.jaxpr) < plan.live_bytes(closed.jaxpr)
    assert plan.hot_bytes(closed.jaxpr) >= 2 * 80_000


def test_a_pinned_sweep_is_cut_the_same_way_on_any_machine(monkeypatch):
    (cell,) = plan.cells(study(axes=[axis("seed", list(range(6)))]))

    def cuts():
        found = set()
        for cores, memory, processes, devices in ((1, 1 << 30, 1, 1), (8, 1 << 40, 3, 2)):
            monkeypatch.setattr(plan, "cores", lambda cores=cores: cores)
            monkeypatch.setattr(plan, "memory", lambda memory=memory: memory)
            job = Job()
            job.count = processes
            found.add(program.tiling(cell, plan.Size(100, 100), job, devices))
        return found

    monkeypatch.delenv("NPROC", raising=False)
    assert len(cuts()) == 2
    monkeypatch.setenv("NPROC", "4")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert len(cuts()) == 1


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="the options are XLA's for processors")
def test_options_of_programs_are_known_to_xla_and_do_what_they_are_for():
    matrix = jax.ShapeDtypeStruct((256, 256), np.float32)
    whole = jax.jit(lambda x: jax.numpy.sum(jax.numpy.exp(x @ x), axis=0)).lower(matrix)
    whole.compile(program.ONCE)
    text = whole.compile(program.ROUNDS | program.ONE_CORE).as_text()
    assert '"outer_dimension_partitions":["' not in text
    fused = re.findall(r"calls=(%\S+),.*__ynn_fusion", text)
    for name in fused:
        body = text[text.index(f"\n{name} (") :].partition("\n}")[0]
        assert re.findall(r" (\w[\w-]*)\(%", body) in (["dot"], ["bitcast", "dot"])


def test_an_experiment_without_a_docstring_has_its_name_as_title(tmp_path):
    bare = types.ModuleType("experiments_23.fit")
    vars(bare).update({name: value for name, value in vars(SHORT).items() if name[:2] != "__"})
    assert engine.execute(study(bare), tmp_path, True, False).title == "fit"
