"""Must show 5: of the primitives that JAX's public functions emit at least 95% are known."""

import json

import pytest

pytest.importorskip("flint")
from jaxmath.exact.primitives import ESTIMATED, REMARKS, primitives_table, share
from tests.exact import emitted

TABLE = json.loads(emitted.FILE.read_text("utf-8"))
KINDS = {name: row["kinds"] for name, row in TABLE["primitives"].items()}


def test_the_share_of_known_primitives():
    rows = primitives_table(KINDS)
    assert share(rows) >= 0.95, [row.name for row in rows if row.status == "missing"]
    assert len(rows) > 140
    assert {row.status for row in rows} >= {"proven", "estimated", "by JAX itself"}


def test_a_primitive_without_a_rule_is_missing():
    rows = primitives_table({**KINDS, "unheard_of": ["real"]})
    assert {row.name: row.status for row in rows}["unheard_of"] == "missing"
    assert share(rows) < share(primitives_table(KINDS))


def test_remarks_are_of_primitives_that_exist():
    assert set(REMARKS) <= set(KINDS) | {"random_gamma"}
    assert set(ESTIMATED) <= set(KINDS)


def test_one_module_traced_again_says_what_the_file_says():
    found = {}
    for name in ("betainc", "gammainc", "log_ndtr", "hyp2f1", "zeta"):
        fn = getattr(emitted.importlib.import_module("jax.scipy.special"), name)
        for primitive, kinds in emitted.trial("jax.scipy.special", name, fn).items():
            found.setdefault(primitive, set()).update(kinds)
    assert "igamma_grad_a" not in found or "igamma_grad_a" in KINDS
    assert "regularized_incomplete_beta" in found
    for primitive, kinds in found.items():
        assert kinds <= set(KINDS[primitive])


@pytest.mark.full
def test_the_file_is_what_tracing_all_functions_gives():
    assert emitted.collected() == TABLE
