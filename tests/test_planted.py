"""Faults planted by machine: each must turn red exactly what it should, by name.

Every closed-form derivative of every formula is spoilt in several ways, every custom rule is
replaced by one with the same wrong derivative, samplers are made constant or one-sided, facts are
replaced by false ones.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import domains, losses, verify
from jaxmath.domains import Box, Choices, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Concave,
    Conjugate,
    Convex,
    Decreasing,
    Even,
    Increasing,
    Lipschitz,
    Minimizer,
    Odd,
    Proper,
    Prox,
    Smooth,
    StronglyConvex,
    with_rule,
)
from jaxmath.verify import facts, opinions, sampling
from jaxmath.verify.compare import compare
from jaxmath.verify.laws import evidence, facts_hold, first_derivatives, sampler_covers

ORDINARY = {
    *(f.name for f in (*losses.REGRESSION, *losses.CLASSIFICATION, *losses.PENALTIES)),
    "sigmoid",
}
"""What the ordinary tests plant faults in; the long ones take every formula."""


def tier(formula):
    return () if formula.name in ORDINARY else pytest.mark.full


each_formula = pytest.mark.parametrize(
    "formula", [pytest.param(f, id=f.name, marks=tier(f)) for f in verify.FORMULAS]
)

SPOIL = {
    "one in a million": lambda d: jax.tree.map(lambda leaf: leaf * (1 + 1e-6), d),
    "sign": lambda d: jax.tree.map(lambda leaf: -leaf, d),
    "zero": lambda d: jax.tree.map(jnp.zeros_like, d),
}


def spoilt(function, fault):
    return lambda *args: SPOIL[fault](function(*args))


def verdicts(report):
    return {row.arguments: row.verdict for row in report.rows}


def expect_only(report, usual, arguments):
    """Exactly one row turned from green to red, and the closed form is named in it."""
    found = verdicts(report)
    assert found[arguments] == "disagree", f"{report.name} {arguments} was not caught"
    assert {k: v for k, v in found.items() if k != arguments} == {
        k: v for k, v in usual.items() if k != arguments
    }
    row = report.row(*arguments)
    assert set(row.blame) & {"closed form", "closed form or JAX"}, row
    assert report.name in str(report)
    assert row.name in str(report)


@each_formula
def test_a_wrong_partial_is_found_and_named(formula):
    e = evidence(formula, "float64")
    usual = verdicts(compare(e))
    for index, name in enumerate(e.lay.wrt):
        if name not in e.closed:  # the record has no closed form in this argument
            continue
        for fault in SPOIL:
            if formula.vjp is not None:

                def vjp(*args, index=index, fault=fault):
                    parts = list(formula.vjp(*args))
                    parts[index] = SPOIL[fault](parts[index])
                    return tuple(parts)

                wrong = dataclasses.replace(formula, vjp=vjp)
            else:
                partial = spoilt(formula.partials[name], fault)
                if not np.any(np.nan_to_num(e.closed[name])):  # a zero has no sign or factor

                    def partial(*args, name=name):
                        return formula.partials[name](*args) + 1e-3

                wrong = dataclasses.replace(formula, partials={**formula.partials, name: partial})
            closed = opinions.closed_first(wrong, e.lay, e.args)
            assert not np.array_equal(closed[name], e.closed[name])
            expect_only(compare(dataclasses.replace(e, closed=closed)), usual, (name,))


@each_formula
def test_a_wrong_second_is_found_and_named(formula):
    e = evidence(formula, "float64")
    usual = verdicts(compare(e))
    for pair in formula.seconds:
        row = pair if pair in e.closed_seconds else pair[::-1]
        for fault in SPOIL:
            seconds = {**formula.seconds, pair: spoilt(formula.seconds[pair], fault)}
            if not np.any(np.nan_to_num(e.closed_seconds[row])):  # a zero has no sign or factor
                seconds[pair] = lambda *args, p=pair: formula.seconds[p](*args) + 1e-3
            wrong = dataclasses.replace(formula, seconds=seconds)
            closed = opinions.closed_second(wrong, e.lay, e.args)
            expect_only(compare(dataclasses.replace(e, closed_seconds=closed)), usual, row)


def rule_with_fault(formula, name, fault, zero):
    """The formula with a custom rule that is wrong in one argument, and that agrees with itself."""
    wrong = spoilt(formula.partials[name], fault)
    if zero:  # has no sign or factor

        def wrong(*args):
            return formula.partials[name](*args) + 1e-3

    partials = {**formula.partials, name: wrong}
    plain = formula.plain or formula.fn
    return dataclasses.replace(
        formula,
        fn=with_rule(plain, **partials),
        plain=plain,
        partials=partials,
        label=formula.name,
    )


# A rule is bound to arrays; the gradients of models are in pytrees.
RULED = [
    f
    for f in verify.FORMULAS
    if f.partials and all(domains.is_domain(domain) for domain in f.domain.values())
]


@pytest.mark.parametrize(
    ("formula", "fault"),
    [
        pytest.param(
            f, fault, marks=tier(f) if fault == "one in a million" else pytest.mark.full,
            id=f"{f.name}-{fault}",
        )
        for f in RULED
        for fault in SPOIL
    ],
)  # fmt: skip
def test_a_custom_rule_with_the_same_wrong_derivative_is_found(formula, fault):
    e = evidence(formula, "float64")
    before = compare(dataclasses.replace(e, second=None))
    usual = verdicts(before)
    for name in formula.partials:
        wrong = rule_with_fault(formula, name, fault, not np.any(np.nan_to_num(e.closed[name])))
        auto = opinions.autodiff(wrong.fn, e.lay, e.theta, e.fixed, seconds=False)
        closed = opinions.closed_first(wrong, e.lay, e.args)
        same = dataclasses.replace(e, formula=wrong, auto=auto, closed=closed, second=None)
        report = compare(same)
        expect_only(report, usual, (name,))
        # All of them say the same wrong thing, and only the reference knows better.
        assert set(report.row(name).blame) == {"closed form", "reverse mode", "forward mode"}

        # The rule alone is wrong: the closed form is acquitted, but where it was to blame before.
        blame = compare(dataclasses.replace(same, closed=e.closed)).row(name).blame
        assert blame.keys() >= {"reverse mode", "forward mode"}
        assert blame.get("closed form", 0) <= before.row(name).blame.get("closed form", 0)


def test_a_law_names_formula_and_argument():
    formula = next(f for f in verify.FORMULAS if f.name == "huber")
    wrong = dataclasses.replace(
        formula,
        partials={**formula.partials, "delta": spoilt(formula.partials["delta"], "sign")},
    )
    findings = first_derivatives(wrong, "float64")
    assert [(f.formula, f.law, f.argument) for f in findings] == [
        ("huber", "first_derivatives", "delta")
    ]


def leaves_of_domains():
    """Every domain of more than one element."""
    found = {}
    for formula in verify.FORMULAS:
        for domain in formula.domain.values():
            for leaf in jax.tree.leaves(domain, is_leaf=domains.is_domain):
                if len(np.unique(leaf.edges("float64"))) > 1:
                    found[str(leaf)] = leaf
    return list(found.values())


def with_sampler(leaf, sample):
    """The same domain, of a class of its own that samples in another way."""
    spoilt_class = type("Spoilt", (type(leaf),), {"sample": sample})
    return spoilt_class(**{f.name: getattr(leaf, f.name) for f in dataclasses.fields(leaf)})


def constant(self, rng, count, dtype):
    del rng
    return np.broadcast_to(self.edges(dtype)[0], (count, *self.shape))


@pytest.mark.parametrize("leaf", leaves_of_domains(), ids=str)
def test_a_constant_sampler_is_found(leaf):
    assert sampling.gaps(leaf, "float64") == ()
    assert sampling.gaps(with_sampler(leaf, constant), "float64") != ()


@pytest.mark.parametrize(
    "leaf", [d for d in leaves_of_domains() if isinstance(d, Interval)], ids=str
)
def test_half_a_sampler_is_found(leaf):
    whole = type(leaf)
    low, high = leaf.limits("float64")
    middle = 0.0 if low < 0 < high else (low + min(high, 10.0)) / 2

    def half(self, rng, count, dtype):
        drawn = whole.sample(self, rng, count, dtype)
        return np.where(drawn > middle, middle, drawn)

    def ordinary(self, rng, count, dtype):
        del self
        return rng.uniform(max(low, -10.0), min(high, 10.0), count).astype(dtype)

    for sample in (half, ordinary):
        assert sampling.gaps(with_sampler(leaf, sample), "float64") != ()


@each_formula
def test_a_constant_sampler_is_found_in_its_argument(formula):
    name = next(iter(formula.domain))
    domain = jax.tree.map(
        lambda leaf: with_sampler(leaf, constant), formula.domain[name], is_leaf=domains.is_domain
    )
    wrong = dataclasses.replace(formula, domain={**formula.domain, name: domain})
    findings = sampler_covers(wrong, "float64")
    assert findings
    assert {(f.formula, f.argument) for f in findings} == {(formula.name, name)}


OPPOSITE = {
    Convex: lambda f, _: Concave(f.argument),
    Concave: lambda f, _: Convex(f.argument),
    Increasing: lambda f, _: Decreasing(f.argument),
    Decreasing: lambda f, _: Increasing(f.argument),
    Even: lambda f, _: Odd(f.argument),
    Odd: lambda f, _: Even(f.argument),
    Lipschitz: lambda f, _: Lipschitz(f.argument, quarter(f.constant)),
    Smooth: lambda f, _: Smooth(f.argument, quarter(f.constant)),
    StronglyConvex: lambda f, _: StronglyConvex(f.argument, times(4, f.constant)),
    Minimizer: lambda f, _: Minimizer(f.argument, lambda *args: beyond(f.at, args)),
    Proper: lambda f, _: dataclasses.replace(f, labels=f.labels[::-1]),
    Conjugate: lambda f, _: Conjugate(f.argument, fn=lambda *args: f.fn(*args) + 1),
    Prox: lambda f, _: Prox(f.argument, fn=lambda step, *args: f.fn(2 * step, *args)),
    Bounded: lambda f, values: Bounded(f.argument, low=float(np.nanquantile(values, 0.75))),
}


def quarter(constant_):
    return times(0.25, constant_)


def times(factor, constant_):
    if callable(constant_):
        return lambda *args: factor * constant_(*args)
    return factor * constant_


def beyond(at, args):
    """A place away from the true minimiser, on the side of zero that a margin must not leave.

    Every entry of a vector moves by another distance: what only differences count for, as well.
    """
    place = jnp.asarray(at(*args) if callable(at) else at)
    largest = max((jnp.asarray(a) for a in args), key=jnp.size)
    places = jnp.arange(1, jnp.shape(largest)[0] + 1) if jnp.ndim(largest) == 1 else 1.0
    return 0.5 * place + 0.25 * places


def affine(e, argument):
    """Whether the reference sees no bend and no kink in an argument anywhere."""
    own = e.lay.columns(argument)
    bend, bar = e.second.value[:, :, own, own], e.second.error[:, :, own, own]
    return not (np.abs(bend) > bar).any() and not e.first.kink[:, :, own].any()


@pytest.mark.parametrize(
    ("formula", "fact"),
    [
        pytest.param(f, fact, id=f"{f.name}-{fact.name}-{fact.argument}", marks=tier(f))
        for f in verify.FORMULAS
        for fact in f.facts
    ],
)
def test_a_false_fact_is_found_in_its_argument(formula, fact):
    e = evidence(formula, "float64")
    false = OPPOSITE[type(fact)](fact, e.auto.value)
    both = affine(e, fact.argument) and isinstance(fact, Convex | Concave | Smooth)
    wrong = dataclasses.replace(e, formula=dataclasses.replace(formula, facts=(false,)))
    found = list(facts.broken_facts(wrong))
    assert [(f.argument, f.name) for f, _ in found] == (
        [] if both else [(false.argument, false.name)]
    )


def test_a_false_fact_is_reported_by_its_law():
    formula = next(f for f in verify.FORMULAS if f.name == "huber")
    wrong = dataclasses.replace(formula, facts=(*formula.facts, Convex("delta")))
    findings = facts_hold(wrong, "float64")
    assert [(f.formula, f.argument) for f in findings] == [("huber", "delta")]


def test_domains_of_labels_are_covered_too():
    kinds = {type(leaf) for leaf in leaves_of_domains()}
    assert {Interval, Box, Choices, Integers} <= kinds
