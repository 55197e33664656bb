r"""The functions that every family has: their names, what they take, and their definitions."""

from __future__ import annotations

from typing import Literal, NamedTuple

from jaxmath.formula import Bounded, Decreasing, Fact, Increasing


class Kind(NamedTuple):
    """What the functions of one name have in common in all families.

    Attributes:
        takes: the arguments before the parameters: "x", "p", nothing; "q" for a second set of
            parameters after them.
        tex: the definition.
        facts: what holds in every continuous family of one variable.
    """

    takes: Literal["x", "p", "", "q"]
    tex: str
    facts: tuple[Fact, ...] = ()


KINDS: dict[str, Kind] = {
    "log_prob": Kind("x", r"\log p(x)"),
    "prob": Kind("x", r"p(x)"),
    "cdf": Kind("x", r"F(x) = \Pr(X \le x)", (Increasing("x"), Bounded("x", 0.0, 1.0))),
    "log_cdf": Kind("x", r"\log F(x)", (Increasing("x"),)),
    "sf": Kind("x", r"S(x) = \Pr(X > x)", (Decreasing("x"), Bounded("x", 0.0, 1.0))),
    "log_sf": Kind("x", r"\log S(x)", (Decreasing("x"),)),
    "quantile": Kind("p", r"\inf\{x : F(x) \ge p\}", (Increasing("p"),)),
    "isf": Kind("p", r"\inf\{x : S(x) \le p\}", (Decreasing("p"),)),
    "mean": Kind("", r"\mu = \operatorname{E} X"),
    "median": Kind("", r"\inf\{x : F(x) \ge \tfrac12\}"),
    "mode": Kind("", r"\arg\max_x p(x)"),
    "variance": Kind("", r"\sigma^2 = \operatorname{E}(X - \mu)^2"),
    "std": Kind("", r"\sigma = \sqrt{\operatorname{E}(X - \mu)^2}"),
    "skewness": Kind("", r"\operatorname{E}(X - \mu)^3 / \sigma^3"),
    "kurtosis": Kind("", r"\operatorname{E}(X - \mu)^4 / \sigma^4 - 3"),
    "entropy": Kind("", r"H(p) = -\operatorname{E}_p \log p(X)"),
    "cross_entropy": Kind("q", r"H(p, q) = -\operatorname{E}_p \log q(X)"),
    "kl": Kind("q", r"\operatorname{KL}(p \,\|\, q) = \operatorname{E}_p \log(p(X) / q(X))"),
}
"""The scalar functions of a family, each of which has a formula where the family has its own."""

OTHERS: dict[str, str] = {
    "jensen_shannon": r"\tfrac12 \operatorname{KL}(p \,\|\, m)"
    r" + \tfrac12 \operatorname{KL}(q \,\|\, m), \quad m = \tfrac12 (p + q)",
    "squared_hellinger": r"H^2(p, q) = 1 - \int \sqrt{p\,q}",
    "renyi": r"D_\alpha(p \,\|\, q)"
    r" = \frac{1}{\alpha - 1} \log \operatorname{E}_p (p / q)^{\alpha - 1}",
    "squared_wasserstein": r"W_2^2(p, q) = \int_0^1 (F_p^{-1}(u) - F_q^{-1}(u))^2 \,du",
    "sample": r"X \sim p",
    "score": r"s(x) = \nabla_\theta \log p(x)",
    "hessian": r"\nabla_\theta^2 \log p(x)",
    "fisher_information": r"I = \operatorname{E} s(X)\, s(X)^\top",
    "sufficient": r"T(x), \quad p(x) = h(x)\, e^{\eta^\top T(x) - A(\eta)}",
    "natural": r"\eta(\theta)",
    "log_partition": r"A(\eta)",
    "mean_parameters": r"\operatorname{E} T(X) = \nabla A(\eta)",
    "fit": r"\hat\theta = \arg\max_\theta \ell(\theta), \quad \ell = \sum_i w_i \log p(x_i)",
    "interval": r"\hat\theta_k \pm \Phi^{-1}(\tfrac{1 + \gamma}{2})\, \operatorname{se}_k",
    "profile": r"\{\theta_k : 2 (\ell(\hat\theta) - \max_{\theta_{-k}} \ell(\theta))"
    r" \le \chi^2_{1, \gamma}\}",
}
"""Functions without a record of their own, each with its definition.

Draws, vectors, matrices and intervals; and divergences beside Kullback and Leibler's, whose slopes
are those that autodiff makes.
"""

PAIRS = (
    *("cross_entropy", "kl", "jensen_shannon"),
    *("squared_hellinger", "renyi", "squared_wasserstein"),
)
"""Functions of two distributions: one's parameters after the other's; `renyi` has the order first.
"""

EXPONENTIAL_FAMILY = ("sufficient", "natural", "log_partition", "mean_parameters")
"""Functions that exponential families have; vectors along the last axis."""

FUNCTIONS = (*KINDS, *OTHERS)
"""The functions of every family, in their order."""

STEPS = ("quantile", "isf", "median", "mode")
"""In a discrete family these jump from one whole number to another: nothing to differentiate."""
