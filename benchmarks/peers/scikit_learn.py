"""scikit-learn's SGDClassifier with the logistic loss; one point a step, one class against all."""

import numpy as np
from sklearn.linear_model import SGDClassifier

NAME = "scikit-learn SGDClassifier (one against all, one point a step)"


def prepare(features, targets, steps, batch_size, rate):
    epochs = round(steps * batch_size / len(features))

    def train(seed):
        model = SGDClassifier(
            loss="log_loss",
            penalty=None,  # pyright: ignore[reportArgumentType]
            learning_rate="constant",
            eta0=rate / batch_size,
            max_iter=epochs,
            tol=None,  # pyright: ignore[reportArgumentType]
            random_state=seed,
        )
        model.fit(features, targets)
        return np.asarray(model.coef_).T, model.intercept_

    return train
