"""The gradient of a loss at one point, every coordinate of it, compared in less than a second.

Closed form, reverse and forward mode, and central differences in float64: fast enough for a test
or beside a training, and numerical, not proven. `derivatives` and `examine` judge a whole domain.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.verify.central import EPS, SEEN, STEP, TILE, central, every, scatter, tiled
from jaxmath.verify.compare import AGREE, DISAGREE, KINK, ROUNDINGS, UNDECIDED, ZERO
from jaxmath.verify.report import BLAMED, Report, Row, Worst

SMALL = 32
"""Up to so many coordinates each is a direction, and the Hessian is whole."""

NEARBY = 8
"""At so many points, some roundings away, the noise of the loss and its gradient is measured."""

SECOND = "forward over reverse"


def quick_check(
    function: Callable[..., Any],
    params: Any,
    *args: Any,
    gradient: Callable[..., Any] | None = None,
    directions: int = 16,
    seed: int = 0,
) -> Report:
    """Compare every coordinate of a gradient at one point, and second derivatives along directions.

    The first call for a function and its shapes compiles; later ones, with other numbers in
    `params` and `args`, do not. So hand in the same function again, not a new lambda.

    Args:
        function: a loss, `function(params, *args)`, a single number.
        params: a pytree of floating arrays, where the gradient is looked at.
        args: what else the loss takes, such as a batch; not differentiated.
        gradient: the closed form, `gradient(params, *args)`, a pytree like `params`.
        directions: along how many random directions v forward mode and second derivatives are
            looked at. Of at most 32 coordinates each is a direction, and the Hessian is whole.
        seed: of the directions.

    Returns:
        A report with a row for the slopes in all coordinates of `params`, and rows for the slopes
        and the gradient's slopes along v. The reference are central differences, of the loss and,
        at second order, of its gradient in reverse mode. They cannot see a derivative that is
        small beside the rounding of the loss: that is undecided. At a kink nothing is judged.

    Raises:
        ValueError: the loss is no single number, params are not of floating dtype, or the closed
            form is not shaped like them.
    """
    leaves, structure = jax.tree.flatten(params)
    leaves = [np.asarray(leaf) for leaf in leaves]
    if not leaves or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
        kinds = ", ".join(f"{leaf.dtype}{list(leaf.shape)}" for leaf in leaves) or "nothing"
        raise ValueError(
            f"What is differentiated must be floating arrays, and is {kinds}: "
            "hand in labels and the like after it."
        )
    theta = np.concatenate([leaf.ravel() for leaf in leaves])
    scale = np.concatenate([_scale(leaf) for leaf in leaves])
    rng = np.random.default_rng(seed)
    whole = theta.size <= SMALL
    signs = np.eye(theta.size) if whole else rng.choice([-1.0, 1.0], (directions, theta.size))
    moves = signs * scale
    nearby = ROUNDINGS * EPS * theta * rng.choice([-1.0, 1.0], (NEARBY, theta.size))
    shapes = tuple(leaf.shape for leaf in leaves)
    look, difference = _programs(function, gradient, structure, shapes)
    meanwhile = None if whole else difference.compiling(theta, args)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        first, along, second, values, slopes = jax.device_get(look(theta, args, moves, nearby))
        noise = scatter(values[0], values[1 : 1 + NEARBY] - nearby @ slopes[0])
        slope_noise = scatter(slopes[0], slopes[1 : 1 + NEARBY])
        eps = float(jnp.finfo(theta.dtype).eps)
        moved = slope_noise * (eps / EPS)  # what rounding the point in its own dtype does
        along_truth = central(values[0], values[1 + NEARBY :], noise)
        bend = central(slopes[0], slopes[1 + NEARBY :], slope_noise)
        bend = bend._replace(kink=np.zeros_like(bend.kink))  # a jump of the slope is undecided
        judge = functools.partial(_row, eps=eps, params=params, theta=theta)
        if whole:
            # A move is a coordinate times its scale, which is taken out again.
            per = scale[:, None]
            first["forward mode"] = along / scale
            rows = [
                judge(("params",), first, along_truth.over(scale), moved),
                judge(("params", "params"), {SECOND: second / per}, bend.over(per), moved / per),
            ]
        else:
            if meanwhile is not None:
                meanwhile.result()
            ask = functools.partial(tiled, difference.run, theta.astype(np.float64), args)
            truth = every(ask, values[0], slopes[0], noise, theta, scale)
            pushed = {"reverse mode": moves @ first["reverse mode"], "forward mode": along}
            spread = np.sqrt(moves**2 @ (moved + eps * np.abs(slopes[0])) ** 2)
            rows = [
                judge(("params",), first, truth, moved),
                judge(("v",), pushed, along_truth, spread),
                judge(("v", "params"), {SECOND: second}, bend, moved),
            ]
    return Report(
        name=getattr(function, "__name__", type(function).__name__),
        domain=f"one point of {theta.size:,} coordinates",
        assumed=False,
        dtype=theta.dtype.name,
        points=1,
        reference="central differences in float64 at this point: numerical, not proven",
        opinions=tuple(dict.fromkeys([*first, "forward mode", SECOND])),
        rows=tuple(rows),
    )


def _scale(leaf: np.ndarray) -> np.ndarray:
    """The size of each coordinate, and of its whole array where that is larger."""
    size = np.abs(leaf.ravel().astype(np.float64))
    return np.maximum(size, math.sqrt(np.mean(size**2)) or 1.0) if size.size else size


@functools.lru_cache(maxsize=128)
def _programs(function, gradient, structure, shapes):
    """One program for all that is looked at at once, and one for differences of the loss."""
    stops = np.cumsum([math.prod(shape) for shape in shapes])

    def unravel(theta):
        parts = jnp.split(theta, stops[:-1])
        parts = [jnp.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
        return jax.tree.unflatten(structure, parts)

    def loss(theta, args):
        value = jnp.asarray(function(unravel(theta), *_floating(args, theta.dtype)))
        if value.shape:
            raise ValueError(
                f"quick_check compares the gradient of a single number; the function returns "
                f"{value.dtype}{list(value.shape)}."
            )
        return value

    both = jax.value_and_grad(loss)

    def closed_form(theta, args):
        found = gradient(unravel(theta), *_floating(args, theta.dtype))
        given = [jnp.shape(leaf) for leaf in jax.tree.leaves(found)]
        if jax.tree.structure(found) != structure or given != list(shapes):
            raise ValueError(
                f"The closed form returns {jax.tree.structure(found)} of shapes {given}, and the "
                f"parameters are {structure} of shapes {list(shapes)}."
            )
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(found)])

    # A first call is nearly all compiling, so what runs for milliseconds is not optimised.
    @functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
    def look(theta, args, moves, nearby):
        def push(move):
            at = lambda theta: both(theta, args)  # noqa: E731
            return jax.jvp(at, (theta,), (move.astype(theta.dtype),))

        out = ((None, None), (0, 0))
        (_, reverse), (along, second) = jax.vmap(push, out_axes=out)(moves)
        first = {} if gradient is None else {"closed form": closed_form(theta, args)}
        first["reverse mode"] = reverse
        centre = theta.astype(np.float64)[None]
        points = [centre, centre + nearby]
        points += [centre + k * STEP * moves for k in (1, -1, 2, -2)]
        around = jax.vmap(both, in_axes=(0, None))(jnp.concatenate(points), args)
        return first, along, second, *around

    @functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 1})
    def difference(theta, args, index, step):
        def one(pair):
            place, h = pair
            return loss(theta.at[place].add(h), args), loss(theta.at[place].add(-h), args)

        return jax.lax.map(one, (index, step))

    return look, _Difference(difference)


class _Difference:
    """The program for differences, and whether it was ever compiled."""

    def __init__(self, run):
        self.run, self.met = run, False

    def compiling(self, theta, args) -> Future[None] | None:
        """Compiles it, the first time, while the other program is compiled."""
        if self.met:
            return None
        self.met = True

        def once():
            nowhere = np.zeros(TILE, int), np.zeros(TILE)
            with jax.enable_x64(True):
                jax.block_until_ready(self.run(theta.astype(np.float64), args, *nowhere))

        pool = ThreadPoolExecutor(1)
        compiled = pool.submit(once)
        pool.shutdown(wait=False)
        return compiled


def _floating(args, dtype):
    """The floating arrays among the other arguments in one dtype."""

    def cast(leaf):
        floating = jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        return jnp.asarray(leaf, dtype) if floating else leaf

    return jax.tree.map(cast, args)


def _row(arguments, answers, reference, moved, *, eps, params, theta) -> Row:
    """Judge answers by each other, as far as rounding moves them, and by differences."""
    truth, bar, kink = reference
    voices = {mode: np.asarray(voice, np.float64) for mode, voice in answers.items()}
    stack = np.array(list(voices.values()))
    size = np.max(np.abs(stack), axis=0)
    roundings = ROUNDINGS * 4 ** (len(arguments) - 1)
    tiny = float(jnp.finfo(theta.dtype).tiny)
    allowed = roundings * (eps * size + tiny) + roundings / 4 * moved
    apart = np.max(stack, axis=0) - np.min(stack, axis=0)
    equal = apart <= allowed
    wrong = {m: np.isnan(v) | (np.abs(v - truth) > bar + allowed) for m, v in voices.items()}
    any_wrong = np.any(list(wrong.values()), axis=0)
    decisive = bar <= SEEN * np.abs(truth)
    zero = (size == 0) & (np.abs(truth) <= bar) & (bar <= SEEN * np.max(np.abs(truth)))
    state = np.where(zero, ZERO, np.where(equal & decisive, AGREE, UNDECIDED))
    state = np.where(kink, KINK, np.where(equal & ~any_wrong, state, DISAGREE))
    red = state == DISAGREE
    count = np.bincount(state.ravel(), minlength=ZERO + 1)
    blame = {mode: int((red & w).sum()) for mode, w in wrong.items() if (red & w).any()}
    if unknown := int((red & ~any_wrong).sum()):
        blame[BLAMED] = unknown
    excess = float(np.max(apart / allowed, initial=0.0, where=~red))
    kind = next(kind for kind in (DISAGREE, UNDECIDED, AGREE, ZERO, KINK) if count[kind])
    error = np.max(np.abs(stack - truth), axis=0)
    far = np.where(np.isfinite(error), error / allowed, np.inf)
    chosen = np.unravel_index(np.argmax(np.where(state == kind, far, -1.0)), state.shape)
    return Row(
        arguments=arguments,
        agree=int(count[AGREE]),
        disagree=int(count[DISAGREE]),
        undecided=int(count[UNDECIDED]),
        zeros=int(count[ZERO]),
        kinks=int(count[KINK]),
        unasked=0,
        blame=blame,
        digits=-math.log10(eps * max(excess * roundings, 1.0)),
        worst=Worst(
            point=_place(arguments, chosen, params, theta),
            answers={mode: float(voice[chosen]) for mode, voice in voices.items()},
            reference=float(truth[chosen]),
            reference_error=float(bar[chosen]),
            relative=float(error[chosen] / abs(truth[chosen])),
            ulps=float(far[chosen] * roundings),
        ),
        data={
            "verdict": state,
            "reference": truth,
            "reference error": bar,
            "allowed": allowed,
            **voices,
        },
    )


def _place(arguments, chosen, params, theta) -> dict[str, Any]:
    """Which coordinate of which array an entry belongs to, and its value; or the direction."""
    place: dict[str, Any] = {}
    for argument, entry in zip(arguments, map(int, chosen), strict=True):
        if argument == "v":
            place["direction v"] = entry
            continue
        start = 0
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            if entry < start + np.size(leaf):
                index = np.unravel_index(entry - start, np.shape(leaf))
                inside = f"[{', '.join(map(str, index))}]" if index else ""
                place[f"params{jax.tree_util.keystr(path)}{inside}"] = theta[entry]
                break
            start += np.size(leaf)
    return place
