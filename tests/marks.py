"""Which values of a parameter the quick tests take."""

from collections.abc import Collection, Iterable

import pytest


def long_but(quick: Collection, values: Iterable) -> list:
    """The values of a parameter: a test of one that isn't among the quick is a long one."""
    return [v if v in quick else pytest.param(v, marks=pytest.mark.full) for v in values]
