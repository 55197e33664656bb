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


def complement(z):
    """One minus each probability, summed from the others."""
    p = softmax(z)
    return [mp.fsum(p[:k] + p[k + 1 :]) for k in range(len(z))]


def covariance(z):
    p, rest = softmax(z), complement(z)
    every = range(len(z))
    return [[p[i] * rest[i] if i == j else -p[i] * p[j] for j in every] for i in every]


def log_softmax(z):
    return [
        -mp.log1p(mp.fsum(mp.exp(b - a) for j, b in enumerate(z) if j != i))
        for i, a in enumerate(z)
    ]


def log_softmax_jacobian(z):
    p, rest = softmax(z), complement(z)
    every = range(len(z))
    return [[rest[i] if i == j else -p[j] for j in every] for i in every]


def logsumexp(z):
    return max(z) + mp.log(mp.fsum(mp.exp(entry - max(z)) for entry in z))
