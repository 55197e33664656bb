"""The problems of Moré, Garbow and Hillstrom with their standard starts and published minima.

J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, ACM
Transactions on Mathematical Software 7 (1981) 17-41: thirty-five sums of squares of residuals, in
the order and with the numbers of section 3. The paper prints minima with six digits; where these
are not enough to judge by, more stand here, as the GNU Scientific Library's tests give them.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np


class Problem(NamedTuple):
    number: int
    name: str
    residuals: object
    start: np.ndarray
    minima: tuple  # of the sum of squares, the global one first


def column(*numbers):
    return np.array(numbers, float)


def rosenbrock(x):
    return jnp.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def freudenstein_roth(x):
    a, b = x
    return jnp.stack([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def powell_badly_scaled(x):
    return jnp.stack([1e4 * x[0] * x[1] - 1, jnp.exp(-x[0]) + jnp.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return jnp.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    return column(1.5, 2.25, 2.625) - x[0] * (1 - x[1] ** np.arange(1, 4))


def jennrich_sampson(x):
    i = np.arange(1.0, 11)
    return 2 + 2 * i - (jnp.exp(i * x[0]) + jnp.exp(i * x[1]))


def helical_valley(x):
    a, b, c = x
    turn = jnp.arctan(b / a) / (2 * np.pi) + jnp.where(a < 0, 0.5, 0)
    return jnp.stack([10 * (c - 10 * turn), 10 * (jnp.hypot(a, b) - 1), c])


BARD = column(
    0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.1, 4.39
)


def bard(x):
    u = np.arange(1.0, 16)
    v = 16 - u
    return BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


GAUSSIAN = column(9, 44, 175, 540, 1295, 2420, 3521, 3989, 3521, 2420, 1295, 540, 175, 44, 9) / 1e4


def gaussian(x):
    t = (8 - np.arange(1.0, 16)) / 2
    return x[0] * jnp.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSSIAN


MEYER = column(
    *(34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744),
    *(8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872),
)


def meyer(x):
    return x[0] * jnp.exp(x[1] / (45 + 5 * np.arange(1.0, 17) + x[2])) - MEYER


def gulf(x):
    t = np.arange(1.0, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return jnp.exp(-(jnp.abs(y - x[1]) ** x[2]) / x[0]) - t


def box(x):
    t = np.arange(1.0, 11) / 10
    return jnp.exp(-t * x[0]) - jnp.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = x
    parts = [a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2]
    return jnp.stack(parts)


def wood(x):
    a, b, c, d = x
    root = np.sqrt(10)
    first = [10 * (b - a**2), 1 - a, 3 * root * (d - c**2), 1 - c]
    return jnp.stack([*first, root * (b + d - 2), (b - d) / root])


KOWALIK = column(
    0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246
)
DOSES = column(4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)


def kowalik_osborne(x):
    u = DOSES
    return KOWALIK - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = np.arange(1.0, 21) / 5
    wave = x[2] + x[3] * np.sin(t) - np.cos(t)
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + wave**2


OSBORNE_1 = column(
    *(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751),
    *(0.718, 0.685, 0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490),
    *(0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406),
)


def osborne_1(x):
    t = 10 * np.arange(33.0)
    return OSBORNE_1 - (x[0] + x[1] * jnp.exp(-t * x[3]) + x[2] * jnp.exp(-t * x[4]))


def biggs(x):
    t = np.arange(1.0, 14) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * jnp.exp(-t * x[0]) - x[3] * jnp.exp(-t * x[1]) + x[5] * jnp.exp(-t * x[4]) - y


OSBORNE_2 = column(
    *(1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608),
    *(0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661),
    *(0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428),
    *(0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559),
    *(0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054),
)


def osborne_2(x):
    t = np.arange(65.0) / 10
    bumps = sum(x[k] * jnp.exp(-((t - x[k + 7]) ** 2) * x[k + 4]) for k in (1, 2, 3))
    return OSBORNE_2 - (x[0] * jnp.exp(-t * x[4]) + bumps)


def watson(x):
    t = np.arange(1.0, 30)[:, None] / 29
    j = np.arange(float(x.size))
    powers, slopes = t**j, j[1:] * t ** (j[1:] - 1)
    rest = jnp.stack([x[0], x[1] - x[0] ** 2 - 1])
    return jnp.concatenate([slopes @ x[1:] - (powers @ x) ** 2 - 1, rest])


def extended_rosenbrock(x):
    return jnp.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def extended_powell(x):
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    parts = [a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2]
    return jnp.concatenate(parts)


def penalty_1(x):
    return jnp.append(np.sqrt(1e-5) * (x - 1), x @ x - 0.25)


def penalty_2(x):
    n, root = x.size, np.sqrt(1e-5)
    i = np.arange(2.0, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    pairs = root * (jnp.exp(x[1:] / 10) + jnp.exp(x[:-1] / 10) - y)
    alone = root * (jnp.exp(x[1:] / 10) - np.exp(-1 / 10))
    total = jnp.sum(np.arange(n, 0.0, -1) * x**2) - 1
    return jnp.concatenate([(x[0] - 0.2)[None], pairs, alone, total[None]])


def variably_dimensioned(x):
    total = np.arange(1.0, x.size + 1) @ (x - 1)
    return jnp.concatenate([x - 1, jnp.stack([total, total**2])])


def trigonometric(x):
    i = np.arange(1.0, x.size + 1)
    return x.size - jnp.sum(jnp.cos(x)) + i * (1 - jnp.cos(x)) - jnp.sin(x)


def brown_almost_linear(x):
    return jnp.append(x[:-1] + jnp.sum(x) - (x.size + 1), jnp.prod(x) - 1)


def grid(n):
    return np.arange(1.0, n + 1) / (n + 1)


def discrete_boundary_value(x):
    n, t = x.size, grid(x.size)
    wide = jnp.pad(x, 1)
    return 2 * x - wide[:-2] - wide[2:] + (x + t + 1) ** 3 / (2 * (n + 1) ** 2)


def discrete_integral(x):
    n, t = x.size, grid(x.size)
    cube = (x + t + 1) ** 3
    kernel = np.where(t[:, None] >= t, (1 - t[:, None]) * t, t[:, None] * (1 - t))
    return x + kernel @ cube / (2 * (n + 1))


def broyden_tridiagonal(x):
    wide = jnp.pad(x, 1)
    return (3 - 2 * x) * x - wide[:-2] - 2 * wide[2:] + 1


def broyden_banded(x):
    i = np.arange(x.size)
    apart = i[:, None] - i
    near = ((apart <= 5) & (apart >= -1) & (apart != 0)) * 1.0
    return x * (2 + 5 * x**2) + 1 - near @ (x * (1 + x))


def linear_full_rank(x):
    m = 2 * x.size
    return jnp.pad(x, (0, m - x.size)) - 2 / m * jnp.sum(x) - 1


def linear_rank_1(x):
    i = np.arange(1.0, 2 * x.size + 1)
    return i * (np.arange(1.0, x.size + 1) @ x) - 1


def linear_rank_1_with_zeros(x):
    i = np.arange(1.0, 2 * x.size - 1)
    inner = (np.arange(1.0, x.size + 1) @ x) - x[0] - x.size * x[-1]
    return jnp.concatenate([-np.ones(1), i * inner - 1, -np.ones(1)])


def chebyquad(x):
    n = x.size
    z = 2 * x - 1
    before, now, rows = jnp.ones_like(z), z, []
    for i in range(1, n + 1):
        rows.append(jnp.mean(now) + (0 if i % 2 else 1 / (i**2 - 1)))
        before, now = now, 2 * z * now - before
    return jnp.stack(rows)


def alternating(n, *cycle):
    return np.tile(column(*cycle), n // len(cycle))


T = grid(10)
PROBLEMS = (
    Problem(1, "Rosenbrock", rosenbrock, column(-1.2, 1), (0,)),
    Problem(2, "Freudenstein-Roth", freudenstein_roth, column(0.5, -2), (0, 48.98425367924003)),
    Problem(3, "Powell badly scaled", powell_badly_scaled, column(0, 1), (0,)),
    Problem(4, "Brown badly scaled", brown_badly_scaled, column(1, 1), (0,)),
    Problem(5, "Beale", beale, column(1, 1), (0,)),
    Problem(6, "Jennrich-Sampson", jennrich_sampson, column(0.3, 0.4), (124.3621823556148,)),
    Problem(7, "Helical valley", helical_valley, column(-1, 0, 0), (0,)),
    Problem(8, "Bard", bard, column(1, 1, 1), (8.21487e-3, 17.4286)),
    Problem(9, "Gaussian", gaussian, column(0.4, 1, 0), (1.12793e-8,)),
    Problem(10, "Meyer", meyer, column(0.02, 4000, 250), (87.94585517053883,)),
    Problem(11, "Gulf", gulf, column(5, 2.5, 0.15), (0,)),
    Problem(12, "Box", box, column(0, 10, 20), (0,)),
    Problem(13, "Powell singular", powell_singular, column(3, -1, 0, 1), (0,)),
    Problem(14, "Wood", wood, column(-3, -1, -3, -1), (0,)),
    Problem(15, "Kowalik-Osborne", kowalik_osborne, column(0.25, 0.39, 0.415, 0.39), (3.07505e-4,)),
    Problem(16, "Brown-Dennis", brown_dennis, column(25, 5, -5, -1), (85822.20162635628,)),
    Problem(17, "Osborne 1", osborne_1, column(0.5, 1.5, -1, 0.01, 0.02), (5.46489e-5,)),
    Problem(18, "Biggs", biggs, column(1, 2, 1, 1, 1, 1), (0, 5.65565e-3)),
    Problem(
        19,
        "Osborne 2",
        osborne_2,
        column(1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5),
        (4.01377e-2,),
    ),
    Problem(20, "Watson, n = 6", watson, np.zeros(6), (2.28767e-3,)),
    Problem(20, "Watson, n = 9", watson, np.zeros(9), (1.39976e-6,)),
    Problem(20, "Watson, n = 12", watson, np.zeros(12), (4.72238e-10,)),
    Problem(21, "extended Rosenbrock", extended_rosenbrock, alternating(10, -1.2, 1), (0,)),
    Problem(22, "extended Powell", extended_powell, alternating(12, 3, -1, 0, 1), (0,)),
    Problem(23, "penalty I, n = 4", penalty_1, np.arange(1.0, 5), (2.24997e-5,)),
    Problem(23, "penalty I, n = 10", penalty_1, np.arange(1.0, 11), (7.08765e-5,)),
    Problem(24, "penalty II, n = 4", penalty_2, np.full(4, 0.5), (9.37629e-6,)),
    Problem(24, "penalty II, n = 10", penalty_2, np.full(10, 0.5), (2.93660e-4,)),
    Problem(25, "variably dimensioned", variably_dimensioned, 1 - np.arange(1.0, 11) / 10, (0,)),
    Problem(26, "trigonometric", trigonometric, np.full(10, 0.1), (0, 2.79506e-5)),
    Problem(27, "Brown almost linear", brown_almost_linear, np.full(10, 0.5), (0, 1)),
    Problem(28, "discrete boundary value", discrete_boundary_value, T * (T - 1), (0,)),
    Problem(29, "discrete integral", discrete_integral, T * (T - 1), (0,)),
    Problem(30, "Broyden tridiagonal", broyden_tridiagonal, np.full(10, -1.0), (0,)),
    Problem(31, "Broyden banded", broyden_banded, np.full(10, -1.0), (0,)),
    Problem(32, "linear, full rank", linear_full_rank, np.ones(10), (10,)),
    Problem(33, "linear, rank 1", linear_rank_1, np.ones(10), (20 * 19 / (2 * 41),)),
    Problem(34, "linear, rank 1, zeros", linear_rank_1_with_zeros, np.ones(10), (454 / (2 * 37),)),
    Problem(35, "Chebyquad, n = 8", chebyquad, np.arange(1.0, 9) / 9, (3.51687e-3,)),
    Problem(35, "Chebyquad, n = 9", chebyquad, np.arange(1.0, 10) / 10, (0,)),
    Problem(35, "Chebyquad, n = 10", chebyquad, np.arange(1.0, 11) / 11, (6.50395e-3,)),
)
"""All thirty-five, those with a free size in one or more of the sizes that the paper reports."""
