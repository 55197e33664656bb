"""The record of a model: how its parameters begin, and what it predicts for one example."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Model(NamedTuple):
    """Two functions under one name.

    Attributes:
        name: the name in a config.
        init: `(key, features, outputs, *, options) -> params`; `outputs` None for one number.
        apply: `(params, x) -> prediction` for one example `x` of shape (features,).
    """

    name: str
    init: Callable[..., Any]
    apply: Callable[..., Any]
