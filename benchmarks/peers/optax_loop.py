"""A Python loop over jitted steps, as in the getting-started guide of optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

NAME = "Python loop of jitted optax steps"


def prepare(features, targets, steps, batch_size, rate):
    optimizer = optax.sgd(rate)
    classes = int(targets.max()) + 1

    def loss(params, x, y):
        logits = x @ params["weights"] + params["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    @jax.jit
    def step(params, state, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    def train(seed):
        random = np.random.default_rng(seed)
        weights = 0.1 * random.normal(size=(features.shape[1], classes))
        params = {"weights": jnp.asarray(weights, jnp.float32), "bias": jnp.zeros(classes)}
        state = optimizer.init(params)
        done = 0
        while done < steps:
            order = random.permutation(len(features))
            for first in range(0, len(features) - batch_size + 1, batch_size):
                batch = order[first : first + batch_size]
                params, state, _ = step(params, state, features[batch], targets[batch])
                done += 1
                if done == steps:
                    break
        return np.asarray(params["weights"]), np.asarray(params["bias"])

    return train
