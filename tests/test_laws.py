"""Every law over every formula in both dtypes; and every public function is a formula or exempt."""

import inspect

import jax
import numpy as np
import pytest

from jaxmath import verify
from jaxmath.formula import Formula
from jaxmath.verify.laws import LAWS, evidence

DTYPES = ("float64", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", verify.FORMULAS, ids=lambda formula: formula.name)
def test_laws_hold(formula, dtype):
    findings = [finding for law in LAWS for finding in law(formula, dtype)]
    assert not findings, "\n".join(map(str, findings))


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
