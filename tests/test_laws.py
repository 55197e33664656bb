"""Every law over every formula in both dtypes; and every public function is a formula or exempt."""

import inspect

import jax
import numpy as np
import pytest

from jaxmath import distributions, losses, models, proximal, special, verify
from jaxmath.verify import accuracy
from jaxmath.verify.laws import LAWS

DTYPES = ("float64", "float32")
ORDINARY = (
    *("special.hyperbolic", "special.logarithm", "special.logistic", "special.normal_tail"),
    *("special.normalized", "special.rectified"),
    *("losses.classification", "losses.penalties", "losses.regression"),
    *("distributions.bernoulli", "distributions.normal", "models."),
)
"""Modules whose formulas keep the laws in the ordinary tests; of all, `test_slopes` has a look."""
SLOW = {
    *("linear.mean_loss", "logistic.mean_loss", "softmax.mean_loss", "mlp.mean_loss", "softmax"),
    *("normal.prob", "normal.log_prob", "normal.log_cdf", "normal.cross_entropy"),
    *("normal.kl", "bernoulli.kl", "softmax_cross_entropy", "log_softmax"),
    *(
        f"normal_inverse_{kind}.{name}"
        for kind in ("gamma", "wishart")
        for name in ("log_prob", "entropy", "cross_entropy", "kl")
    ),
}


def combinations():
    """Every formula in both dtypes.

    In the quick suite those of some modules, in float32 only losses, one of the softmax family, and
    neither models, nor divergences, nor upper tails, which mirror the lower ones.
    """
    for formula in verify.FORMULAS:
        ordinary = formula.fn.__module__.removeprefix("jaxmath.").startswith(ORDINARY)
        for dtype in DTYPES:
            if dtype == "float64":
                mirrors = formula.name.endswith(("sf", "softmax_complement"))
                slow = mirrors or formula.name in SLOW
            else:
                loss = formula.fn.__module__.startswith("jaxmath.losses")
                slow = not loss or formula.name == "softmax_cross_entropy"
            marks = [] if ordinary and not slow else [pytest.mark.full]
            yield pytest.param(formula, dtype, marks=marks, id=f"{formula.name}-{dtype}")


@pytest.mark.parametrize(("formula", "dtype"), list(combinations()))
def test_laws_hold(formula, dtype):
    findings = [finding for law in LAWS for finding in law(formula, dtype)]
    assert not findings, "\n".join(map(str, findings))


KEEP_FLOAT32 = {"beta.log_prob", "betaincinv", "chi2.log_sf", "gamma.quantile", "approx_ndcg"}


@pytest.mark.parametrize(
    "formula",
    [
        pytest.param(one, marks=() if one.name in KEEP_FLOAT32 else pytest.mark.full, id=one.name)
        for one in verify.FORMULAS
    ],
)
def test_single_precision_stays_single(formula):
    """With float64 switched on, float32 stays float32, a Python number among the arrays or not."""
    points = accuracy.spread(formula, 2, np.dtype("float32"), 0)
    point = [jax.tree.map(lambda leaf: leaf[0], points[name]) for name in formula.arguments]
    free = [k for k, name in enumerate(formula.arguments) if name in formula.differentiable]

    def widened(fn, wrt):
        slopes = (jax.jacrev(fn, wrt), jax.jacfwd(jax.jacrev(fn, wrt), wrt)) if wrt else ()
        found = jax.tree.leaves([jax.eval_shape(made, *point) for made in (fn, *slopes)])
        return [one for one in found if one.dtype != np.float32 and not one.weak_type]

    assert not widened(formula.fn, tuple(free))
    for own in (k for k in free if isinstance(point[k], np.floating)):

        def alone(*args, own=own):
            return formula.fn(*args[:own], float(point[own]), *args[own + 1 :])

        others = tuple(k for k in free if k != own)
        assert not others or not widened(alone, others), formula.arguments[own]


def test_names_are_unique():
    names = [formula.name for formula in verify.FORMULAS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("formula", verify.FORMULAS, ids=lambda formula: formula.name)
def test_exceptions_name_laws_and_say_why(formula):
    laws = {law.__name__ for law in LAWS}
    for key, reason in formula.exceptions.items():
        law, _, argument = key.partition("/")
        assert law in laws
        assert all(part in formula.arguments for part in argument.split(", ") if part)
        assert len(reason.split()) >= 4


@pytest.mark.parametrize("formula", verify.FORMULAS, ids=lambda formula: formula.name)
def test_every_argument_has_a_closed_form(formula):
    if formula.vjp is None:
        assert set(formula.partials) == set(formula.differentiable)
    assert formula.topic
    assert formula.tex


def public_functions() -> dict[str, object]:
    """Functions that a user meets: named by a front door, or defined by a family or a model."""
    found = {}
    for room in (special, losses, proximal, proximal.projections):
        for name, value in vars(room).items():
            if inspect.isfunction(value) or (callable(value) and hasattr(value, "defjvp")):
                found[f"{room.__name__.removeprefix('jaxmath.')}.{name}"] = value
    records = [(family.name, distributions) for family in distributions.FAMILIES]
    records += [(model.name, models) for model in models.MODELS]
    for name, room in records:
        module = getattr(room, name)
        for function, value in vars(module).items():
            own = callable(value) and getattr(value, "__module__", "") == module.__name__
            if own and not inspect.isclass(value) and not function.startswith("_"):
                found[f"{module.__name__.removeprefix('jaxmath.')}.{function}"] = value
    return found


def recorded() -> set:
    """Every function that a record holds: the formula, without its rule, and its derivatives."""
    found = set()
    for formula in verify.FORMULAS:
        found |= {formula.fn, formula.plain, formula.vjp}
        found |= {*formula.partials.values(), *formula.seconds.values()}
    return found


def test_every_public_function_is_in_the_list_or_exempt():
    functions, known = public_functions(), recorded()
    assert len(functions) > 80
    missing = {n for n, f in functions.items() if f not in known} - set(verify.EXEMPT)
    assert not missing, f"neither in FORMULAS nor in EXEMPT: {sorted(missing)}"


def test_exempt_names_only_what_needs_it_and_says_why():
    functions, known = public_functions(), recorded()
    for name, reason in verify.EXEMPT.items():
        assert name in functions, name
        assert functions[name] not in known, name
        assert len(reason.split()) >= 2
