"""Configs that are wrong in one known way each: the label comes with the making."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.lab.casebook import BASE, CANARY, TRAIN, Case, line_of, replaced


def bad() -> list[Case]:
    """Every bad config, in the order of its families."""
    families = (
        misspelt, mistyped, unbounded, out_of_domain, misnamed, missing, sweeps, encodings, syntax,
        hostile, extending, overrides, data_files, own_code,
    )  # fmt: skip
    return [case for family in families for case in family()]


def misspelt() -> Iterator[Case]:
    keys = {
        "rate": "rate = 0.1", "offset": "offset = 1.5", "rounds": "rounds = 4\n",
        "wanted": "wanted = false", "title": "title = ", "mode": "mode = ", "sizes": "sizes = ",
        "precision": "precision = ", "delta": "delta = ", "depth": "depth = ", "slope": "slope = ",
        "experiment": "experiment = ",
    }  # fmt: skip
    for key, text in keys.items():
        swapped = key[0] + key[2] + key[1] + key[3:]
        for wrong in sorted({key[:-1], key + key[-1], swapped, key.capitalize()} - {key}):
            config = replaced(BASE, text, text.replace(key, wrong, 1))
            needles = (wrong, key, line_of(config, f"{wrong} = "))
            yield Case(f"misspelt key {wrong}", config, needles=needles)
    for table in ("loss", "inner", "smoke"):
        for wrong in (table[:-1], table + "s", table.capitalize()):
            config = replaced(BASE, f"[{table}]", f"[{wrong}]")
            yield Case(f"misspelt table {wrong}", config, needles=(wrong, f"`{table}`"))
    config = BASE + '\n[penalty]\nnmae = "l2"\nstrength = 0.1\n'
    yield Case(
        "misspelt name", config, needles=("`penalty.nmae`", "`name`", line_of(config, "nmae"))
    )
    train = {"learning_rate": "learning_rte", "strength": "strenght", "standardize": "standardise"}
    train |= {"hidden": "hiden", "batch_size": "batchsize", "split": "splt", "test": "tst"}
    for key, wrong in train.items():
        config = replaced(TRAIN, f"{key} = ", f"{wrong} = ")
        yield Case(f"misspelt key {wrong}", config, needles=(wrong, f"`{key}`"))


def mistyped() -> Iterator[Case]:
    wrong = {
        "rate = 0.1": ('"fast"', "true", "[0.1]", '"0.1"', "{ a = 1 }", "2024-01-01"),
        "offset = 1.5": ('""', "false", "[]"),
        "rounds = 4": ("4.0", '"4"', "true", "[4]", "1.5"),
        "wanted = false": ("0", '"false"', "1.0", "[true]"),
        'title = "plain"': ("3", "true", '["a"]'),
        'mode = "steep"': ("1", "true", '["steep"]'),
        "sizes = [3, 2]": ("3", '"3"', "[1.5]", '["3"]', "[true]", "[[3]]"),
        "seed = 0": ("1.5", '"0"', "true", "-1", "4294967296", "[0, 1]"),
        'precision = "float64"': ("64", '"double"', "true"),
        "depth = 3": ('"deep"', "3.5"),
        "slope = 0.25": ('"steep"', "true"),
        "delta = 2.0": ('"wide"', "[2.0]"),
        'name = "huber"': ("3", "true", "[]"),
        'experiment = "study"': ("3", "true", '["study"]', "{ name = 'study' }"),
    }
    for line, values in wrong.items():
        key = line.partition(" ")[0]
        for value in values:
            config = replaced(BASE, line, f"{key} = {value}")
            yield Case(
                f"{key} = {value}", config, needles=(f"{key}`", line_of(config, f"{key} = {value}"))
            )
    for table in ("[loss]", "[inner]", "[smoke]"):
        name = table[1:-1]
        config = (
            f"{name} = 5\n"
            + BASE[: BASE.index(table)]
            + (BASE[BASE.index("[smoke]") :] if table != "[smoke]" else "")
        )
        yield Case(f"{name} is no table", config, needles=(f"`{name}`", ":1:"))


def unbounded() -> Iterator[Case]:
    for value in ("nan", "inf", "-inf", "+nan", "1e999", "-1e400"):
        for line in ("rate = 0.1", "offset = 1.5", "slope = 0.25", "delta = 2.0"):
            key = line.partition(" ")[0]
            yield Case(
                f"{key} = {value}",
                replaced(BASE, line, f"{key} = {value}"),
                needles=(key, "finite"),
            )
    for value in ("9223372036854775808", "-99999999999999999999", "1" + "0" * 300, "1" * 5000):
        for line in ("rounds = 4", "seed = 0"):
            key = line.partition(" ")[0]
            config = replaced(BASE, line, f"{key} = {value}")
            yield Case(f"{key} of {len(value)} digits", config)


def out_of_domain() -> Iterator[Case]:
    for line, values in {
        "rate = 0.1": ("-0.1", "0.0", "-1e-300"),
        "rounds = 4": ("0", "-4"),
        "depth = 3": ("0", "10"),
        "slope = 0.25": ("0.0", "1.0", "1.5"),
        "delta = 2.0": ("0.0", "-2.0"),
    }.items():
        key = line.partition(" ")[0]
        for value in values:
            config = replaced(BASE, line, f"{key} = {value}")
            yield Case(f"{key} = {value}", config, needles=(f"{key}`", value))
    for line, value in (
        ("learning_rate = 0.1", "-0.1"),
        ("learning_rate = 0.1", "0"),
        ("strength = 1e-3", "-1.0"),
        ("hidden = [3]", "[0]"),
        ("hidden = [3]", "[-3]"),
        ("steps = 5\n", "0"),
        ("batch_size = 16", "-1"),
    ):
        key = line.partition(" ")[0]
        config = replaced(TRAIN, line, f"{key} = {value}" + "\n" * line.endswith("\n"))
        yield Case(f"{key} = {value}", config, needles=(f"{key}",))
    for value in ("1.0", "-0.2", "1.5"):
        config = replaced(TRAIN, "test = 0.2", f"test = {value}")
        yield Case(f"split of {value}", config, needles=("data.split.test",))


def misnamed() -> Iterator[Case]:
    for right, wrongs in {
        "huber": ("hubr", "Huber", "hubber"), "squared_error": ("squared_eror", "square_error"),
        "log_cosh": ("logcosh",), "pinball": ("pinbal",), "own.bowl": ("own.bowls", "own.bow"),
    }.items():  # fmt: skip
        for wrong in wrongs:
            config = replaced(BASE, 'name = "huber"\ndelta = 2.0', f'name = "{wrong}"')
            yield Case(f"loss {wrong}", config, needles=(wrong, f"`{right}`"))
    for line, right, wrongs in (
        ('name = "diabetes"', "diabetes", ("diabets", "Diabetes")),
        ('name = "mlp"', "mlp", ("mpl", "MLP")),
        ('name = "adam"', "adam", ("adm", "Adam")),
        ('name = "l2"', "l2", ("L2",)),
        ('activation = "tanh"', "tanh", ("tahn", "Tanh")),
        ('sampling = "epochs"', "epochs", ("epoch",)),
        ('experiment = "train"', "train", ("trian", "Train", "training")),
    ):
        key = line.partition(" ")[0]
        for wrong in wrongs:
            config = replaced(TRAIN, line, f'{key} = "{wrong}"')
            yield Case(
                f"{key} {wrong}", config, needles=(wrong, right, line_of(config, f'"{wrong}"'))
            )
    bait = replaced(BASE, 'name = "huber"\ndelta = 2.0', 'name = "bystander.bate"')
    yield Case("loss bystander.bate", bait, needles=("bystander.bate", "`bystander.bait`"))
    yield Case("mode steap", replaced(BASE, '"steep"', '"steap"'), needles=("steep", "mode"))
    yield Case("precision", replaced(BASE, '"float64"', '"float46"'), needles=("float64",))
    yield Case("experiment studdy", replaced(BASE, '"study"', '"studdy"'), needles=("`study`",))
    schedule = replaced(TRAIN, "[smoke]", '[schedule]\nname = "cosin"\n\n[smoke]')
    yield Case("schedule cosin", schedule, needles=("cosin", "`cosine`"))


def missing() -> Iterator[Case]:
    yield Case(
        "missing config",
        None,
        needles=("there is no file", "present.toml"),
        words=("configs/presnt.toml",),
    )
    yield Case("missing folder", None, needles=("there is no file",), words=("nowhere/x.toml",))
    yield Case("a folder", None, needles=("is a folder",), words=("configs",))
    yield Case("only values", None, needles=("no config",), words=("rate=0.1",))
    for name in ("table.cvs", "tabel.csv"):
        data = f'name = "csv"\nfile = "../data/{name}"\ntarget = "y"'
        config = replaced(TRAIN, 'name = "diabetes"', data)
        yield Case(f"missing data {name}", config, needles=("table.csv", "does not exist"))
    data = 'name = "csv"\nfile = "../data/folder.csv"\ntarget = "y"'
    yield Case("data folder", replaced(TRAIN, 'name = "diabetes"', data), needles=("is a folder",))
    yield Case("no experiment", BASE.partition("\n")[2], needles=("`experiment` is missing",))
    yield Case(
        "no strength", replaced(TRAIN, "strength = 1e-3\n", ""), needles=("penalty.strength",)
    )
    yield Case(
        "no target",
        replaced(TRAIN, 'name = "diabetes"', 'name = "csv"\nfile = "../data/table.csv"'),
        needles=("data.target",),
    )


def sweeps() -> Iterator[Case]:
    for text, needle in (
        ("rate = []", "empty"),
        ("seed = []", "empty"),
        ("rate = { range = [0, 0] }", "empty"),
        ("rate = { range = [5, 1] }", "empty"),
        ("rate = { range = [1, 2, 0] }", "zero"),
        ("rate = { range = [1] }", "range"),
        ("rate = { linspace = [0.1, 1.0, 0] }", "count"),
        ("rate = { linspace = [0.1, 1.0, 2.5] }", "count"),
        ("rate = { linspace = [0.1, 1.0] }", "linspace"),
        ("rate = { logspace = [0.0, 1.0, 3] }", "> 0"),
        ("rate = { logspace = [-4, 0, 3] }", "exponents"),
        ("rate = { logspace = [1e-4, 1.0, 1e999] }", "finite"),
        ("rate = { logspace = [1e-4, 1.0, 100000000] }", "count"),
        ("rate = { logspce = [1e-4, 1.0, 3] }", "logspace"),
        ("rate = { linspace = [0.1, 1, 2], range = [0, 1] }", "one of"),
        ("rate = 0.5", "list"),
        ('rate = "all"', "list"),
        ('rate = ["a", "b"]', "number"),
        ("rate = [0.1, -0.1]", "rate[2]"),
        ("rate = [nan]", "finite"),
        ("rate = { linspace = [-1.0, 1.0, 3] }", "rate[1]"),
        ("raet = [0.1]", "`rate`"),
        ('"inner.slop" = [0.1]', "`slope`"),
        ("inner.slop = [0.1]", "`slope`"),
        ('"rate.deeper" = [0.1]', "rate"),
        ("rounds = [1.5]", "whole number"),
        ("rounds = { linspace = [1, 3, 3] }", "whole number"),
        ('mode = ["gentle", "stepe"]', "steep"),
        ('loss = ["hubr"]', "`huber`"),
        ('"loss.name" = ["huber", "pinbal"]', "`pinball`"),
        ("seed = [0.5]", "seed"),
        ("seed = [-1]", "seed"),
        ("seed = { range = [0, 1e12] }", "at most"),
        ("precision = [1]", "precision"),
        ('experiment = ["study"]', "experiment"),
        ("zip = 3", "zip"),
        ("zip.rate = [0.1, 0.2]\nzip.offset = [1.0]", "equal lengths"),
        ("rate = [0.1]\nzip.rate = [0.2]", "twice"),
        ("zip.rate = []", "empty"),
        ("rate = { uniform = [0.1, 1.0] }", "[low, high, count]"),
        ("rate = { uniform = [1.0, 0.1, 4] }", "low end"),
        ("rate = { loguniform = [0.0, 0.1, 4] }", "> 0"),
        ("rate = { loguniform = [0.1, 1.0, 4.5] }", "count"),
        ("rate = { normal = [0.5, 0.0, 4] }", "deviation > 0"),
        ("rate = { normal = [0.0, 1.0, 64] }", "number > 0"),
        ("rate = { uniform = [0.1, 1.0, 4], seed = -1 }", "seed"),
        ("rate = { uniform = [0.1, 1.0, 4], sed = 1 }", "one of"),
        ("rate = { linspace = [0.1, 1.0, 4], seed = 1 }", "one of"),
        ("rate = { unifrom = [0.1, 1.0, 4] }", "uniform"),
        ("rate = { logunifrm = [0.1, 1.0, 4] }", "loguniform"),
        ("rounds = { uniform = [1, 5, 4] }", "whole number"),
        ("sobol.rate = { uniform = [0.1, 1.0] }", "count = 64"),
        ("sobol.count = 4", "nothing to vary"),
        ("sobol = 4", "table"),
        ("sobol.count = 0\nsobol.rate = { uniform = [0.1, 1.0] }", "whole number from 1"),
        ("sobol.count = 4\nsobol.rate = { uniform = [0.1, 1.0, 4] }", "the count is the design's"),
        ("sobol.count = 4\nsobol.rate = [0.1, 0.2]", "distribution"),
        (
            "sobol.count = 4\nsobol.scrambled = 1\nsobol.rate = { uniform = [0.1, 1.0] }",
            "scrambled",
        ),
        ("halton.count = 4\nhalton.raet = { uniform = [0.1, 1.0] }", "`rate`"),
        ("halton.cuont = 4\nhalton.rate = { uniform = [0.1, 1.0] }", "`count`"),
        (
            "sobol.count = 4\nsobol.scrambled = false\nsobol.offset = { normal = [0.0, 1.0] }",
            "infinite",
        ),
        ("rate = [0.1]\nrandom.count = 2\nrandom.rate = { uniform = [0.1, 1.0] }", "twice"),
    ):
        yield Case(f"[sweep] {text!r}", BASE + f"\n[sweep]\n{text}\n", needles=(needle,))
    yield Case("sweep = 3", "sweep = 3\n" + BASE, needles=("sweep",))


def encodings() -> Iterator[Case]:
    yield Case("NUL in a value", BASE.replace("plain", "pl\0ain").encode(), needles=("NUL", ":8:"))
    yield Case("NUL at the end", BASE.encode() + b"\0", needles=("NUL",))
    yield Case("NUL alone", b"\0" * 50, needles=("NUL",))
    yield Case("UTF-16", BASE.encode("utf-16"), needles=("UTF-16",))
    yield Case(
        "Latin-1", BASE.replace("plain", "caf\xe9").encode("latin-1"), needles=("UTF-8", ":8:")
    )
    yield Case("random bytes", np.random.RandomState(1).bytes(4000), needles=())
    yield Case("a PNG", b"\x89PNG\r\n\x1a\n" + bytes(range(1, 200)), needles=("UTF-8",))
    yield Case("gzip", b"\x1f\x8b\x08\x01" + bytes(range(128, 250)), needles=("UTF-8",))
    yield Case("empty", b"", needles=("empty",))
    yield Case("white space", b" \n\t\n\r\n", needles=("empty",))
    yield Case("comments alone", b"# nothing\n# here\n", needles=("empty",))
    yield Case("BOM alone", b"\xef\xbb\xbf", needles=("empty",))
    yield Case(
        "BOM and a typo",
        b"\xef\xbb\xbf" + BASE.replace("rounds = 4", "rouns = 4").encode(),
        needles=("`rounds`", ":6:"),
    )
    yield Case(
        "CRLF and a typo",
        BASE.replace("rounds = 4", "rouns = 4").replace("\n", "\r\n").encode(),
        needles=("`rounds`", ":6:"),
    )
    yield Case("carriage returns alone", BASE.replace("\n", "\r").encode())
    yield Case("two megabytes", BASE + "# " + "x" * 2_000_000, needles=("1 MB",))
    yield Case("10,000 brackets", BASE.replace("[3, 2]", "[" * 10_000 + "]" * 10_000), needles=())
    yield Case("100 brackets", BASE.replace("[3, 2]", "[" * 100 + "]" * 100), needles=("nested",))
    yield Case("5,000 dots", BASE + "\n[" + ".".join("a" * 5000) + "]\nb = 1\n", needles=())
    yield Case(
        "a key of 100,000 letters", "k" * 100_000 + " = 1\n" + BASE, needles=("unknown key",)
    )
    yield Case("a key in Greek", '"ρυθμός" = 1\n' + BASE, needles=("unknown key", ":1:"))
    yield Case("an empty key", '"" = 1\n' + BASE, needles=("unknown key",))


def extending() -> Iterator[Case]:
    for name, needle in (
        ('"presnt.toml"', '"present.toml"'),
        ('["present.toml", "presnt.toml"]', '"present.toml"'),
        ('"nowhere/base.toml"', "does not exist"),
        ('"../data/folder.csv"', ".toml file"),
        ('"folder.toml"', "is a folder"),
        ('"/etc/passwd"', ".toml file"),
        ('"/etc/secret.toml"', "its path from this one"),
        ('"../../outside.toml"', "is outside"),
        ('"../../../../../../etc/x.toml"', "is outside"),
        ('"link.toml"', "is outside"),
        ('"linked/outside.toml"', "is outside"),
        ('"loop.toml"', "no file"),
        ('"~/x.toml"', "does not exist"),
        ('"$HOME/x.toml"', "does not exist"),
        ('"{{ x }}.toml"', "does not exist"),
        ('"http://example.org/x.toml"', "does not exist"),
        ('"a\\u0000.toml"', ".toml file"),
        ('"\\u001b[31m.toml"', ".toml file"),
        (f'"{"x" * 300}.toml"', "does not exist"),
        (f'"{"x/" * 3000}x.toml"', "does not exist"),
        ('"code.toml"', "is outside"),
        ("3", "list of names"),
        ("true", "list of names"),
        ("[3]", "list of names"),
        ("{ file = 'present.toml' }", "list of names"),
        ('""', ".toml file"),
        ('"."', ".toml file"),
        ('"self.toml"', "in a circle: self.toml -> self.toml"),
        ('"ring_a.toml"', "in a circle: ring_a.toml -> ring_b.toml -> ring_a.toml"),
        ('"chain_1.toml"', "more than 8 files"),
        ('"syntax.toml"', "configs/syntax.toml:2: error"),
        ('"wrong.toml"', "configs/wrong.toml:2: error: unknown key `raet`"),
        ('"deep.toml"', "configs/deep.toml:3: error: `inner.depth`"),
        ('"binary.toml"', "configs/binary.toml:1: error"),
    ):
        text = f"extends = {name}\n" + BASE.replace("depth = 3\n", "")
        yield Case(f"extends {name} {needle}", text, needles=(needle, ".toml:"))
    for word in ("extends=present.toml", "smoke.extends=present.toml"):
        yield Case(f"override {word}", BASE, needles=("is set in the file",), words=(word,))
    smoke = replaced(BASE, "[smoke]\n", '[smoke]\nextends = "present.toml"\n')
    yield Case("extends in smoke", smoke, needles=("smoke.extends",))


def syntax() -> Iterator[Case]:
    for old, new, needle in (
        ("rate = 0.1", "rate = .1", "write 0.1"),
        ("rate = 0.1", "rate = 1.", "write 1.0"),
        ("rate = 0.1", "rate = -.5e3", "write -0.5e3"),
        ("rounds = 4", "rounds = 04", "leading zeros"),
        ("rounds = 4", "rounds = four", "quotes"),
        ("rounds = 4", "rounds =", "missing"),
        ("rounds = 4", "rounds", "key = value"),
        ("rounds = 4", "rounds: 4", "in place of `:`"),
        ("rounds = 4", "rounds = 4 4", "line"),
        ("rounds = 4", "rounds = 4\nrounds = 5", "twice"),
        ("wanted = false", "wanted = False", "write false"),
        ("wanted = false", "wanted = no", "write false"),
        ("wanted = false", "wanted = None", "leave the key out"),
        ('title = "plain"', 'title = "plain', "quote"),
        ('title = "plain"', "title = 'plain\"", "quote"),
        ('title = "plain"', 'title = "C:\\data"', "backslash"),
        ("sizes = [3, 2]", "sizes = [3, 2", ""),
        ("sizes = [3, 2]", "sizes = (3, 2)", ""),
        ("[inner]", "[inner", ""),
        ("[inner]", "[loss]", "twice"),
        ("[inner]", "[]", ""),
        ("depth = 3", "depth = { a = 1", ""),
        ("depth = 3", "dep th = 3", "quotes"),
        ("[smoke]", "<<<<<<< HEAD\n[smoke]", ""),
    ):
        yield Case(f"syntax {new!r}", replaced(BASE, old, new), needles=("valid TOML", needle))


def hostile() -> Iterator[Case]:
    for name in (
        "../evil",
        "../../evil",
        "/etc/passwd",
        "experiments.study",
        "os",
        "os.system",
        "study.py",
        "study\\n",
        "__init__",
        "__main__",
        f"{CANARY}",
        f"__import__('{CANARY}')",
        "st*dy",
        ".",
        "..",
        "",
        " ",
        "study ",
        "-m",
        "\\u0000",
        "\\u001b[31mstudy",
        "[red]study[/red]",
        "con",
        "a" * 5000,
    ):
        text = replaced(BASE, '"study"', f'"{name}"')
        yield Case(f"experiment {name[:30]!r}", text, needles=("there is no experiment",))
    for name in (
        f"{CANARY}.loss",
        "bystander.__class__",
        "bystander.bait.__globals__",
        "..evil.bait",
        "os.system",
        "../evil.bait",
        f"__import__('{CANARY}').x",
        "jaxmath.losses.huber",
        "own.__builtins__",
        "own.",
        ".bowl",
        "own.bowl.x",
        "own:bowl",
        "experiments.own.bowl",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "${oc.env:HOME}",
        "%s%n",
        "\\u001b]0;title\\u0007",
    ):
        text = replaced(BASE, 'name = "huber"\ndelta = 2.0', f'name = "{name}"')
        yield Case(f"loss {name!r}", text, needles=("there is no loss",))
    for line in (
        '_target_ = "os.system"',
        f'_target_ = "{CANARY}.run"',
        f'__import__ = "{CANARY}"',
        f'__class__ = "{CANARY}"',
        '"!!python/object/apply:os.system" = ["id"]',
        "__init__ = 1",
        "_args_ = ['id']",
        '"../../x" = 1',
        '"\\u001b[2J" = 1',
        '"[bold]x[/bold]" = 1',
    ):
        yield Case(f"key {line!r}", line + "\n" + BASE, needles=("unknown key",))
        yield Case(
            f"option {line!r}", replaced(BASE, "delta = 2.0", line), needles=("unknown key",)
        )
    # A terminal obeys these as they are; TOML lets them stand in text.
    for character in ("\x9b31m", "\u202e", "\u2066"):
        text = replaced(BASE, '"study"', f'"{character}study"')
        yield Case(f"raw {character!r}", text, needles=("there is no experiment",))
        yield Case(f"key {character!r}", f'"{character}" = 1\n' + BASE, needles=("unknown key",))
    yield Case(
        "a date", replaced(BASE, "rate = 0.1", "rate = 1979-05-27T07:32:00Z"), needles=("date",)
    )
    yield Case(
        "name as table",
        replaced(BASE, 'name = "huber"', 'name = { _target_ = "os.system" }'),
        needles=("loss.name",),
    )


def overrides() -> Iterator[Case]:
    for word, needle in (
        ("rat=0.2", "`rate`"),
        ("rate=fast", "number"),
        ("rate=-1", "> 0"),
        ("rate=nan", "finite"),
        ("rate=", "no value"),
        ("rate=[0.1, 0.2]", "[sweep] rate"),
        ("rounds=1.5", "whole"),
        ("inner.dept=2", "`depth`"),
        ("inner=3", "table"),
        ("loss=hubr", "`huber`"),
        ("loss.delt=1", "`delta`"),
        ("loss.delta=0", "> 0"),
        ("mode=stepe", "steep"),
        ("sizes=[1,", "no TOML"),
        ("sizes=[a]", "no TOML"),
        ("sweep.raet=[1.0]", "`rate`"),
        ("sweep.rate=[]", "empty"),
        ("sweep=3", "table"),
        ("smoke.rounds=1", "smoke"),
        ("experiment=studdy", "`study`"),
        ("seed=-1", "seed"),
        ("precision=float16", "precision"),
        (f"_target_={CANARY}", "unknown key"),
        ("rate.x=1", "rate"),
        ("title.__class__=1", "title"),
        ("a..b=1", "path=value"),
        ("wanted=yes", "true or false"),
        ("rate='0.1'", "number"),
    ):
        yield Case(f"override {word}", BASE, needles=(needle,), words=(word,))


def data_files() -> Iterator[Case]:
    for file, needles in {
        "words.csv": ("words.csv:3", '"b"', '"x"'),
        "holes.csv": ("holes.csv:3", '"b"', "empty"),
        "infinite.csv": ("infinite.csv:3", '"b"', "inf"),
        "ragged.csv": ("ragged.csv:3", "2 values", "3 columns"),
        "empty.csv": ("empty.csv", "empty"),
        "binary.csv": ("binary.csv", "this is no text"),
    }.items():
        data = f'name = "csv"\nfile = "../data/{file}"\ntarget = "y"'
        yield Case(f"data {file}", replaced(TRAIN, 'name = "diabetes"', data), needles=needles)
    for option, needle in (
        ('target = "z"', '"z"'),
        ('target = "Y"', "`y`"),
        ('target = "y"\nseparator = ";;"', "separator"),
        ('target = "y"\nseparator = ";"', ","),
    ):
        data = f'name = "csv"\nfile = "../data/table.csv"\n{option}'
        yield Case(
            f"data {option!r}", replaced(TRAIN, 'name = "diabetes"', data), needles=(needle,)
        )
    for file, needles in {
        "broken.npz": ("broken.npz", "NPZ"),
        "pickled.npz": ("pickled.npz", "objects"),
        "table.csv": ("table.csv", "NPZ"),
    }.items():
        data = f'name = "npz"\nfile = "../data/{file}"'
        yield Case(f"npz {file}", replaced(TRAIN, 'name = "diabetes"', data), needles=needles)
    data = 'name = "npz"\nfile = "../data/arrays.npz"\ntargets = "target"'
    yield Case(
        "npz array", replaced(TRAIN, 'name = "diabetes"', data), needles=("target", '"targets"')
    )


def own_code() -> Iterator[Case]:
    for name, status, needle in (
        ("broken", 4, "SyntaxError"),
        ("raising", 4, "by myself"),
        ("hollow", 2, "no judge"),
        ("own", 2, "own"),
    ):
        yield Case(f"experiment {name}", replaced(BASE, '"study"', f'"{name}"'), status, (needle,))
