"""A Python loop over jitted steps, as in the getting-started guide of optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.task import Task

NAME = "Python loop of jitted optax steps"


def prepare(task: Task):
    optimizer = optax.adam(task.rate) if task.hidden else optax.sgd(task.rate)

    def loss(params, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(predict(params, x), y).mean()

    @jax.jit
    def step(params, state, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    def train(seed):
        random = np.random.default_rng(seed)
        params = [
            (jnp.asarray(random.normal(size=shape), jnp.float32) * scale, jnp.zeros(shape[1]))
            for shape, scale in zip(task.shapes, task.scales, strict=True)
        ]
        state = optimizer.init(params)
        done = 0
        while done < task.steps:
            order = random.permutation(task.rows)
            for first in range(0, task.rows - task.batch_size + 1, task.batch_size):
                batch = order[first : first + task.batch_size]
                x, y = task.features[batch], task.targets[batch]
                params, state, _ = step(params, state, x, y)
                done += 1
                if done == task.steps:
                    break
        return [(np.asarray(weights), np.asarray(bias)) for weights, bias in params]

    return train


def predict(params, x):
    *inner, (weights, bias) = params
    for matrix, shift in inner:
        x = jnp.tanh(x @ matrix + shift)
    return x @ weights + bias
