"""Random and quasi-random axes: published points, even ones, and the same ones for ever."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from jaxmath.config import reading
from jaxmath.config.designs import cube, marginal, words
from tests.lab.casebook import BASE, project

PATHS = ["optimizer.learning_rate", "penalty.strength", "optimizer.b1"]

# The table of the first points in two dimensions by Bratley and Fox (1988), in Gray code order.
SOBOL = [(0, 0), (4, 4), (6, 2), (2, 6), (3, 3), (7, 7), (5, 1), (1, 5)]
# Halton (1960): the radical inverses of 1, 2, ... in the bases 2 and 3.
HALTON = [(1 / 2, 1 / 3), (1 / 4, 2 / 3), (3 / 4, 1 / 9), (1 / 8, 4 / 9), (5 / 8, 7 / 9)]


def test_the_plain_sequences_are_the_published_ones():
    found = cube("sobol", PATHS[:2], 8, scrambled=False)
    np.testing.assert_array_equal(np.array(found).T, np.array(SOBOL) / 8)
    found = cube("halton", PATHS[:2], 5, scrambled=False)
    np.testing.assert_allclose(np.array(found).T, HALTON, rtol=1e-15)


def test_the_generator_is_philox():
    # The known answer of Salmon et al. for a counter and a key of zeros; NumPy counts from one.
    philox = np.random.Philox(key=0, counter=np.array([2**64 - 1] * 4, np.uint64))
    assert philox.random_raw(4).tolist() == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip


def test_the_numbers_of_today_are_those_of_tomorrow():
    assert words(7, "optimizer.learning_rate", 2) == [7977753434705708442, 851399136209250007]
    first = {
        "random": [0.43247488027308123, 0.046154439656517554, 0.2713903749022978],
        "sobol": [0.4324748800136149, 0.9324748800136149, 0.6824748800136149],
        "halton": [0.9324748802730812, 0.6824748802730812, 0.18247488027308112],
    }
    for design, expected in first.items():
        assert cube(design, PATHS[:2], 3, seed=7)[0] == expected


@pytest.mark.parametrize("design", ["sobol", "halton"])
@pytest.mark.parametrize("scrambled", [True, False])
@pytest.mark.parametrize("count", [64, 100])
def test_joint_designs_are_far_more_even_than_random_ones(design, scrambled, count):
    random = [qmc.discrepancy(np.array(cube("random", PATHS, count, seed)).T) for seed in range(20)]
    placed = [
        qmc.discrepancy(np.array(cube(design, PATHS, count, seed, scrambled)).T)
        for seed in range(20)
    ]
    assert max(placed) < 0.25 * np.median(random)
    assert max(placed) < 0.6 * min(random)


def test_a_scrambled_design_keeps_every_cell_of_a_net_filled_once():
    for seed in range(10):
        points = np.array(cube("sobol", PATHS[:2], 16, seed)).T
        for cells in ((16, 1), (8, 2), (4, 4), (2, 8), (1, 16)):
            assert len({tuple(row) for row in (points * cells).astype(int)}) == 16


def test_paths_and_seeds_have_numbers_of_their_own():
    together = cube("random", PATHS, 50, seed=3)
    alone = [cube("random", [path], 50, seed=3)[0] for path in PATHS]
    assert together == alone
    assert len({tuple(column) for column in together}) == 3
    assert cube("random", PATHS, 50, seed=4) != together
    for left, right in ((0, 1), (0, 2), (1, 2)):
        columns = cube("random", PATHS, 4000)
        assert abs(stats.spearmanr(columns[left], columns[right]).statistic) < 0.06
    assert cube("sobol", PATHS, 50)[:2] == cube("sobol", PATHS[:2], 50)
    assert cube("halton", PATHS, 9) == [column[:9] for column in cube("halton", PATHS, 20)]


@pytest.mark.parametrize(
    ("form", "numbers", "law"),
    [
        ("uniform", (2.0, 5.0), stats.uniform(2.0, 3.0)),
        ("loguniform", (1e-4, 1.0), stats.loguniform(1e-4, 1.0)),
        ("normal", (1.0, 2.0), stats.norm(1.0, 2.0)),
    ],
)
def test_marginals_are_scipys(form, numbers, law):
    (places,) = cube("random", ["x"], 2000, seed=1)
    found = marginal(form, *numbers, places)
    np.testing.assert_allclose(found, law.ppf(places), rtol=1e-12)
    assert stats.kstest(found, law.cdf).pvalue > 1e-3
    assert np.isfinite(marginal(form, *numbers, [2.0**-53, 1 - 2.0**-53])).all()


@pytest.fixture
def study(tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)

    def read(text, *overrides):
        (tmp_path / "case.toml").write_text(text)
        return reading.read("case.toml", overrides)

    return read


DESIGN = """
[sweep]
seed = [0, 1]
[sweep.sobol]
count = 16
seed = 5
rate = { loguniform = [1e-4, 1.0] }
"inner.slope" = { uniform = [0.1, 0.9] }
"""


def test_a_design_varies_its_paths_together(study):
    seeds, design = study(BASE + DESIGN).axes
    assert seeds.paths == ("seed",)
    assert design.paths == ("rate", "inner.slope")
    rates, slopes = cube("sobol", design.paths, 16, seed=5)
    expected = marginal("loguniform", 1e-4, 1.0, rates), marginal("uniform", 0.1, 0.9, slopes)
    assert design.values == tuple(zip(*expected, strict=True))


def test_the_resolved_config_holds_what_is_needed(study):
    first = study(BASE + DESIGN.replace("seed = 5\n", ""), "sweep.offset={normal=[0, 1, 3]}")
    assert first.resolved["sweep"]["sobol"]["seed"] == 0
    again = reading.read(first.resolved)
    assert again.axes == first.axes
    assert again.resolved == first.resolved


def test_words_of_the_command_line_reach_into_a_design(study):
    (_, design) = study(BASE + DESIGN, "sweep.sobol.count=4").axes
    assert len(design) == 4
    (_, rate, design) = study(BASE + DESIGN, "sweep.rate=[0.1, 0.2]").axes
    assert (rate.paths, design.paths) == (("rate",), ("inner.slope",))
    (seeds,) = study(BASE + DESIGN, "rate=0.5", "inner.slope=0.5").axes
    assert seeds.paths == ("seed",)


def test_axes_drawn_one_by_one_form_a_grid(study):
    text = BASE + "\n[sweep]\nrate = { uniform = [1, 2, 3] }\noffset = { uniform = [1, 2, 4] }\n"
    rate, offset = study(text).axes
    assert (len(rate), len(offset)) == (3, 4)
    assert rate.values != offset.values[:3]
    assert study(text).axes == (rate, offset)
    assert study(text, "sweep.rate={uniform=[1, 2, 3], seed=1}").axes[0].values != rate.values
