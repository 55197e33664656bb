"""Solvers of logistic regression with a penalty of squares and no intercept.

Each function takes features, labels in {0, 1} and the factor of half the square, and returns what
solves it: a function without arguments whose answer is the coefficients. Tolerances are set so that
the gradient ends below 1e-8.
"""

from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = 5e-9


def irls(features, labels, penalty):
    """`irls`, its Hessian in float32."""
    return _ours(features, labels, penalty, mixed=True)


def irls_in_full(features, labels, penalty):
    """`irls`, its Hessian in float64."""
    return _ours(features, labels, penalty, mixed=False)


def _ours(features, labels, penalty, mixed):
    from jaxmath.losses import logistic
    from jaxmath.optimize import irls

    X, y = jnp.asarray(features), jnp.asarray(labels)

    def solve():
        found = irls(logistic, X, y, penalty, tolerance=TOLERANCE, mixed=mixed)
        return jax.block_until_ready(found).x

    return solve


def _scikit_learn(solver, tolerance):
    def prepare(features, labels, penalty):
        models = import_module("sklearn.linear_model")

        def solve():
            model = models.LogisticRegression(
                C=1 / (len(labels) * penalty),
                fit_intercept=False,
                solver=solver,
                tol=tolerance,
                max_iter=100_000,
            )
            return model.fit(features, labels).coef_[0]

        return solve

    return prepare


def _mean_loss(features, labels, penalty):
    X, y = jnp.asarray(features), jnp.asarray(labels)

    def f(w):
        scores = X @ w
        return jnp.mean(jnp.logaddexp(0, scores) - y * scores) + penalty * w @ w / 2

    return f, jnp.zeros(X.shape[1], X.dtype)


def jaxopt_lbfgs(features, labels, penalty):
    """L-BFGS of jaxopt; it stops by the length of the gradient."""
    f, start = _mean_loss(features, labels, penalty)
    solver = import_module("jaxopt").LBFGS(f, tol=TOLERANCE, maxiter=10_000)
    run = jax.jit(lambda start: solver.run(start).params)
    return lambda: jax.block_until_ready(run(start))


def optax_lbfgs(features, labels, penalty):
    """L-BFGS of optax, in the loop that its documentation shows."""
    optax = import_module("optax")
    f, start = _mean_loss(features, labels, penalty)
    optimizer = optax.lbfgs()
    slope = optax.value_and_grad_from_state(f)

    def step(carry):
        w, state, _ = carry
        value, gradient = slope(w, state=state)
        updates, state = optimizer.update(
            gradient, state, w, value=value, grad=gradient, value_fn=f
        )
        w = optax.apply_updates(w, updates)
        return w, state, jnp.max(jnp.abs(optax.tree.get(state, "grad")))

    def unfinished(carry):
        return (carry[2] > TOLERANCE) & (optax.tree.get(carry[1], "count") < 10_000)

    @jax.jit
    def run(start):
        begin = start, optimizer.init(start), jnp.asarray(jnp.inf, start.dtype)
        return jax.lax.while_loop(unfinished, step, begin)[0]

    return lambda: jax.block_until_ready(run(start))


def optimistix_bfgs(features, labels, penalty):
    """BFGS of optimistix; it stops by the changes of the point and of the value."""
    optimistix = import_module("optimistix")
    f, start = _mean_loss(features, labels, penalty)
    solver = optimistix.BFGS(rtol=1e-10, atol=1e-12)

    @jax.jit
    def run(start):
        return optimistix.minimise(lambda w, _: f(w), solver, start, max_steps=10_000).value

    return lambda: jax.block_until_ready(run(start))


def _scipy(method, options):
    def prepare(features, labels, penalty):
        optimize = import_module("scipy.optimize")

        def loss(w):
            scores = features @ w
            rest = 1 / (1 + np.exp(-scores)) - labels
            value = np.mean(np.logaddexp(0, scores) - labels * scores) + penalty * w @ w / 2
            return value, rest @ features / len(labels) + penalty * w

        def curve(w, v):
            chance = 1 / (1 + np.exp(-(features @ w)))
            bent = chance * (1 - chance) * (features @ v)
            return bent @ features / len(labels) + penalty * v

        start = np.zeros(features.shape[1])
        more = {} if method == "L-BFGS-B" else {"hessp": curve}
        return lambda: (
            optimize.minimize(loss, start, jac=True, method=method, options=options, **more).x
        )

    return prepare


OURS = {"jaxmath irls": irls, "jaxmath irls, all float64": irls_in_full}
PEERS = {
    "scikit-learn lbfgs": _scikit_learn("lbfgs", TOLERANCE),
    "scikit-learn newton-cholesky": _scikit_learn("newton-cholesky", TOLERANCE),
    "scikit-learn liblinear": _scikit_learn("liblinear", 1e-9),
    "jaxopt L-BFGS": jaxopt_lbfgs,
    "optax L-BFGS": optax_lbfgs,
    "optimistix BFGS": optimistix_bfgs,
    "scipy L-BFGS-B": _scipy("L-BFGS-B", dict(gtol=TOLERANCE, ftol=0, maxiter=10_000, maxls=50)),
    "scipy trust-ncg": _scipy("trust-ncg", dict(gtol=TOLERANCE)),
}
