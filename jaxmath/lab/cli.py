"""The command line. Nothing here imports JAX before a command needs it."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmath import __version__
from jaxmath.config.errors import Exit, InputError, Problem
from jaxmath.config.signals import listen
from jaxmath.config.statuses import going_on, hush, statuses

EPILOG = """
Exit status: 0 every claim passes; 2 bad input; 3 a claim failed or is undecided; 4 the
experiment's own code raised; 74 disk or permissions; 75 another process is at work there; 130 and
143 interrupted; 1 a bug of jaxmath.
"""

app = typer.Typer(
    name="jaxmath",
    help="Verified derivatives, vectorised training, experiments that end in claims.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
new = typer.Typer(
    help="Write a module, a config and a test that run and pass.", no_args_is_help=True
)
app.add_typer(new, name="new")

Config = Annotated[str, typer.Argument(metavar="CONFIG", help="A .toml file.", show_default=False)]


def main() -> None:
    """Run the command line; what the process ends with is an `Exit`."""
    gc.disable()  # what imports make stays; until there is work, looking for garbage costs a tenth
    with statuses():
        listen()
        app()


def _version(wanted: bool | None) -> None:
    if wanted:
        print(f"jaxmath {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = None,
) -> None:
    pass


Words = Annotated[
    list[str],
    typer.Argument(
        metavar="CONFIG|path=value",
        help="Config files, and values laid over theirs, such as optimizer.learning_rate=0.1.",
        show_default=False,
    ),
]


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]
Events = Annotated[
    bool, typer.Option("--json", help="Print events, one JSON object a line, and no summary.")
]
Json = Annotated[bool, typer.Option("--json", help="Print strict JSON.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Keep nothing in the cache folder.")]
SaveEvery = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.0, help="Save the state of a training about this often."),
]


@app.command(epilog=EPILOG)
def run(
    words: Words,
    smoke: Annotated[bool, typer.Option("--smoke", help="Use the [smoke] values: short.")] = False,
    out: Annotated[
        str | None,
        typer.Option(help="Where run folders are made; runs, unless said.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    save_every: SaveEvery = 60.0,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="The same bits on any number of cores: pins all threads."
        ),
    ] = False,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", "-k", help="After a config that fails, run the others."),
    ] = False,
    as_json: Events = False,
) -> None:
    """Run configs: train, judge the claims, draw, and write a report."""
    with statuses():
        if deterministic:
            from jaxmath.lab import threads

            threads.pin()
        from jaxmath.config import reading

        configs, overrides = split_words(words)
        worst = Exit.PASS
        # All are read before any is run, so that a slip in the last does not cost the others.
        studies = []
        for config in configs:
            with going_on(keep_going) as ended:
                studies.append(reading.read(config, overrides, smoke))
            worst = max(worst, ended.status)
        if not no_cache:
            _remember(*studies)
        gc.enable()
        for study in studies:
            with going_on(keep_going) as ended:
                from jaxmath.lab import session

                work = partial(session.run, study, out, quiet, not no_cache, save_every)
                ended.status = _told(work, quiet, as_json)
            worst = max(worst, ended.status)
        raise SystemExit(int(worst))


@app.command(epilog=EPILOG)
def resume(
    folder: Annotated[
        str, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)
    ],
    quiet: Quiet = False,
    no_cache: NoCache = False,
    save_every: SaveEvery = 60.0,
    as_json: Events = False,
) -> None:
    """Go on with a run that was interrupted; the numbers are the same, bit for bit."""
    with statuses():
        from jaxmath.lab import threads

        threads.pin_like(Path(folder))
        gc.enable()
        from jaxmath.lab import session

        work = partial(session.resume, folder, quiet, not no_cache, save_every)
        raise SystemExit(int(_told(work, quiet, as_json)))


def _told(work: Callable[..., Any], quiet: bool, as_json: bool) -> Exit:
    """Work, and tell a person or a program what it came to."""
    from jaxmath.report import summary

    if as_json:
        from jaxmath.lab.events import Events

        events = Events()
        with redirect_stdout(sys.stderr):  # what an experiment prints is no event
            finished = work(progress=events)
        events.ended(finished)
        return finished.exit
    finished = work()
    if not quiet:
        try:
            summary.show(finished)
            sys.stdout.flush()
        except BrokenPipeError:
            hush()  # the run is done and on disk; its status stands
    return finished.exit


@app.command(epilog=EPILOG)
def check(
    words: Words,
    smoke: Annotated[bool, typer.Option("--smoke", help="With the [smoke] values.")] = False,
    as_json: Json = False,
) -> None:
    """Validate configs and print what running them would take; run nothing."""
    with statuses():
        from jaxmath.config import reading

        configs, overrides = split_words(words)
        studies = [reading.read(config, overrides, smoke) for config in configs]
        _remember(*studies)
        gc.enable()
        from jaxmath.lab import forecast

        if as_json:
            _say_json([forecast.planned(study)._asdict() for study in studies])
            return
        for study in studies:
            say(forecast.forecast(study))


@app.command(name="config")
def config_command(
    name: Annotated[
        str, typer.Argument(metavar="EXPERIMENT|CONFIG", help="An experiment, or a .toml file.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[path=value ...]", help="Values laid over it.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="With the [smoke] values.")] = False,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say at each line where its value came from.")
    ] = False,
) -> None:
    """Print an experiment's complete defaults as TOML; of a file, all its values."""
    with statuses():
        from jaxmath.config import reading

        is_file = name.endswith(".toml") or "/" in name or Path(name).is_file()
        given = name if is_file else {"experiment": name}
        study, document = reading.read_with_document(given, overrides or (), smoke)
        _remember(study)
        from jaxmath.config import origins, writing
        from jaxmath.config.project import Project

        if origin:
            say(origins.with_origins(study, document).rstrip("\n"))
            return
        title = (study.module.__doc__ or "").partition("\n\n")[0]
        folder = study.source.parent if study.source else Path.cwd()
        text = writing.written(
            study.experiment,
            " ".join(title.split()),
            study.config,
            Project(folder),
            study.seed,
            study.precision,
            study.resolved.get("sweep"),
        )
        say(text.rstrip("\n"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the project's configs, for an editor; imports its experiments."""
    with statuses():
        import json

        from jaxmath.config.json_schema import project_schema
        from jaxmath.config.project import Project

        say(json.dumps(project_schema(Project(Path.cwd())), indent=1, ensure_ascii=False))


@app.command()
def completion(
    shell: Annotated[
        str | None, typer.Argument(metavar="[bash|zsh|fish]", help="Print its script.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look at all experiments of the project anew.")
    ] = False,
) -> None:
    """Print the script by which a shell completes commands, files, keys and their values."""
    with statuses():
        from jaxmath.config.project import Project
        from jaxmath.lab import completion_cache
        from jaxmath.lab.completion_scripts import SCRIPTS

        if shell not in SCRIPTS and (shell or not refresh):
            said = f"there is no script for {shell}" if shell else "which shell?"
            raise InputError(Problem(said, hint="jaxmath completion bash, zsh or fish"))
        completion_cache.remember_commands()
        if refresh:
            completion_cache.refresh(Project(Path.cwd()))
        if shell:
            say(SCRIPTS[shell].rstrip("\n"))


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
            _say_json(catalog.topics(Path.cwd()) if by else catalog.listed(Path.cwd()))
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
            _say_json([card._asdict() for card in catalog.cards(name, Path.cwd())])
        else:
            say(catalog.card(name, Path.cwd()))


@app.command()
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Folders of runs.", show_default=False)
    ],
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a page with the curves as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare runs: settings, metrics, curves, claims.

    It says whether the arrays of each should be equal to those of the first, bit for bit or to
    some digits, and whether they are.

    Exit status: 0; 2 where a folder is no finished run.
    """
    with statuses():
        from jaxmath.report import comparison_page, comparison_text
        from jaxmath.runs import comparison

        found = comparison.read(runs)
        if html:
            comparison_page.write(found, Path(html))
        if as_json:
            say(comparison.json(found).rstrip("\n"))
        else:
            comparison_text.show(found)
            if html:
                say(f"Page: {html}")


@app.command()
def index(
    folder: Annotated[
        str, typer.Argument(metavar="RUNS", help="The folder in which runs are.")
    ] = "runs",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The page; RUNS/index.html, unless said.")
    ] = None,
) -> None:
    """Write a page over all runs, to sort and to search."""
    with statuses():
        from jaxmath.report import index_page
        from jaxmath.runs import overview

        found = overview.entries(Path(folder))
        place = Path(out) if out else Path(folder) / "index.html"
        index_page.put(found, Path(folder), place)
        say(f"{overview.told(found)}\nIndex: {place}")


@app.command()
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="csv, tensorboard or mlflow.")],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where it goes. By default RUN/csv, RUN/tensorboard, or MLflow's own settings.",
        ),
    ] = None,
) -> None:
    """Write a run for other programs: CSV, TensorBoard, MLflow."""
    with statuses():
        from jaxmath.runs import exporting

        say(exporting.export(run, to, out))


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


def _remember(*studies: Any) -> None:
    """Keep for completion what has just been imported."""
    from jaxmath.config.project import Project
    from jaxmath.lab import completion_cache

    if os.environ.get("JAXMATH_NO_CACHE", "0") not in ("", "0"):
        return
    with suppress(Exception):  # suggestions are no reason to fail
        completion_cache.remember_commands()
        for study in studies:
            folder = study.source.parent if study.source else Path.cwd()
            completion_cache.remember(study.experiment, Project(folder))


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell config files from overrides: `path=value`, unless there is a file of that name."""
    overrides = [
        word
        for word in words
        if re.match(r"[A-Za-z_][\w.-]*\s*=", word) and not Path(word).is_file()
    ]
    configs = [word for word in words if word not in overrides]
    if not configs:
        hint = "jaxmath run CONFIG [path=value ...]"
        raise InputError(Problem("no config is named, only values", hint=hint))
    return configs, overrides


def say(text: str) -> None:
    """Print a result on stdout, in plain ASCII where its encoding cannot show it."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        from jaxmath.report.numbers import ascii_only

        text = ascii_only(text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say_json(value: Any) -> None:
    from jaxmath.runs import encoding

    say(encoding.json_text(encoding.plain(value)).rstrip("\n"))
