"""What every contender of the sweep's benchmark trains, and how its result is judged."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np


class Task(NamedTuple):
    """A classifier by layers of tanh; without hidden ones a softmax regression, then by plain SGD.

    Attributes:
        rate: the learning rate, of SGD or of Adam.
    """

    features: np.ndarray
    targets: np.ndarray
    hidden: tuple[int, ...]
    steps: int
    batch_size: int
    rate: float

    @property
    def rows(self) -> int:
        return len(self.features)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        sizes = (self.features.shape[1], *self.hidden, int(self.targets.max()) + 1)
        return [*pairwise(sizes)]

    @property
    def scales(self) -> list[float]:
        """How widely the initial weights of each layer are spread."""
        return [1 / inputs**0.5 if self.hidden else 0.1 for inputs, _ in self.shapes]

    @property
    def operations(self) -> float:
        """How often a run's matrix products add or multiply.

        Forward, and backward by both factors, save by the features.
        """
        a_step = sum(
            (2 + 2 + 2 * (layer > 0)) * inputs * outputs
            for layer, (inputs, outputs) in enumerate(self.shapes)
        )
        return float(self.steps * self.batch_size * a_step)

    def loss(self, layers: list[tuple[Any, Any]]) -> float:
        """The mean cross-entropy of the training rows, in NumPy."""
        x = self.features.astype(np.float64)
        for weights, bias in layers[:-1]:
            x = np.tanh(x @ weights + bias)
        logits = x @ layers[-1][0] + layers[-1][1]
        logits = logits - logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(self.rows), self.targets]
        return float(np.mean(np.log(np.sum(np.exp(logits), axis=1)) - chosen))
