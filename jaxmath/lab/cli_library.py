"""Commands about functions: what there is, whether one is right, and one more."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from jaxmath.config.errors import InputError, Problem
from jaxmath.config.statuses import statuses
from jaxmath.lab.cli_shared import Json, say, say_json

app = typer.Typer()
new = typer.Typer(
    help="Write a module, a config and a test that run and pass.", no_args_is_help=True
)
app.add_typer(new, name="new")


@app.command(name="list")
def list_command(
    by: Annotated[
        str | None, typer.Option("--by", metavar="topic", help="The mission's rows.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List experiments, formulas, data sets, models and optimisers."""
    with statuses():
        from jaxmath.examine import catalog

        if by not in (None, "topic"):
            raise InputError(Problem(f"`--by` should be topic, got {by}", text=f"--by {by}"))
        if as_json:
            say_json(catalog.topics(Path.cwd()) if by else catalog.listed(Path.cwd()))
        else:
            say(catalog.by_topic(Path.cwd()) if by else catalog.listing(Path.cwd()))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="FORMULA", help="A name that `list` prints.")],
    as_json: Json = False,
) -> None:
    """Print the card of a formula: domain, derivatives, facts, source."""
    with statuses():
        from jaxmath.examine import catalog

        if as_json:
            say_json([card._asdict() for card in catalog.cards(name, Path.cwd())])
        else:
            say(catalog.card(name, Path.cwd()))


VERIFY = """
NAME is FILE.py:FUNCTION, MODULE:FUNCTION or a formula that `list` prints. Without one, or with a
.toml file, all functions in the table [tool.jaxmath.verify] of pyproject.toml are verified.
Exit status: 0 nothing is wrong, conventions at kinks included; 2 bad input; 3 something is wrong or
undecided; 4 the function's own code raised; 74 disk or permissions; 130 and 143 interrupted; 1 a
bug of jaxmath.
"""


@app.command(epilog=VERIFY)
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What to verify; see below.")
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="x=SET,...",
            help="The set of each argument: x=positive,y=[0,1), w=real^3, x=real|inf|nan, y={0,1}. "
            "By default wherever the value is finite.",
        ),
    ] = None,
    wrt: Annotated[
        str | None, typer.Option(metavar="x,y", help="Differentiate in these arguments alone.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="x=POINT|a..b",
            help="Look at these points first, x=0.5 or w=[1,2,3]; only in a range, x=-40..40.",
        ),
    ] = None,
    analytic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[x=]MODULE:f",
            help="The derivative by hand, judged as well: in one argument, or in all as a tuple.",
        ),
    ] = None,
    twin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODULE:f",
            help="What calls of NAME mean: a function of mpmath numbers, taken as the truth.",
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(metavar="DTYPE", help="float64, float32, float16 or bfloat16.")
    ] = None,
    order: Annotated[
        int | None, typer.Option(metavar="1|2", help="2: second derivatives as well.", min=1, max=2)
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(metavar="N", help="Ask for the truth at N points; 400.", min=1),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(metavar="N", help="An error is a fault beyond N times rounding; 64."),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="At kinks left, right, middle or zero is meant; any."),
    ] = None,
    stop_gradients: Annotated[
        bool, typer.Option("--stop-gradients", help="What stop_gradient does is meant.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Compare at random points; search for no worst one."),
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="text|json|markdown|html", help="How it is written."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write it there, by default as the ending says."),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option(
            "--update-baseline", help="Keep what is wrong today: from now on it is known."
        ),
    ] = False,
) -> None:
    """Judge a function and its derivatives by the truth, and say who is wrong, where, by how much.

    The worst points are looked for all over the domain; what judges is exact arithmetic.
    """
    with statuses():
        function = dict(
            domain=domain, wrt=wrt and wrt.split(","), at=at, analytic=analytic, twin=twin,
            dtype=dtype, order=order, budget=budget, limit=limit, convention=convention,
            stop_gradients=stop_gradients, quick=quick,
        )  # fmt: skip
        given = {key: value for key, value in function.items() if value}
        file = Path(name) if name and name.endswith(".toml") else None
        if (name is None or file) and given:
            option = next(iter(given)).replace("_", "-")
            raise InputError(
                f"--{option} belongs to a function: name one, or write it in the table"
            )
        if update_baseline and name and not file:
            raise InputError("--update-baseline is for the table of a project: name no function")
        from jaxmath.examine import verify_command

        gc.enable()
        if name is None or file:
            status = verify_command.many(file, say, form, out, update_baseline)
        else:
            status = verify_command.one(name, say, form, out, **given)
        raise SystemExit(int(status))


Name = Annotated[str, typer.Argument(metavar="NAME", help="Lower case, such as my_study.")]


@new.command()
def experiment(name: Name) -> None:
    """Write experiments/NAME.py, configs/NAME.toml and tests/experiments/test_NAME.py."""
    with statuses():
        from jaxmath.lab import scaffold

        say(scaffold.experiment(name, Path.cwd()))


@new.command()
def loss(name: Name) -> None:
    """Write a loss in experiments/NAME.py, a config that trains with it, and its test."""
    with statuses():
        from jaxmath.lab import scaffold

        say(scaffold.loss(name, Path.cwd()))
