"""The same steps of optax in one `jax.lax.scan`, compiled once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

NAME = "one scan of optax steps"


def prepare(features, targets, steps, batch_size, rate):
    optimizer = optax.sgd(rate)
    classes = int(targets.max()) + 1
    x, y = jnp.asarray(features), jnp.asarray(targets)
    batches = len(features) // batch_size

    def loss(params, batch):
        logits = x[batch] @ params["weights"] + params["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[batch]).mean()

    def step(carry, batch):
        params, state = carry
        gradient = jax.grad(loss)(params, batch)
        updates, state = optimizer.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def run(key):
        start, order = jax.random.split(key)
        weights = 0.1 * jax.random.normal(start, (features.shape[1], classes))
        params = {"weights": weights, "bias": jnp.zeros(classes)}
        epochs = -(-steps // batches)
        orders = jax.vmap(lambda key: jax.random.permutation(key, len(features)))(
            jax.random.split(order, epochs)
        )
        rows = orders[:, : batches * batch_size].reshape(-1, batch_size)[:steps]
        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), rows)
        return params

    def train(seed):
        params = run(jax.random.key(seed))
        return np.asarray(params["weights"]), np.asarray(params["bias"])

    return train
