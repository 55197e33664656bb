"""Errors in units in the last place, against truths computed with 50 digits."""

import jax
import mpmath as mp
import numpy as np

mp.mp.dps = 50


def points(dtype, count=40):
    """Numbers over the exponents of the dtype, of ordinary size, and at the edges."""
    info = np.finfo(dtype)
    random = np.random.default_rng(20)
    sizes = 2.0 ** random.uniform(info.minexp, np.log2(float(info.max)), count)
    tail = -np.log(float(info.tiny))  # where exp(-x) leaves the normal numbers
    ends = [float(info.tiny), float(info.eps), 1e-3, 0.25, 0.5, 1, 2, 3, 8, 20, 40, 1e6]
    ends += [tail * k for k in (0.2, 0.45, 0.5, 0.9, 0.99, 0.999, 1, 1.001)]
    ends += [np.sqrt(2 * tail) * k for k in (0.99, 1, 1.005, 1.01)]
    ends += [tail / 2 + shift for shift in (0.3, 0.6, 0.7, 0.8, 1.0)]  # and its square
    ends += [float(info.max)]
    ordinary = [random.uniform(-width, width, count) for width in (3, 12, tail)]
    return np.unique(
        np.concatenate([[0], sizes, -sizes, ends, np.negative(ends), *ordinary])
    ).astype(dtype)


def vectors(dtype, size=4, count=25):
    """Vectors of all scales, of equal and nearly equal entries, shifted, and at the edges."""
    info = np.finfo(dtype)
    random = np.random.default_rng(21)
    scales = 10.0 ** random.uniform(-3, 3, (count, 1))
    spread = scales * random.normal(size=(count, size))
    shifted = spread + 10.0 ** random.uniform(0, 5, (count, 1))
    tied = np.where(random.random((count, size)) < 0.5, spread[:, :1], spread)
    tail = -np.log(float(info.tiny))
    ends = [0, 1, float(info.eps), 30, 0.49 * tail, 0.99 * tail, tail, 1.01 * tail, info.max]
    alone = np.zeros((2 * len(ends), size))
    alone[:, 1] = [*ends, *np.negative(ends)]
    return np.concatenate([spread, shifted, tied, alone]).astype(dtype)


def routes(formula):
    """Value and derivatives by the closed form, reverse and forward mode, over a batch.

    A dictionary from the names of the arguments of differentiation, () for the value, to the
    answers of all routes. One program; that eager evaluation agrees is tested elsewhere.
    """
    names = formula.arguments

    def one(*args):
        answers = {(): [formula.fn(*args)]}
        for name, partial in formula.partials.items():
            i = names.index(name)
            answers[name,] = [
                partial(*args),
                jax.grad(formula.fn, i)(*args),
                jax.jacfwd(formula.fn, i)(*args),
            ]
        for (name, other), second in formula.seconds.items():
            i, j = names.index(name), names.index(other)
            answers[name, other] = [
                second(*args),
                jax.jacfwd(jax.grad(formula.fn, i), j)(*args),
                jax.jacrev(jax.grad(formula.fn, i), j)(*args),
                jax.jacfwd(formula.partials[name], j)(*args),
            ]
        return answers

    return jax.jit(jax.vmap(one))


def worst(answers, truth, batch, conditioned=False):
    """The largest error among answers to the same question, in ulp, and where it stands.

    `truth` takes and returns numbers of 50 digits, lists of them for vectors. A subnormal truth
    may be answered by zero or by itself, an overflowing one by infinity.
    With `conditioned`, what half an ulp in the inputs would change is added to the ulp: nothing
    better can be asked where terms cancel and the inputs are rounded numbers.
    """
    dtype = batch[0].dtype
    assert all(answer.dtype == dtype for answer in answers)
    points = len(batch[0])
    answers = np.stack([np.asarray(answer).reshape(points, -1) for answer in answers], axis=-1)
    errors = np.zeros(points)
    for i, args in enumerate(zip(*batch, strict=True)):
        exact = [_exact(arg) for arg in args]
        truths = _flat(truth(*exact))
        slack = _slack(truth, args, exact, truths, dtype) if conditioned else [0] * len(truths)
        lost = any(abs(true) > np.finfo(dtype).max for true in truths)
        for rivals, true, free in zip(answers[i], truths, slack, strict=True):
            for answer in rivals:
                # Infinity times zero is no number: beside an overflow NaN proves nothing.
                if not (lost and np.isnan(answer)):
                    errors[i] = max(errors[i], _error(answer, true, free, np.finfo(dtype)))
    i = np.argmax(errors)
    return errors[i], tuple(np.asarray(arg[i]).tolist() for arg in batch)


def _error(answer, true, slack, info):
    tiny, largest = float(info.tiny), float(info.max)
    if abs(true) < tiny:
        return 0 if abs(answer) <= 1.001 * tiny + slack else np.inf
    if abs(true) > largest:
        return 0 if abs(answer) > 0.999 * largest else np.inf
    if not np.isfinite(answer):
        return np.inf
    ulp = mp.mpf(2) ** mp.floor(mp.log(abs(true), 2)) * float(info.eps)
    return float(abs(mp.mpf(float(answer)) - true) / (ulp + slack))


def _exact(value):
    value = np.asarray(value)
    return mp.mpf(float(value)) if value.ndim == 0 else [mp.mpf(float(entry)) for entry in value]


def _flat(value):
    if isinstance(value, list):
        return [leaf for entry in value for leaf in _flat(entry)]
    return [mp.mpf(value)]


def _slack(truth, args, exact, truths, dtype):
    total = [mp.mpf(0)] * len(truths)
    for k, arg in enumerate(args):
        if not np.issubdtype(np.asarray(arg).dtype, np.floating):
            continue
        for entry in np.ndindex(np.shape(arg)):
            _, exponent = np.frexp(np.asarray(arg, np.float64)[entry])
            half = mp.mpf(2) ** (int(exponent) - 2) * float(np.finfo(dtype).eps)
            moved = list(exact)
            if entry:  # weights below the least normal number count as zero in a sum
                total = [t + float(np.finfo(dtype).tiny) for t in total]
            if entry:
                moved[k] = list(exact[k])
                moved[k][entry[0]] += half
            else:
                moved[k] = exact[k] + half
            shifted = _flat(truth(*moved))
            total = [t + abs(s - b) for t, s, b in zip(total, shifted, truths, strict=True)]
    return total
