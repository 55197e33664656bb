"""The same steps of optax in one `jax.lax.scan`, compiled once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers.optax_loop import predict
from benchmarks.task import Task

NAME = "one scan of optax steps"


def prepare(task: Task):
    optimizer = optax.adam(task.rate) if task.hidden else optax.sgd(task.rate)
    x, y = jnp.asarray(task.features), jnp.asarray(task.targets)
    batches = task.rows // task.batch_size

    def loss(params, batch):
        logits = predict(params, x[batch])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[batch]).mean()

    def step(carry, batch):
        params, state = carry
        gradient = jax.grad(loss)(params, batch)
        updates, state = optimizer.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def run(key):
        start, order = jax.random.split(key)
        keys = jax.random.split(start, len(task.shapes))
        params = [
            (scale * jax.random.normal(key, shape), jnp.zeros(shape[1]))
            for key, shape, scale in zip(keys, task.shapes, task.scales, strict=True)
        ]
        epochs = -(-task.steps // batches)
        orders = jax.vmap(lambda key: jax.random.permutation(key, task.rows))(
            jax.random.split(order, epochs)
        )
        rows = orders[:, : batches * task.batch_size].reshape(-1, task.batch_size)[: task.steps]
        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), rows)
        return params

    def train(seed):
        return [(np.asarray(w), np.asarray(b)) for w, b in run(jax.random.key(seed))]

    return train
