"""Each shipped config measured once a session and judged as often as needed.

All in full length but two, whose every figure tests/test_accuracy.py and tests/test_laws.py measure
by themselves.
"""

import functools
from pathlib import Path

from jaxmath.config import reading
from jaxmath.config.study import Study
from jaxmath.lab import engine
from jaxmath.lab.engine import Measurement
from jaxmath.runs import Claim, Outcome

CONFIGS = Path(__file__).parents[2] / "configs"
FEWER = {
    "accuracy": ('formulas=["log_cosh", "sigmoid", "softplus", "huber"]', 'dtypes=["float64"]'),
    "derivatives": (
        'formulas=["sigmoid", "softmax", "huber", "hinge", "softmax_cross_entropy", "normal.kl"]',
        "points=64",
    ),
}
NAMES = sorted(path.stem for path in CONFIGS.glob("*.toml"))


@functools.cache
def measured(name: str) -> tuple[Study, Measurement]:
    study = reading.read(CONFIGS / f"{name}.toml", FEWER.get(name, ()))
    return study, engine.measure(study)


def claims(name: str, plant=lambda arrays: arrays) -> dict[str, Claim]:
    study, measurement = measured(name)
    result = engine.judge(study, measurement.data, plant(dict(measurement.measured)))
    return {claim.name: claim for claim in result.claims}


def red(judged: dict[str, Claim]) -> set[str]:
    return {name for name, claim in judged.items() if claim.outcome() is not Outcome.PASS}
