"""Facts by enclosures over boxes: true ones proven, false ones refuted by witnesses that hold."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import verify
from jaxmath.domains import POSITIVE, REAL, SIGN, Box, Integers, Interval
from jaxmath.formula import (
    Bounded,
    Concave,
    Convex,
    Decreasing,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    Source,
    StronglyConvex,
)

pytest.importorskip("flint")

from jaxmath.exact.boxes import LOST, Boxed
from jaxmath.verify import inequalities

SQUARE = Box((2,), Interval(-2.0, 2.0, (True, True)))
CUBE = Box((3,), Interval(-2.0, 2.0, (True, True)))
QUICK = (
    *("absolute_error", "hinge", "huber", "l1", "l2", "log_cosh", "log_sigmoid", "logistic"),
    *("pinball", "relu", "sigmoid", "softplus", "squared_error", "tanh"),
)
KINDS = (Convex, Concave, StronglyConvex, Lipschitz, Smooth, Increasing, Decreasing)
OPEN = {("huber", "lipschitz", "delta"), ("huber", "lipschitz", "residual")}
OPEN |= {("pinball", "lipschitz", "quantile")}
"""Facts whose inequality is an equality along a seam, or everywhere: no box round it decides."""


def record(fn, partials=None, where=None, **domain):
    return Formula(
        fn=fn, domain=domain, tex="", source=Source(""), topic="", partials=partials or {},
        where=where,
    )  # fmt: skip


def ours(name):
    return next(f for f in verify.FORMULAS if f.name == name)


@pytest.mark.parametrize(
    ("formula", "fact"),
    [
        pytest.param(f, fact, id=f"{f.name}-{fact.name}-{fact.argument}")
        for f in map(ours, QUICK)
        for fact in f.facts
        if isinstance(fact, KINDS) and (f.name, fact.name, fact.argument) not in OPEN
    ],
)
def test_facts_of_ours_hold_over_all_numbers(formula, fact):
    proof = verify.prove(formula, fact)
    assert (proof.outcome, proof.undecided, proof.trials) == ("proven", 0.0, 0), str(proof)
    ends = [leaf.limits(np.float64) for leaf in intervals(formula)]
    assert [(low, high) for _, low, high in proof.covered] == ends


def intervals(formula):
    for domain in formula.domain.values():
        one = domain.of if isinstance(domain, Box) else domain
        if isinstance(one, Interval):
            yield from [one] * math.prod(domain.shape)


def quadratic(matrix):
    a = np.array(matrix)
    return lambda x: jnp.sum(x * (a @ x)) / 2


@pytest.mark.parametrize(
    ("fn", "domain", "fact"),
    [
        (lambda x: jnp.maximum(x * x, 2 * x + 1), REAL, Convex("x")),
        (lambda x: jnp.minimum(x, 1.0) - jnp.abs(x), REAL, Concave("x")),
        (lambda x: x + x**3, Interval(-1e6, 1e6), Increasing("x")),
        (lambda x: jnp.sin(x), Interval(-8.0, 8.0), Lipschitz("x", 1.0)),
        (lambda x: jnp.exp(-x), Interval(0.0, 30.0), Decreasing("x")),
        (quadratic([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]), Box((3,)), Convex("x")),
        (quadratic([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]), Box((3,)), Smooth("x", 4.0)),
        (quadratic([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]), Box((3,)), Smooth("x", 3.4143)),
        (quadratic([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]), Box((3,)), StronglyConvex("x", 0.5857)),
        (lambda x: jnp.abs(x) + x * x, REAL, StronglyConvex("x", 2.0)),
        (lambda x: x[0] ** 2 / x[1], Box((2,), Interval(1.0, 4.0)), Lipschitz("x", 20.0)),
        (lambda x: jnp.sqrt(1 + jnp.sum(x * x)), Box((2,), Interval(-0.25, 0.25)), Convex("x")),
        (lambda x: jnp.maximum(x[0] + x[1], 0) + jnp.abs(x[0] - x[1]), Box((2,)), Convex("x")),
    ],
)
def test_true_facts_are_proven(fn, domain, fact):
    proof = verify.prove(record(fn, x=domain), fact)
    assert (proof.outcome, proof.undecided) == ("proven", 0.0), str(proof)


FALSE = {
    "sigmoid convex": (jax.nn.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), REAL, Convex("x")),
    "tanh 0.99": (jnp.tanh, mp.tanh, REAL, Lipschitz("x", 0.99)),
    "tanh 1 - 1e-9": (jnp.tanh, mp.tanh, REAL, Lipschitz("x", 1 - 1e-9)),
    "log cosh 0.9": (
        lambda x: jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x))),
        lambda x: mp.log(2 * mp.cosh(x)),
        REAL,
        Smooth("x", 0.9),
    ),
    "square 2.001": (lambda x: x * x, lambda x: x * x, REAL, StronglyConvex("x", 2.001)),
    "kink between wells": (
        lambda x: x * x - jnp.abs(x),
        lambda x: x * x - abs(x),
        REAL,
        StronglyConvex("x", 1.0),
    ),
    "indefinite by little": (
        quadratic([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]),
        lambda x, y, z: x**2 + y**2 + z**2 + x * y + y * z,
        Box((3,)),
        StronglyConvex("x", 0.5859),
    ),
    "two wells": (lambda x: x**4 - x**2, lambda x: x**4 - x**2, REAL, Convex("x")),
    "saddle": (lambda x: x[0] * x[1], lambda x, y: x * y, Box((2,)), Convex("x")),
    "saddle concave": (lambda x: x[0] * x[1], lambda x, y: x * y, Box((2,)), Concave("x")),
    "indefinite": (
        quadratic([[2.0, 0, 0], [0, 2, 3], [0, 3, 2]]),
        lambda x, y, z: x**2 + y**2 + z**2 + 3 * y * z,
        Box((3,)),
        Convex("x"),
    ),
    "norm 3.9": (
        quadratic([[2.0, 2, 0], [2, 2, 0], [0, 0, 1]]),
        lambda x, y, z: x**2 + y**2 + 2 * x * y + z**2 / 2,
        Box((3,)),
        Smooth("x", 3.9),
    ),
    "gradient 1.9": (
        lambda x: x[0] ** 2 / x[1],
        lambda x, y: x**2 / y,
        Box((2,), Interval(1.0, 2.0)),
        Lipschitz("x", 1.9),
    ),
    "kink downwards": (lambda x: -jnp.abs(x), lambda x: -abs(x), REAL, Convex("x")),
    "kink off zero": (
        lambda x: jnp.minimum(x, 0.3),
        lambda x: min(x, mp.mpf(0.3)),
        REAL,
        Convex("x"),
    ),
    "step": (
        lambda x: jnp.where(x > 0.3, 1.0, 0.0),
        lambda x: mp.mpf(x > mp.mpf(0.3)),
        REAL,
        Lipschitz("x", 5.0),
    ),
    "step down": (
        lambda x: jnp.where(x > 0.3, 0.0, 1.0),
        lambda x: 1 - mp.mpf(x > mp.mpf(0.3)),
        REAL,
        Increasing("x"),
    ),
    "falls slowly": (lambda x: -0.001 * x, lambda x: mp.mpf(-0.001) * x, REAL, Increasing("x")),
    "square increasing": (lambda x: x * x, lambda x: x * x, REAL, Increasing("x")),
    "cube decreasing": (lambda x: x**3, lambda x: x**3, REAL, Decreasing("x")),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_facts_are_refuted_by_a_witness_that_holds(name):
    fn, truth, domain, fact = FALSE[name]
    proof = verify.prove(record(fn, x=domain), fact)
    assert proof.outcome == "refuted", str(proof)
    witness = proof.witness
    assert witness is not None
    with mp.workdps(60):
        measured, allowed = confirmed(witness, truth, fact)
        assert abs(measured - witness.measured) <= 1e-9 * abs(measured)
        if isinstance(fact, Lipschitz | Smooth):
            assert abs(measured) > allowed > 0
        elif isinstance(fact, StronglyConvex):
            assert measured < allowed > 0
        else:
            assert measured * (-1 if isinstance(fact, Concave | Decreasing) else 1) < 0


def confirmed(witness, truth, fact):
    """What the fact compares, by mpmath and the definition, at the points of the witness."""
    points = [[mp.mpf(v) for v in point["x"]] for point in witness.points]
    constant = mp.mpf(getattr(fact, "constant", 0))
    if len(points) == 1:
        way = [mp.mpf(v) for v in witness.direction]
        length = mp.sqrt(sum(v * v for v in way))
        order = 1 if isinstance(fact, Increasing | Decreasing | Lipschitz) else 2

        def line(t):
            return truth(*(x + t * v / length for x, v in zip(points[0], way, strict=True)))

        size = max([mp.mpf(1), *map(abs, points[0])]) * mp.mpf(10) ** -15
        found = mp.diff(line, 0, order, h=size)
        return (abs(found) if isinstance(fact, Lipschitz | Smooth) else found), constant
    low, high = points
    far = mp.sqrt(sum((a - b) ** 2 for a, b in zip(low, high, strict=True)))
    if isinstance(fact, Convex | Concave | StronglyConvex):
        middle = truth(*((a + b) / 2 for a, b in zip(low, high, strict=True)))
        return (truth(*low) + truth(*high)) / 2 - middle, constant * far**2 / 8
    change = truth(*high) - truth(*low)
    return (abs(change), constant * far) if constant else (change, constant)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x, y: jnp.tanh(x) * jnp.exp(y) + jnp.logaddexp(x, y),
        lambda x, y: jnp.abs(x - y) + jnp.maximum(x * y, jnp.sin(y)) * x,
        lambda x, y: jnp.clip(x, -1.0, y * y) ** 3 + jax.nn.softplus(x * y),
        lambda x, y: jnp.sqrt(9 + x * y) / (8 + x - y) + jax.lax.rsqrt(9 + x + y),
    ],
)
def test_enclosures_hold_every_point_of_the_box(fn):
    rng = np.random.default_rng(1)
    boxed = Boxed(fn, (0.0, 0.0), [(0, 0), (1, 0)])
    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(fn, (0, 1)))
        bends = jax.jit(jax.hessian(fn, (0, 1)))
        for _ in range(12):
            low = rng.uniform(-2, 2, 2)
            box = [(a, a + w) for a, w in zip(low, rng.uniform(0.01, 1.0, 2), strict=True)]
            try:
                found = boxed.branches(box, 2, [(0, 0), (1, 1), (0, 1)])
            except LOST:
                continue
            for x, y in rng.uniform(low, [b for _, b in box], (20, 2)):
                first, second = slopes(x, y), bends(x, y)
                assert any(
                    all(near(local.slopes[0][j], first[j]) for j in (0, 1))
                    and all(
                        near(local.bends[0][j][k], second[j][k]) for j in (0, 1) for k in (0, 1)
                    )
                    for _, local in found
                )


def near(ball, number):
    """Whether a float is in a ball, up to its own rounding."""
    gap = 1e-9 * (1 + abs(float(number)))
    return float(ball.lower()) - gap <= float(number) <= float(ball.upper()) + gap


def test_a_seam_counts_where_the_branches_themselves_do_not():
    # Both branches of min(x, 0) are convex; what the kink does is seen by the seam alone.
    fn = lambda x: jnp.minimum(x, 0.0)  # noqa: E731
    boxed = Boxed(fn, (0.0,), [(0, 0)])
    ((kind, moved),) = boxed.seams([(-1.0, 1.0)])
    assert (kind, float(moved[0])) == (-1, 1.0)
    assert boxed.seams([(1.0, 2.0)]) == []
    assert verify.prove(record(fn, x=REAL), Convex("x")).outcome == "refuted"
    assert verify.prove(record(fn, x=REAL), Concave("x")).outcome == "proven"


def test_where_series_do_not_reach_the_closed_form_is_asked():
    softplus = ours("softplus")
    proof = verify.prove(softplus, Smooth("x", 0.25))
    assert proof.closed_form
    assert "closed form" in str(proof)
    bare = dataclasses.replace(softplus, partials={}, seconds={})
    assert verify.prove(bare, Smooth("x", 0.25), budget=1000).outcome != "refuted"


def test_a_constant_may_be_a_function_of_the_arguments():
    fn = lambda x, slope: slope * jnp.tanh(x)  # noqa: E731
    formula = record(fn, x=REAL, slope=Interval(1.0, 3.0))
    assert verify.prove(formula, Lipschitz("x", lambda x, slope: 1.1 * slope)).outcome == "proven"
    proof = verify.prove(formula, Lipschitz("x", lambda x, slope: 0.9 * slope))
    assert proof.outcome == "refuted"
    point = proof.witness.points[0]
    (x,), (slope,) = point["x"], point["slope"]
    assert slope * (1 - math.tanh(x) ** 2) > 0.9 * slope


def test_a_witness_meets_the_relations_between_arguments():
    fn = lambda x, y: (x - y) ** 3  # noqa: E731
    formula = record(fn, where=lambda x, y: x > y, x=Interval(-4.0, 4.0), y=Interval(-4.0, 4.0))
    proof = verify.prove(formula, Convex("x"), budget=600)
    assert proof.outcome == "no counterexample"
    proof = verify.prove(formula, Concave("x"))
    assert proof.outcome == "refuted"
    point = proof.witness.points[0]
    assert point["x"][0] > point["y"][0]


def test_labels_are_all_looked_at():
    fn = lambda x, label: jnp.where(label < 0, x * x, -x * x)  # noqa: E731
    assert verify.prove(record(fn, x=REAL, label=SIGN), Convex("x")).outcome == "refuted"


def test_too_many_coordinates_are_tried_at_points():
    fn = lambda w: jnp.sum(w * w)  # noqa: E731
    proof = verify.prove(record(fn, w=Box((5,))), Convex("w"))
    assert (proof.outcome, proof.boxes, proof.covered) == ("no counterexample", 0, ())
    assert str(proof) == (
        "<lambda> convex in w: no counterexample in 256 trials "
        "(5 coordinates are too many to divide)"
    )
    assert verify.prove(record(lambda w: -fn(w), w=Box((5,))), Convex("w")).outcome == "refuted"


def test_what_is_unsound_on_boxes_is_not_proven():
    # The incomplete gamma function is enclosed at points only.
    fn = lambda x: jax.scipy.special.gammainc(2.0, x)  # noqa: E731
    proof = verify.prove(record(fn, x=Interval(0.5, 4.0)), Increasing("x"), budget=200)
    assert proof.outcome == "no counterexample"
    # The meaning of a call that may take a midpoint for the number is none on a box.
    with pytest.raises(LOST):
        Boxed(jax.scipy.special.gamma, (0.0,), [(0, 0)]).along([(1.2, 1.4)], {0: 1}, 1, {})


def test_the_answer_depends_on_the_budget_alone():
    few, again = (verify.prove(ours("gelu"), Smooth("x", 0.8), budget=60) for _ in range(2))
    assert few == again
    assert (few.outcome, few.trials) == ("no counterexample", 256)


def test_other_facts_have_no_enclosure():
    with pytest.raises(TypeError, match="bounded"):
        verify.prove(ours("sigmoid"), Bounded("x", 0.0, 1.0))


def test_all_facts_of_a_formula():
    proofs = verify.proven_facts(ours("sigmoid"))
    assert [p.fact.name for p in proofs] == ["increasing", "lipschitz", "smooth"]
    assert all(p.outcome == "proven" for p in proofs)


def test_a_definite_matrix_is_told_from_an_indefinite_one():
    from jaxmath.exact.ball import arb

    wide = [[arb(1), arb(0, 2)], [arb(0, 2), arb(1)]]
    assert not inequalities._lowest_eigenvalue(wide) >= 0
    rng = np.random.default_rng(0)
    for _ in range(50):
        root = rng.normal(size=(3, 3)) * np.exp2(rng.uniform(-30, 30, 3))[:, None]
        signs = rng.choice([-1.0, 1.0], 3)
        exact = [[sum((arb(root[i][k]) * arb(signs[k]) * arb(root[j][k]) for k in range(3)), arb(0))
                  for j in range(3)] for i in range(3)]  # fmt: skip
        lowest = inequalities._lowest_eigenvalue(exact)
        assert (lowest > 0) == bool((signs > 0).all())


def test_what_does_not_keep_the_signs_of_eigenvalues_proves_nothing(monkeypatch):
    from jaxmath.exact.ball import arb

    identity = [[arb(1), arb(0)], [arb(0), arb(1)]]
    assert inequalities._lowest_eigenvalue(identity) > 0
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: (None, 0 * matrix))
    assert not inequalities._lowest_eigenvalue(identity) >= 0


def test_an_infinity_in_the_place_of_a_number_proves_nothing():
    boxed = Boxed(lambda x: 1 / jnp.exp(x), (0.0,), [(0, 0)])
    ((value, slope),) = boxed.along([(1.0, 1.0625)], {0: 1}, 1, {})
    assert value > 0 > slope
    with pytest.raises(LOST):
        boxed.along([(1e100, 2e100)], {}, 0, {})


@pytest.mark.full
@pytest.mark.parametrize("domain", [SQUARE, CUBE], ids=["2", "3"])
def test_softmax_cross_entropy_of_few_classes_is_not_refuted(domain):
    loss = ours("softmax_cross_entropy")
    labels = Integers(0, domain.shape[0] - 1)
    formula = dataclasses.replace(loss, domain=dict(logits=domain, label=labels))
    assert all(p.outcome != "refuted" for p in verify.proven_facts(formula, budget=3000))
    for fact in loss.facts:
        if isinstance(fact, Lipschitz | Smooth):
            halved = dataclasses.replace(fact, constant=0.3)
            assert verify.prove(formula, halved).outcome == "refuted"


@pytest.mark.full
@pytest.mark.parametrize("kind", [Convex, Lipschitz])
def test_a_hessian_that_is_singular_everywhere_is_proven_semidefinite(kind):
    loss = ours("softmax_cross_entropy")
    near = Box((2,), Interval(0.25, 0.75, (True, True)))
    formula = dataclasses.replace(loss, domain=dict(logits=near, label=Integers(0, 1)))
    fact = next(f for f in loss.facts if isinstance(f, kind))
    proof = verify.prove(formula, fact, budget=20_000)
    assert (proof.outcome, proof.undecided) == ("proven", 0.0), str(proof)


@pytest.mark.full
@pytest.mark.parametrize("formula", verify.FORMULAS, ids=lambda f: f.name)
def test_no_fact_of_ours_is_refuted(formula):
    for proof in verify.proven_facts(formula, budget=3000):
        assert proof.outcome != "refuted", str(proof)


def test_a_positive_argument_is_covered_over_its_powers_of_two():
    fn = lambda x, scale: -((x / scale) ** 2) / 2  # noqa: E731
    proof = verify.prove(record(fn, x=REAL, scale=POSITIVE), Concave("x"), budget=2000)
    assert proof.outcome == "proven"
    (_, *whole), (_, low, high) = proof.covered
    assert whole == list(REAL.limits(np.float64))
    assert low < 1e-3
    assert high >= 1
