"""Functions with 50 digits, written to keep them in both tails; vectors are lists."""

import mpmath as mp

mp.mp.dps = 50


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def sigmoid_dx(x):
    return sigmoid(x) * sigmoid(-x)


def softplus(x):
    return max(x, mp.mpf(0)) + mp.log1p(mp.exp(-abs(x)))


def sech(x):
    return 2 / (mp.exp(x) + mp.exp(-x))


def below(x):
    # Beyond 1e4 the probability is no number of any dtype, and mpmath takes its time.
    return mp.ncdf(x) if abs(x) < 1e4 else mp.mpf(x > 0)


def density(x):
    return mp.npdf(x) if abs(x) < 1e4 else mp.mpf(0)


def softmax(z):
    weights = [mp.exp(entry - max(z)) for entry in z]
    return [weight / mp.fsum(weights) for weight in weights]


def others(z, k):
    """One minus the k-th probability, summed from the others."""
    return mp.fsum(p for j, p in enumerate(softmax(z)) if j != k)


def covariance(z):
    p = softmax(z)
    return [
        [p[i] * others(z, i) if i == j else -p[i] * p[j] for j in range(len(z))]
        for i in range(len(z))
    ]


def log_softmax(z):
    return [
        -mp.log1p(mp.fsum(mp.exp(b - a) for j, b in enumerate(z) if j != i))
        for i, a in enumerate(z)
    ]


def log_softmax_jacobian(z):
    p = softmax(z)
    return [[others(z, i) if i == j else -p[j] for j in range(len(z))] for i in range(len(z))]


def logsumexp(z):
    return max(z) + mp.log(mp.fsum(mp.exp(entry - max(z)) for entry in z))
