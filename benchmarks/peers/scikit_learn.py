"""scikit-learn's MLPClassifier, which without hidden layers is a softmax regression.

Its defaults (momentum 0.9, a penalty, early end where the loss stands still) train something else,
so the documented settings that make it the same training are given.
"""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.task import Task

NAME = "scikit-learn MLPClassifier"


def prepare(task: Task):
    epochs = round(task.steps * task.batch_size / task.rows)

    def train(seed):
        model = MLPClassifier(
            hidden_layer_sizes=task.hidden,
            activation="tanh",
            solver="adam" if task.hidden else "sgd",
            alpha=0.0,
            batch_size=task.batch_size,  # pyright: ignore[reportArgumentType]
            learning_rate_init=task.rate,
            momentum=0.0,
            max_iter=epochs,
            tol=0.0,
            n_iter_no_change=epochs,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(task.features, task.targets)
        return [*zip(model.coefs_, model.intercepts_, strict=True)]

    return train
