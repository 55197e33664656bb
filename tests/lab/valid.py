"""Configs as odd as valid ones can be."""

from __future__ import annotations

from tests.lab.casebook import BASE, TRAIN, Case, replaced


def valid() -> list[Case]:
    """Configs as odd as valid ones can be; each runs in smoke mode."""
    markup = "\"<script>alert(1)</script> [red]x[/red] {{ 7 }} \\u001b[31m ../.. __import__('os')\""
    train = replaced(TRAIN, 'name = "mlp"\nhidden = [3]\nactivation = "tanh"', 'name = "linear"')
    own = replaced(BASE, 'name = "huber"\ndelta = 2.0', 'name = "own.bowl"\nwidth = 2.0')
    without = replaced(BASE, '[loss]\nname = "huber"\ndelta = 2.0\n', "")
    flat = replaced(BASE, "[inner]\ndepth = 3\nslope = 0.25\n", "")
    table = 'name = "csv"\nfile = "../data/table.csv"\ntarget = "y"'
    arrays = 'name = "npz"\nfile = "../data/arrays.npz"'
    texts: list[tuple[str, str | bytes, tuple[str, ...]]] = [
        ("as it is", BASE, ()),
        ("BOM", b"\xef\xbb\xbf" + BASE.encode(), ()),
        ("CRLF", BASE.replace("\n", "\r\n").encode(), ()),
        ("no line at the end", BASE.rstrip("\n"), ()),
        ("experiment alone", 'experiment = "study"', ()),
        ("markup in text", replaced(BASE, '"plain"', markup), ()),
        ("text of many lines", replaced(BASE, '"plain"', '"""a = 1\n[loss]\n"""'), ()),
        ("a whole number for a float", replaced(BASE, "rate = 0.1", "rate = 1"), ()),
        ("a tiny rate", replaced(BASE, "rate = 0.1", "rate = 1e-300"), ()),
        ("inline tables", with_line('loss = { name = "huber", delta = 3 }', without), ()),
        ("a name alone", with_line('loss = "pinball"', without), ()),
        ("one's own loss", own, ()),
        ("a penalty", BASE + '\n[penalty]\nname = "l1"\nstrength = 0\n', ()),
        ("no penalty", BASE, ("penalty=none",)),
        ("sweep list", BASE + "\n[sweep]\nrate = [0.1, 0.2]\n", ()),
        ("sweep logspace", BASE + '\n[sweep]\n"inner.slope" = { logspace = [0.01, 0.9, 3] }\n', ()),
        ("sweep nested keys", BASE + "\n[sweep]\ninner.slope = { linspace = [0.1, 0.9, 3] }\n", ()),
        ("sweep seeds", BASE + "\n[sweep]\nseed = { range = [0, 4] }\n", ()),
        ("sweep zip", BASE + "\n[sweep.zip]\nrate = [0.1, 0.2]\nrounds = [1, 2]\n", ()),
        (
            "sweep choices",
            BASE + '\n[sweep]\nloss = ["huber", { name = "pinball", quantile = 0.3 }]\n',
            (),
        ),
        ("sweep of names", BASE + '\n[sweep]\n"loss.name" = ["huber", "own.bowl"]\n', ()),
        (
            "sweep drawn",
            BASE + "\n[sweep]\nrate = { loguniform = [0.1, 1, 2], seed = 4 }\n"
            "offset = { normal = [0, 2, 2] }\n",
            (),
        ),
        (
            "sweep sobol",
            BASE + "\n[sweep.sobol]\ncount = 4\nrate = { uniform = [1, 2] }\n"
            '"inner.slope" = { loguniform = [0.1, 0.5] }\n',
            ("sweep.sobol.count=2", "sweep.seed=[1, 2]"),
        ),
        (
            "sweep halton",
            BASE + "\n[sweep.halton]\ncount = 2\nscrambled = false\n"
            "inner.slope = { uniform = [0.1, 0.5] }\noffset = { normal = [0, 1] }\n",
            (),
        ),
        ("extends", 'extends = "present.toml"\nrate = 0.3\n', ()),
        ("extends twice", 'extends = ["present.toml", "./../configs/present.toml"]\n', ()),
        ("extends nothing", "extends = []\n" + BASE, ()),
        ("extends itself by name", 'extends = "present.toml"\nloss.name = "log_cosh"\n', ()),
        ("sweep of words", BASE + '\n[sweep]\nmode = ["gentle", "steep"]\n', ()),
        ("smoke with dots", replaced(BASE, "[smoke]\n", '[smoke]\n"inner.depth" = 1\n'), ()),
        ("smoke sweep", BASE + "\n[smoke.sweep]\nseed = [7]\n", ()),
        ("overrides", BASE, ("rate=2", "title=some words", "loss=log_cosh", "inner.slope=.5")),
        (
            "override of a sweep",
            BASE + "\n[sweep]\nrate = [0.1, 0.2]\n",
            ("rate=0.3", "sweep.seed=[1,2]"),
        ),
        ("float32", BASE, ("precision=float32",)),
        ("train", train, ()),
        ("train on a table", replaced(train, 'name = "diabetes"', table), ("batch_size=4",)),
        ("train on arrays", replaced(train, 'name = "diabetes"', arrays), ()),
        ("comments everywhere", "# a\n" + BASE.replace("\n", "  # b = 1\n"), ()),
        ("Unicode", replaced(BASE, '"plain"', '"ρυθμός 学習率 🙂"'), ()),
        ("an empty list", replaced(BASE, "sizes = [3, 2]", "sizes = []"), ()),
        ("underscores", replaced(BASE, "offset = 1.5", "offset = 1_000.5"), ()),
        ("the largest seed", replaced(BASE, "seed = 0", "seed = 4294967295"), ()),
        ("a date as text", replaced(BASE, '"plain"', '"2024-01-01"'), ()),
        ("quoted keys", replaced(BASE, "rate = 0.1", '"rate" = 0.1'), ()),
        ("dotted keys", with_line("inner.depth = 3", flat), ()),
        ("a name and an option", BASE, ("loss=pinball", "loss.quantile=0.3")),
        ("sweep linspace of one", BASE + "\n[sweep]\nrate = { linspace = [0.1, 0.1, 1] }\n", ()),
        ("optimizers by name", train + '\n[sweep]\n"optimizer.name" = ["sgd", "adam"]\n', ()),
    ]
    return [Case(f"valid: {label}", text, 0, (), words) for label, text, words in texts]


def with_line(line: str, base: str) -> str:
    """A line more at the top of a config."""
    return replaced(base, "rate = 0.1", f"rate = 0.1\n{line}")
