r"""What each optimiser does to the parameters, once, as its paper writes it.

A recursion takes the slope (a function of the point), the point `x`, its `memory`, the number `k`
of the step (from 1) and the hyper-parameters, and returns the next point and memory. Operators
alone: the same lines run on jax arrays and on NumPy's, in any precision. Training itself uses
optax; these formulas are what it is held against.
"""


def sgd(slope, x, memory, k, *, learning_rate):
    """A step against the gradient (Robbins and Monro 1951)."""
    return x - learning_rate * slope(x), memory


def momentum(slope, x, memory, k, *, learning_rate, decay=0.9):
    """The heavy ball of Polyak 1964, as Sutskever et al. 2013 write it (eq. 1 and 2)."""
    (velocity,) = memory or (0 * x,)
    velocity = decay * velocity - learning_rate * slope(x)
    return x + velocity, (velocity,)


def nesterov(slope, x, memory, k, *, learning_rate, decay=0.9):
    """The gradient is taken at the point ahead, `x + decay * velocity` (ibid., eq. 3 and 4).

    Nesterov 1983 rewritten as momentum. Optax keeps that point ahead as its parameters.
    """
    (velocity,) = memory or (0 * x,)
    velocity = decay * velocity - learning_rate * slope(x + decay * velocity)
    return x + velocity, (velocity,)


def rmsprop(slope, x, memory, k, *, learning_rate, decay=0.9, eps=1e-8):
    """Tieleman and Hinton 2012, lecture 6.5; the lecture has no `eps`."""
    (mean_square,) = memory or (0 * x,)
    gradient = slope(x)
    mean_square = decay * mean_square + (1 - decay) * gradient**2
    return x - learning_rate * gradient / (mean_square**0.5 + eps), (mean_square,)


def adam(slope, x, memory, k, *, learning_rate, b1=0.9, b2=0.999, eps=1e-8):
    """Kingma and Ba 2015, algorithm 1."""
    m, v = memory or (0 * x, 0 * x)
    gradient = slope(x)
    m = b1 * m + (1 - b1) * gradient
    v = b2 * v + (1 - b2) * gradient**2
    m_hat = m / (1 - b1**k)
    v_hat = v / (1 - b2**k)
    return x - learning_rate * m_hat / (v_hat**0.5 + eps), (m, v)


def adamw(slope, x, memory, k, *, learning_rate, b1=0.9, b2=0.999, eps=1e-8, weight_decay=1e-4):
    """Loshchilov and Hutter 2019, algorithm 2, whose decay is `learning_rate * weight_decay`."""
    step, memory = adam(slope, x, memory, k, learning_rate=learning_rate, b1=b1, b2=b2, eps=eps)
    return step - learning_rate * weight_decay * x, memory


RECURSIONS = (sgd, momentum, nesterov, rmsprop, adam, adamw)
