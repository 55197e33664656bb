"""What every shipped experiment leaves can be compared, exported and shown."""

from pathlib import Path

import pytest

from jaxmath import lab
from jaxmath.report import comparison_page
from jaxmath.runs import comparison, exporting, overview
from tests.marks import long_but

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))
NAMES = [path.stem for path in CONFIGS if path.stem != "accuracy"]  # it takes minutes


@pytest.mark.parametrize("name", long_but({"linear_regression"}, NAMES))
def test_compared_exported_and_shown(name, tmp_path):
    path = next(path for path in CONFIGS if path.stem == name)
    run = lab.run(path, smoke=True, out=tmp_path)
    found = comparison.read([run.folder, run.folder])
    assert found.expectations[0].worst is None
    assert found.expectations[0].arrays > 0
    assert comparison.json(found)
    assert len(comparison_page.page(found, tmp_path)) < 2e6
    for to in ("csv", "tensorboard"):
        assert exporting.export(run.folder, to)
    assert len(run._repr_html_()) < 200_000
    assert [entry.outcome for entry in overview.entries(tmp_path)] == [run.exit.name]
