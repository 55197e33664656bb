"""Inputs at which other libraries were reported wrong: our value and our slopes are right.

`data/reported_truths.json` holds the mathematics, the inputs, the truth to 25 digits and the public
reports. An error counts in what half a unit of the truth and of each input explain together.
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import distributions as d
from jaxmath import losses, special

CASES = {
    case["id"]: case
    for case in json.loads(
        (Path(__file__).parent / "data" / "reported_truths.json").read_text("utf-8")
    )
}
MOST = 4


def pairwise(loss):
    """The mean over the targets that are numbers: the others have no part in it."""

    def masked(x, y):
        seen = ~jnp.isnan(y)
        return jnp.sum(jnp.where(seen, jax.vmap(loss)(jnp.where(seen, y - x, 0.0)), 0.0))

    return masked


def three_normals(weights):
    """Weights are told up to a factor."""
    mixed = d.mixture(*(3 * (d.normal.NORMAL,)))
    places = [part for k in range(3) for part in (float(k), 1.0)]
    return mixed.log_prob(0.3, weights, *places) - jnp.log(jnp.sum(weights))


OURS = {
    "ctc_confident_f32": lambda z: losses.ctc(z[0], jnp.array([1])),
    "ctc_confident_f64": lambda z: losses.ctc(z[0], jnp.array([1])),
    "focal_gamma_half": lambda z: 2 * losses.sigmoid_focal(z, 1.0, 0.5, 0.5),
    "focal_gamma2_extreme": lambda z: 2 * losses.sigmoid_focal(z, 0.0, 2.0, 0.5),
    "lse_plus_inf": special.logsumexp,
    "lse_where_mask": lambda a: special.logsumexp(jnp.where(jnp.array([True, False]), a, -jnp.inf)),
    "xent_neginf_logit": losses.soft_cross_entropy,
    "xent_large_logits": lambda z: losses.softmax_cross_entropy(z, 0),
    "lae_second_derivative": lambda x, y: special.logsumexp(jnp.stack([x, y])),
    "softplus_threshold": special.softplus,
    "softplus_at_0": special.softplus,
    "tanh_lt_minus1": special.tanh,
    "tanh_190_f32": special.tanh,
    "tanh_tail_f32": special.tanh,
    "tanh_tail_20": special.tanh,
    "sigmoid_tail_40": special.sigmoid,
    "sigmoid_tail_37": special.sigmoid,
    "sqnorm_vec0": lambda x: special.norm(x) ** 2,
    "exp_sqnorm0": lambda x: jnp.exp(-(special.norm(x) ** 2)),
    "cdist_identical": lambda a, b: jnp.sum(jax.vmap(special.norm)(a - b)),
    "huber_masked_nan": pairwise(lambda r: losses.huber(r, 1.0)),
    "mse_masked_nan": pairwise(losses.squared_error),
    "entr_at_0": special.entr,
    "log_cdf_m6": special.log_ndtr,
    "log_ndtr_m1e4": special.log_ndtr,
    "log_ndtr_m20_f64": special.log_ndtr,
    "ndtri_f32": special.ndtri,
    "norm_sf_10": lambda x: d.normal.sf(x, 0.0, 1.0),
    "uniform_pdf_nan": lambda x: d.uniform.prob(x, 0.0, 1.0),
    "expon_icdf_1e-17": lambda q: d.exponential.quantile(q, 1.0),
    "expon_at0": lambda x: d.exponential.log_prob(x, 1.0),
    "laplace_logcdf_far": lambda x: d.laplace.log_cdf(x, 0.0, 1.0),
    "cauchy_ppf_1e-12": lambda q: d.cauchy.quantile(q, 0.0, 1.0),
    "cauchy_ppf_0": lambda q: d.cauchy.quantile(q, 0.0, 1.0),
    "betaln_half_8": special.betaln,
    "lbeta_f32": special.betaln,
    "betaln_3_9": special.betaln,
    "betaln_inf": special.betaln,
    "betaln_2_1e308": special.betaln,
    "betaln_1e20_3": special.betaln,
    "lgamma_1e-8_f32": special.gammaln,
    "gammainc_a_inf": special.gammainc,
    "igamma_da_1e4": special.gammainc,
    "igamma_dx_a1_x0": lambda x: special.gammainc(1.0, x),
    "betainc_dab_3_1_0.3": special.betainc,
    "betainc_dab_small": special.betainc,
    "betainc_dab_2": special.betainc,
    "betainc_dab_1_2_0.3": special.betainc,
    "betainc_tiny_ab_f32": special.betainc,
    "bern_p0_x1": lambda p: d.bernoulli.log_prob(1.0, p),
    "geom_p1": lambda p: d.geometric.log_prob(0.0, p),
    "kl_bern_sat": lambda z: sum(special.rel_entr(special.sigmoid(s * z), 0.5) for s in (1, -1)),
    "gamma_1_at0": d.gamma.log_prob,
    "chi2_df2_at0": d.chi2.log_prob,
    "beta_1_1_at0": d.beta.log_prob,
    "beta_1_1_at1": d.beta.log_prob,
    "beta_1_8_at0": d.beta.log_prob,
    "nbinom_p0": lambda p, k: d.negative_binomial.log_prob(k, 5.0, 1 - p),
    "nbinom_logcdf_tail": lambda n, p: d.negative_binomial.log_cdf(5.0, n, p),
    "abs_at_0": losses.absolute_error,
    "tn_prob_f32": d.truncated_normal.log_prob,
    "tn_tiny_scale_f32": d.truncated_normal.log_prob,
    "tn_tiny_scale_f64": d.truncated_normal.log_prob,
    "tn_far_tail": d.truncated_normal.log_prob,
    "tn_narrow": d.truncated_normal.log_prob,
    "binom_p0": lambda p, k: d.binomial.log_prob(k, 3, p),
    "binom_p1": lambda p, k: d.binomial.log_prob(k, 1, p),
    "cat_logprob_onehot": lambda p: d.categorical.log_prob(0, jnp.log(p)),
    "binom_5e6_f32": lambda z, k: d.binomial.log_prob(k, 5_000_000, special.sigmoid(z)),
    "mixture_zero_weight": three_normals,
    "kl_cat_zero_p": lambda p, q: d.categorical.kl(jnp.log(jax.lax.stop_gradient(p)), jnp.log(q)),
    "dirichlet_second": lambda t: d.dirichlet.log_prob(
        jnp.array([0.5, 0.5, 0.0]).at[2].set(t), jnp.full(3, 0.01)
    ),
    "vonmises_1000": lambda x, k: d.von_mises.log_prob(x, 0.0, k),
    "vonmises_entropy_1000": lambda k: d.von_mises.entropy(0.0, k),
}


def error(answer, truth, slack, info):
    """How many times what half a unit in the last place, and the slack, explain."""
    if np.isnan(truth):
        return 0.0 if np.isnan(answer) else np.inf
    if np.isinf(truth) or abs(truth) < info.tiny:
        return 0.0 if answer == truth or abs(answer) <= info.tiny else np.inf
    unit = max(np.spacing(np.asarray(abs(truth), info.dtype)), info.tiny)
    return abs(answer - truth) / (float(unit) / 2 + slack)


def numbers(value):
    return np.array(value, float).reshape(-1)


def explained(slopes, args, info):
    """What half a unit of each input changes."""
    with np.errstate(invalid="ignore"):
        terms = [np.abs(numbers(s) * numbers(a)) for s, a in zip(slopes, args, strict=True)]
    return float(info.eps) / 2 * sum(term[np.isfinite(term)].sum() for term in terms)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.full if "betainc_" in name else ()) for name in OURS],
)
def test_a_reported_input_has_the_right_answers(name):
    case, fn = CASES[name], OURS[name]
    dtype = {"f32": np.float32, "f64": np.float64}[case["dtype"]]
    info, names = np.finfo(dtype), list(case["inputs"])
    args = [jnp.asarray(np.array(case["inputs"][n], dtype)) for n in names]
    every = tuple(range(len(args)))
    slopes = jax.grad(fn, every)(*args)
    value = fn(*args)
    assert value.dtype == dtype
    left = error(float(value), float(case["value"]), explained(slopes, args, info), info)
    assert left <= MOST, f"{value} and not {case['value']}"
    for place, exact in zip(map(names.index, case["wrt"]), case["slopes"] or [], strict=True):
        slope = jax.grad(fn, place)
        if case["order"] == 2:
            slope = jax.grad(slope, place)
        truths = numbers(exact)
        bends = jax.jacfwd(slope, every)(*args)
        rows = [numbers(bend).reshape(truths.size, -1) for bend in bends]
        for k, (one, truth) in enumerate(zip(numbers(slope(*args)), truths, strict=True)):
            slack = explained([row[k] for row in rows], args, info)
            left = error(one, truth, slack, info)
            assert left <= MOST, f"slope {one} in {names[place]} and not {truth}"
