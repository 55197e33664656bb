"""What a field takes is what its annotation says, strictly; and it is said in words."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

import jax.numpy as jnp
import pytest
from annotated_types import Ge, Gt, Lt
from pydantic import AfterValidator

from jaxmath.config.choices import Choice, arguments, available, choose, options_of, target
from jaxmath.config.document import Document
from jaxmath.config.project import Project
from jaxmath.config.schema import MISSING, Validation, describe, plain


@dataclass(frozen=True)
class Inner:
    a: int = 1


def even(value: int) -> int:
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


def check(hint, value, tmp_path):
    validation = Validation(Document({}), Project(tmp_path))
    return validation.value(hint, value, ("x",)), [str(p) for p in validation.problems]


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (float, 1, 1.0),
        (float, 0.1, 0.1),
        (float, 5e-324, 5e-324),
        (float, 1.7976931348623157e308, 1.7976931348623157e308),
        (int, 2**62, 2**62),
        (bool, True, True),
        (str, "", ""),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[float, float], [1, 2], (1.0, 2.0)),
        (int | None, 3, 3),
        (Literal["a", "b"], "b", "b"),
        (Annotated[float, Gt(0), Lt(1)], 0.5, 0.5),
        (Inner, {"a": 4}, Inner(4)),
        (Annotated[int, AfterValidator(even)], 4, 4),
    ],
)
def test_accepts(hint, value, expected, tmp_path):
    found, told = check(hint, value, tmp_path)
    assert not told
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (float, True, "a number"),
        (float, "1e-3", "without quotes: 1e-3"),
        (float, [1.0], "to vary it: [sweep] x = [1.0]"),
        (int, 1.0, "a whole number"),
        (int, True, "a whole number"),
        (bool, 1, "true or false"),
        (str, 1, "text"),
        (tuple[int, ...], 1, "a list of whole numbers"),
        (tuple[int, ...], [1.5], "a list of whole numbers"),
        (tuple[float, float], [1.0], "a list of 2 numbers"),
        (Literal["steep", "gentle"], "steap", 'did you mean "steep"?'),
        (Annotated[float, Gt(0), Lt(1)], 1.0, "a number > 0 and < 1"),
        (Annotated[int, Ge(3)], 2, "a whole number >= 3"),
        (Inner, 4, "a table with a"),
        (Inner, {"b": 4}, "unknown key `x.b`"),
        (Annotated[int, AfterValidator(even)], 3, "3 is odd"),
    ],
)
def test_refuses(hint, value, words, tmp_path):
    found, told = check(hint, value, tmp_path)
    assert found is MISSING or told
    assert len(told) == 1
    assert words in told[0]


def test_every_float_survives(tmp_path):
    import numpy as np

    for value in np.random.RandomState(0).standard_normal(500) * 10.0 ** np.arange(-250, 250):
        assert check(float, float(value), tmp_path)[0] == float(value)


def test_options_are_the_parameters_of_the_function():
    huber = options_of("loss", "huber")
    assert [f.name for f in fields(huber)] == ["name", "delta"]
    assert describe(next(f.type for f in fields(huber) if f.name == "delta")) == "a number > 0"
    assert (
        describe(options_of("loss", "pinball").__annotations__["quantile"])
        == "a number > 0 and < 1"
    )
    adam = choose("optimizer", "adam", learning_rate=0.1)
    assert arguments(adam) == {"learning_rate": 0.1, "b1": 0.9, "b2": 0.999, "eps": 1e-8}
    assert choose("penalty", "l2", strength=2.0).strength == 2.0
    assert arguments(choose("penalty", "l2", strength=2.0)) == {}


def test_an_option_is_one_value():
    assert options_of("loss", "huber") is options_of("loss", "huber")
    assert choose("loss", "huber", delta=2.0) == choose("loss", "huber", delta=2.0)
    assert hash(choose("loss", "huber")) == hash(choose("loss", "huber"))
    assert choose("loss", "huber") != choose("loss", "huber", delta=2.0)
    assert str(choose("loss", "huber", delta=2.0)) == "huber(delta=2.0)"
    assert float(target(choose("loss", "squared_error"))(jnp.asarray(3.0))) == 9.0


@pytest.mark.parametrize("kind", ["loss", "penalty", "model", "optimizer", "schedule", "data"])
def test_everything_that_can_be_named_has_options_that_can_be_written(kind, tmp_path):
    names = available(kind)
    assert names
    for name in names:
        options = options_of(kind, name)
        needed = {"learning_rate": 0.5, "strength": 0.5, "file": __file__, "target": "y"}
        given = {f.name: needed[f.name] for f in fields(options) if f.name in needed}
        if name == "linnerud":
            given = {}
        validation = Validation(Document({}), Project(tmp_path))
        option = validation.choice(Choice(kind), {"name": name, **given}, (kind,))
        assert not validation.problems
        assert validation.choice(Choice(kind), plain(option), (kind,)) == option
        assert not validation.problems
