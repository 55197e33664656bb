"""`verify.check`: whatever can be called; what a test says, and what a notebook shows."""

import functools
import html.parser
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxmath import domains, verify
from jaxmath.domains import POSITIVE, REAL, Box, Integers, Interval
from jaxmath.verify.given import QuestionError, as_formula
from jaxmath.verify.summary import summary
from tests.marks import long_but

pytest.importorskip("flint")
SMALL = Interval(-3.0, 3.0)


def power(x, scale=1.0, *, exponent=2.0):
    return scale * x**exponent


class Holder:
    """An object that can be called and, like a module that holds arrays, has no hash."""

    __hash__ = None

    def __init__(self):
        self.weights = jnp.array([2.0, -1.0])

    def __call__(self, x):
        return self.weights @ x


def trap(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


def naive(x):
    return jnp.log(1 + jnp.exp(x))


@pytest.mark.parametrize(
    ("function", "domain", "names"),
    [
        (power, dict(x=REAL), ("x",)),
        (power, dict(exponent=REAL, x=POSITIVE), ("x", "exponent")),
        (functools.partial(power, exponent=3.0), None, ("x",)),
        (lambda x, *, y: x * y, dict(y=REAL), ("x", "y")),
        (jnp.add, dict(a=REAL, b=REAL), ("a", "b")),
        (Holder(), dict(x=Box((2,))), ("x",)),
        (lambda **named: named["a"] + 1.0, dict(a=REAL), ("a",)),
    ],
)
def test_whatever_can_be_called(function, domain, names):
    if names == ("a",):
        with pytest.raises(QuestionError, match="no argument a"):
            as_formula(function, domain)
        return
    formula, assumed = as_formula(function, domain)
    assert formula.arguments == names
    assert assumed is (domain is None)
    jax.eval_shape(formula.fn, *(jnp.ones(d.shape) for d in formula.domain.values()))


@pytest.mark.parametrize(
    ("function", "domain", "words"),
    [
        (lambda x: x > 0, None, "returns bool: only real numbers"),
        (lambda x: x * 1j, None, "returns complex"),
        (lambda x: None, None, "returns no number"),
        (lambda: 1.0, None, "no argument without a default"),
        (power, dict(y=REAL), "power has no argument y; it has x, scale, exponent"),
    ],
)
def test_what_cannot_be_verified_is_refused_in_a_sentence(function, domain, words):
    with pytest.raises(QuestionError, match=words):
        as_formula(function, domain)


def test_defaults_are_kept_and_keywords_are_passed_by_name():
    fn = as_formula(power, dict(exponent=REAL, x=POSITIVE))[0].fn
    assert fn(3.0, 4.0) == 81.0
    fn = as_formula(power, dict(x=REAL))[0].fn
    assert fn(3.0) == 9.0


@pytest.mark.full
def test_pytrees_and_what_is_optax():
    def descended(params, rate):
        optimizer = optax.sgd(rate, momentum=0.5)
        state = optimizer.init(params)
        slopes = jax.grad(lambda p: jnp.sum(p["w"] ** 2) + p["b"][0] ** 2)(params)
        updates, _ = optimizer.update(slopes, state, params)
        return optax.apply_updates(params, updates)

    params = dict(w=np.ones(2), b=(0.5,))
    domain = dict(params=domains.like(params, SMALL), rate=Interval(0.01, 0.1))
    verdict = verify.check(descended, domain=domain, budget=24)
    assert verdict.ok, str(verdict)
    assert "params in {b.0: (-3, 3), w: (-3, 3)^2}" in str(verdict).splitlines()[0]


def test_the_domain_of_a_pytree():
    assert domains.like(dict(f=jnp.tanh, n=3)) == dict(f=None, n=REAL)
    assert domains.like(np.ones(2, int), Integers(0, 3)) == Box((2,), Integers(0, 3))


def test_equinox():
    eqx = pytest.importorskip("equinox")
    model = eqx.nn.MLP(2, 1, 3, 1, activation=jnp.tanh, key=jax.random.key(0))
    params, static = eqx.partition(model, eqx.is_inexact_array)
    domain = dict(params=domains.like(params, Interval(-1.0, 1.0)), x=Box((2,), SMALL))
    verdict = verify.check(
        lambda params, x: eqx.combine(params, static)(x), domain=domain, budget=8
    )
    assert "NaN or infinite" not in verdict.counts
    assert verdict.shares["proven"] == 1
    assert verify.check(model, domain=dict(x=Box((2,), SMALL)), budget=8).ok


def test_flax():
    linen = pytest.importorskip("flax.linen")
    model = linen.Dense(1)
    params = model.init(jax.random.key(0), jnp.ones(2))
    domain = dict(params=domains.like(params, SMALL), x=Box((2,), SMALL))
    verdict = verify.check(lambda params, x: model.apply(params, x), domain=domain, budget=8)
    assert verdict.ok, str(verdict)


def test_a_convention_can_be_declared():
    assert verify.check(jax.nn.relu, domain=dict(x=SMALL), convention="left", budget=40).ok
    verdict = verify.check(jax.nn.relu, domain=dict(x=SMALL), convention="right", budget=40)
    assert {f.kind for f in verdict.faults} == {"another convention"}
    assert "convention: left, declared: right" in str(verdict)


def test_an_assertion_says_what_to_mend_or_to_declare():
    with pytest.raises(AssertionError) as raised:
        verify.assert_derivatives(trap, budget=30)
    told = str(raised.value)
    assert "d/dx by reverse mode: NaN or infinite at x=-" in told
    assert "state where the function is used, domain=dict(x=...)" in told


@pytest.mark.full
def test_an_assertion_knows_what_can_be_declared():
    with pytest.raises(AssertionError, match="declare stop_gradients=True"):
        verify.assert_derivatives(lambda x: x * jax.lax.stop_gradient(x), budget=20)
    with pytest.raises(AssertionError, match="allow larger errors, limit="):
        verify.assert_derivatives(naive, domain=dict(x=Interval(-20.0, 20.0)), budget=40)
    verify.assert_derivatives(naive, domain=dict(x=Interval(-20.0, 20.0)), budget=40, limit=1e9)


def test_without_flint_the_comparison_serves(monkeypatch):
    class Asked(Exception):
        pass

    def compare(function, **asked):
        raise Asked(asked)

    monkeypatch.setattr("jaxmath.verify.checking.derivatives", compare)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Asked) as asked:
        verify.check(jnp.sin, order=2, budget=20)
    assert asked.value.args[0]["points"] == 20
    assert asked.value.args[0]["seconds"] is True


@pytest.mark.parametrize("quick", long_but([False], [True, False]))
def test_a_closed_form_is_judged_by_both(quick):
    analytic = dict(x=lambda x: 2.0001 * x)
    found = verify.check(
        lambda x: x**2, domain=dict(x=SMALL), analytic=analytic, quick=quick, budget=20
    )
    assert not found.ok
    assert "closed form" in str(found)


class Tags(html.parser.HTMLParser):
    """What stands in a page, and whether each element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("img", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_notebook_shows_a_table_and_nothing_that_runs():
    def evil(x):
        return trap(x)

    evil.__name__ = "<script>alert(1)</script>"
    points = dict(x=np.array([-1.0, 1.0]))
    for found in (
        verify.examine(evil, budget=8),
        verify.derivatives(evil, points=points, seconds=False),
    ):
        page = found._repr_html_()
        tags = Tags(page)
        assert "table" in tags.seen
        assert "script" not in tags.seen
        assert "&lt;script&gt;" in page
        assert "color:" not in page.replace("background-color:", "")  # the notebook's own colours


def test_a_summary_says_it_in_plain_words():
    told = summary(verify.examine(trap, budget=30))
    assert told.state == "wrong"
    assert "d/dx by reverse mode is NaN or infinite where the truth is a number" in told.sentence
    assert told.entries[0].truth == "0"
    right = summary(verify.examine(jnp.sin, domain=dict(x=SMALL), budget=10))
    assert right.state == "right"
    assert not right.entries


def test_the_errors_of_all_that_was_judged_are_kept():
    verdict = verify.examine(naive, domain=dict(x=Interval(-40.0, 40.0)), budget=40)
    data = verdict.data
    assert len({len(column) for column in data.values()}) == 1
    worst = np.nanargmax(np.where(data["order"] == 0, data["ulps"], np.nan))
    assert data["ulps"][worst] > 1e6
    assert -40 <= data["x"][worst] < -20
    again = json.loads(json.dumps(verdict.to_dict()))
    assert "data" not in again
