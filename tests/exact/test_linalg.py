"""Factorisations and solves against NumPy, SciPy and JAX, and what is well defined at ties."""

import importlib

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.linalg
from jax import lax
from jax.extend import core

from jaxmath import exact

pytest.importorskip("flint")
from jaxmath.exact.rules_linalg import RULES

RNG = np.random.default_rng(0)
G = RNG.standard_normal((3, 3))
SPD = G @ G.T + np.eye(3)
TALL = RNG.standard_normal((4, 3))
BATCH = np.stack([SPD, 2 * SPD + np.diag([1.0, 2.0, 3.0])])
L = np.linalg.cholesky(SPD)
B = RNG.standard_normal((3, 2))
BAND = [np.array([0.0, 0.3, -0.2]), np.array([2.0, 1.5, 1.1]), np.array([0.4, 0.1, 0.0])]
lapack = importlib.import_module("jax._src.lax.linalg")  # geqrf is not public


def symmetrised(a):
    return (a + jnp.swapaxes(a, -1, -2)) / 2


CASES = {
    "cholesky": (jnp.linalg.cholesky, SPD),
    "cholesky, batched": (jnp.linalg.cholesky, BATCH),
    "lu": (jax.scipy.linalg.lu, G),
    "lu, wide": (jax.scipy.linalg.lu, TALL.T),
    "solve": (jnp.linalg.solve, G, B),
    "solve, batched": (jnp.linalg.solve, BATCH, np.stack([B, 2 * B])),
    "inv": (jnp.linalg.inv, G),
    "det": (jnp.linalg.det, np.kron(np.eye(2), G)[:4, :4] + 0.1),
    "slogdet": (jnp.linalg.slogdet, G),
    "qr": (jnp.linalg.qr, TALL),
    "qr, wide": (lambda a: jnp.linalg.qr(a)[0], TALL.T),
    "eigh": (jnp.linalg.eigh, SPD),
    "eigh, batched": (jnp.linalg.eigh, BATCH),
    "eigvalsh": (jnp.linalg.eigvalsh, SPD),
    "svd": (lambda a: jnp.linalg.svd(a, full_matrices=False), TALL),
    "svd, square": (jnp.linalg.svd, G),
    "singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), TALL.T),
    "pinv": (jnp.linalg.pinv, TALL),
    "lstsq": (lambda a, b: jnp.linalg.lstsq(a, b)[0], TALL, TALL[:, 0] ** 2),
    "matrix power": (lambda a: jnp.linalg.matrix_power(a, -3), G),
    "matrix norm": (lambda a: jnp.linalg.norm(a, 2), G),
    "nuclear norm": (lambda a: jnp.linalg.norm(a, "nuc"), G),
    "expm": (jax.scipy.linalg.expm, G),
    "cho_solve": (lambda a, b: jax.scipy.linalg.cho_solve((a, True), b), L, B),
    "triangular, left": (
        lambda a, b: lapack.triangular_solve(a, b, left_side=True, transpose_a=True),
        L.T,
        B,
    ),
    "triangular, right": (
        lambda a, b: lapack.triangular_solve(a, b.T, lower=True, unit_diagonal=True),
        L,
        B,
    ),
    "tridiagonal": (lambda *a: lapack.tridiagonal_solve(*a), *BAND, B),
    "permutation": (
        lambda a: a[lapack.lu_pivots_to_permutation(lapack.lu(a)[1], 3)],
        G,
    ),
    "symmetric_product": (
        lambda a, c: lapack.symmetric_product(a, c, alpha=0.5, beta=2.0, symmetrize_output=True),
        G,
        SPD,
    ),
    "ormqr": (lambda a, c: lapack.ormqr(*lapack.geqrf(a), c, transpose=True), TALL, TALL),
    "ormqr, right": (lambda a, c: lapack.ormqr(*lapack.geqrf(a), c.T, left=False), TALL, TALL),
    "toeplitz": (lambda c: jax.scipy.linalg.toeplitz(c), BAND[1]),
    "custom root": (
        lambda a: lax.custom_root(
            lambda x: x**2 - a,
            jnp.asarray(1.5),
            lambda f, x: lax.fori_loop(0, 8, lambda _, x: (x + a / x) / 2, x),
            lambda g, y: y / g(1.0),
        ),
        np.float64(2.0),
    ),
}

NO_DERIVATIVE_IN_JAX = {"symmetric_product", "ormqr", "ormqr, right"}


def test_every_rule_is_exercised():
    traced = [jax.make_jaxpr(fn)(*args) for fn, *args in CASES.values()]
    seen = {name for program in traced for name in primitives(program.jaxpr)}
    assert set(RULES) <= seen | {"householder_product"}  # below


def primitives(jaxpr):
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in core.jaxprs_in_params(eqn.params):
            yield from primitives(inner)


def floats(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree) if leaf.dtype == float])


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_and_slope_along_a_direction_are_those_of_jax(name):
    fn, *args = CASES[name]
    args = tuple(jnp.asarray(a) for a in args)
    program = exact.trace(fn, *args)
    value = exact.evaluate(program, args)
    np.testing.assert_allclose([float(n) for n in value.flat], floats(fn(*args)), 1e-11, 1e-12)
    assert {n.proof for n in value.flat} == {"proven"}
    tangents = tuple(jnp.cos(jnp.arange(a.size) * 1.9).reshape(a.shape) + 0.3 for a in args)
    if name.startswith("eig"):  # of symmetric matrices
        tangents = tuple(symmetrised(t) for t in tangents)
    row = np.concatenate([np.ravel(t) for t in tangents])
    found = exact.derivatives(program, args, row[None])
    if name in NO_DERIVATIVE_IN_JAX:
        ahead, behind = (
            floats(fn(*(a + h * t for a, t in zip(args, tangents, strict=True))))
            for h in (1e-5, -1e-5)
        )
        np.testing.assert_allclose(
            [float(n) for n in found.right[1, 0]], (ahead - behind) / 2e-5, 1e-7, 1e-9
        )
        return
    slope = floats(jax.jvp(fn, args, tangents)[1])
    np.testing.assert_allclose([float(n) for n in found.right[1, 0]], slope, 1e-9, 1e-11)
    assert {n.proof for n in found.right[1, 0]} == {"proven"}


@pytest.mark.parametrize("name", ["cholesky", "solve", "qr", "eigh", "svd", "slogdet", "expm"])
def test_the_derivative_program_is_the_derivative(name):
    fn, *args = CASES[name]
    args = tuple(jnp.asarray(a) for a in args)
    tangents = tuple(symmetrised(jnp.cos(a)) if name == "eigh" else jnp.cos(a) for a in args)
    row = np.concatenate([np.ravel(t) for t in tangents])
    truth = exact.derivatives(exact.trace(fn, *args), args, row[None]).right[1, 0]
    rule = exact.evaluate(exact.trace(lambda *a: jax.jvp(fn, a, tangents)[1], *args), args).flat
    for t, r in zip(truth, rule, strict=True):
        # The twin of expm is its meaning; its derivative's program is as good as its fit.
        assert t.overlaps(r) or abs(float(t) - float(r)) < 1e-14 * (1 + abs(float(t)))


def test_reflectors_are_those_of_lapack():
    packed, taus = exact_of(lapack.geqrf, TALL)
    raw = scipy.linalg.qr(TALL, mode="raw")[0]
    np.testing.assert_allclose(packed, raw[0], 1e-12, 1e-14)
    np.testing.assert_allclose(taus, raw[1], 1e-12)
    q = exact_of(lambda a: lapack.householder_product(*lapack.geqrf(a)), TALL)
    np.testing.assert_allclose(q, np.linalg.qr(TALL)[0], 1e-12, 1e-14)


def exact_of(fn, *args):
    value = exact.evaluate(exact.trace(fn, *args), args)
    return jax.tree.map(
        lambda a: np.vectorize(float)(a), value.results, is_leaf=lambda x: isinstance(x, np.ndarray)
    )


def test_qr_with_pivoting_takes_the_columns_in_the_order_of_lapack():
    a = np.array([[1.0, 5.0, 0.2], [0.3, 4.0, 2.0], [0.1, 3.0, 0.7]])
    _, r, order = exact.evaluate(
        exact.trace(lambda a: jax.scipy.linalg.qr(a, pivoting=True), a), (a,)
    ).results
    expected = scipy.linalg.qr(a, pivoting=True)
    assert list(order) == list(expected[2])
    np.testing.assert_allclose(np.vectorize(float)(r), expected[1], 1e-13, 1e-14)


def test_not_positive_definite_and_nan_give_nan():
    for a in (-np.eye(2), np.array([[1.0, np.nan], [np.nan, 1.0]])):
        value = exact.evaluate(exact.trace(jnp.linalg.cholesky, a), (a,))
        assert np.isnan([float(n) for n in value.flat]).any()


def test_a_sum_of_equal_eigenvalues_has_a_derivative():
    a = np.diag([1.0, 1.0, 4.0])
    program = exact.trace(lambda a: jnp.linalg.eigvalsh(a)[:2].sum(), a)
    row = np.array([[1.0, 2.0, 0.5], [2.0, 3.0, 0.1], [0.5, 0.1, 7.0]])
    found = exact.derivatives(program, (a,), row.reshape(1, -1))
    assert found.behaviour[0, 0] == "smooth"
    number = found.right[1, 0, 0]
    assert number.proof == "estimated"
    assert float(number) == pytest.approx(4.0, rel=1e-14)


def test_an_equal_eigenvalue_by_itself_has_a_kink():
    a = np.diag([1.0, 1.0, 4.0])
    program = exact.trace(lambda a: jnp.linalg.eigvalsh(a)[0], a)
    row = np.diag([1.0, -1.0, 0.0]).reshape(1, -1)
    found = exact.derivatives(program, (a,), row)
    assert found.behaviour[0, 0] == "kink"
    assert [float(found.right[1, 0, 0]), float(found.left[1, 0, 0])] == [-1.0, 1.0]


def test_functions_of_eigenvectors_at_equal_eigenvalues_are_not_called_proven():
    a = np.eye(2) * 2
    value = exact.evaluate(exact.trace(jnp.linalg.pinv, a), (a,))
    np.testing.assert_allclose([float(n) for n in value.flat], [0.5, 0, 0, 0.5], atol=1e-30)
    assert "proven" not in {n.proof for n in value.flat if float(n)}


def test_eigenvalues_far_apart_and_close_together_are_enclosed():
    q = np.linalg.qr(G)[0]
    for d in ([1e-12, 1.0, 1e9], [1.0, 1.0 + 1e-14, 3.0]):
        a = (q * d) @ q.T
        a = (a + a.T) / 2
        value = exact.evaluate(exact.trace(jnp.linalg.eigvalsh, a), (a,))
        with mp.workdps(60):
            true = sorted(mp.eigsy(mp.matrix(a.tolist()), eigvals_only=True))
            middles = [mp.mpf(n.value.mid().str(45, radius=False)) for n in value.flat]
            for n, m, t in zip(value.flat, middles, true, strict=True):
                assert abs(m - t) <= mp.mpf(n.radius) + mp.mpf(10) ** -40
