"""Configs that were right and are changed at random: by slips of the finger, and with intent."""

from __future__ import annotations

import re
import shutil
import string
import tomllib
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from jaxmath.config.document import Document
from tests.lab.casebook import BASE, CANARY, TRAIN, project

REPOSITORY = Path(__file__).parents[2]
SHIPPED = {path.name: path.read_text() for path in sorted((REPOSITORY / "configs").glob("*.toml"))}
TEXTS = {**SHIPPED, "study.toml": BASE, "study_train.toml": TRAIN}
NAMED = ("name", "experiment", "precision", "activation", "mode", "sampling")
"""Keys whose values are names that can be suggested."""


@dataclass(frozen=True)
class Fuzzed:
    """A changed config, the words behind it, and what a message should suggest.

    Attributes:
        kind: how it was changed.
        content: the file.
        words: `path=value` words of the command line.
        wanted: the right key or name, where one was misspelt.
        wrong: what stands in its place.
        slips: how many edits lie between the two.
        line: the line of the slip.
    """

    kind: str
    content: bytes
    words: tuple[str, ...] = ()
    wanted: str = ""
    wrong: str = ""
    slips: int = 0
    line: int = 0


def lay_out(root: Path) -> None:
    """The project of the shipped configs, beside the files that none should read."""
    project(root)
    for name in ("broken", "raising", "hollow"):
        (root / "experiments" / f"{name}.py").unlink()
    for file in (REPOSITORY / "experiments").glob("*.py"):
        shutil.copy(file, root / "experiments")
    for name, text in TEXTS.items():
        (root / "configs" / name).write_text(text)


def _places(text: str) -> list[tuple[tuple[str, ...], int]]:
    """The keys of a config that a slip can hit: paths without list items, and their lines."""
    found = Document({}, None, text).lines.items()
    places = [(keys, line) for keys, line in found if all(isinstance(key, str) for key in keys)]
    return [(tuple(map(str, keys)), line) for keys, line in places]


PLACES = {name: _places(text) for name, text in TEXTS.items()}
NAMES = {
    name: [
        (m[2], text[: m.start(2)].count("\n") + 1, m.start(2))
        for m in re.finditer(rf'\b({"|".join(NAMED)}) = "([\w.]+)"', text)
    ]
    for name, text in TEXTS.items()
}
LETTERS = string.ascii_lowercase + "_"
texts = st.sampled_from(sorted(TEXTS))


@st.composite
def misspelt(draw, word: str) -> tuple[str, int]:
    """A word with one or two slips: a letter lost, added, changed, or swapped with the next."""
    slips = draw(st.integers(1, 2))
    wrong = word
    for _ in range(slips):
        at = draw(st.integers(0, max(len(wrong) - 1, 0)))
        letter = draw(st.sampled_from(LETTERS))
        match draw(st.sampled_from(["lost", "added", "changed", "swapped"])):
            case "lost":
                wrong = wrong[:at] + wrong[at + 1 :]
            case "added":
                wrong = wrong[:at] + letter + wrong[at:]
            case "changed":
                wrong = wrong[:at] + letter + wrong[at + 1 :]
            case "swapped":
                wrong = wrong[:at] + wrong[at + 1 : at + 2] + wrong[at : at + 1] + wrong[at + 2 :]
    return wrong, slips


@st.composite
def slips_of_keys(draw) -> Fuzzed:
    """A key or table misspelt at its place."""
    name = draw(texts)
    keys, line = draw(st.sampled_from(PLACES[name]))
    part = draw(st.sampled_from(keys[-1].split(".")))
    wrong, slips = draw(misspelt(part).filter(lambda made: made[0] not in ("", part)))
    lines = TEXTS[name].split("\n")
    changed = re.sub(
        rf"(?<![\w]){re.escape(part)}(?=[\w.\"]*\s*[=\]])", wrong, lines[line - 1], count=1
    )
    lines[line - 1] = changed
    return Fuzzed("key", "\n".join(lines).encode(), (), part, wrong, slips, line)


@st.composite
def slips_of_names(draw) -> Fuzzed:
    """A name misspelt: of an experiment, a loss, a model, one of several words."""
    name = draw(texts)
    word, line, start = draw(st.sampled_from(NAMES[name]))
    wrong, slips = draw(misspelt(word).filter(lambda made: made[0] not in ("", word)))
    text = TEXTS[name]
    text = text[:start] + wrong + text[start + len(word) :]
    return Fuzzed("name", text.encode(), (), word, wrong, slips, line)


@st.composite
def slips_of_words(draw) -> Fuzzed:
    """A path on the command line, misspelt."""
    name = draw(texts)
    # What stands below [smoke] is set in the file alone, which is then what is said.
    keys, _ = draw(st.sampled_from(PLACES[name]).filter(lambda place: place[0][0] != "smoke"))
    path = [part for key in keys for part in key.split(".")]
    at = draw(st.integers(0, len(path) - 1))
    wrong, slips = draw(misspelt(path[at]).filter(lambda made: made[0] not in ("", path[at])))
    word = ".".join([*path[:at], wrong, *path[at + 1 :]]) + "=1"
    return Fuzzed("word", TEXTS[name].encode(), (word,), path[at], wrong, slips)


NUMBERS = ("nan", "-nan", "inf", "-inf", "1e999", "-1e400", "0", "-1", "-0.0", "1e-320", "0.5",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" + "0" * 400,
    "1" * 5000, "0x7fffffffffffffff", "1_0", "1e308", "4294967296")  # fmt: skip
VALUES = ("true", '""', '"x"', '"1.0"', "[]", "[[]]", "[1, 'a']", "{}", "{ a = 1 }", "[{}]",
    "1979-05-27", "07:32:00", "2024-02-31", "'''\n'''", "[nan]", "{ name = 3 }", "{ name = 'l2' }",
    "{ range = [0, 3] }", "{ linspace = [0, 1, 1e9] }", "[" * 50 + "]" * 50, "[0.1, 0.2]",
    '"none"', '"' + "x" * 300 + '"', "{ name = { name = 'adam' } }")  # fmt: skip
HOSTILE = ("../../etc/passwd", "/etc/passwd", "/proc/self/environ", "~/.ssh/id_rsa", "{{ 7 * 7 }}",
    "${oc.env:HOME}", "{0.__class__}", "%(asctime)s", f"__import__('{CANARY}')", f"{CANARY}.run",
    "os.system", "bystander.bait", "!!python/object/apply:os.system", "\\u001b[2J", "\\u202e",
    "<script>alert(1)</script>", "$(id)", "`id`", "a\\u0000b", "file:///etc/passwd", "link.toml",
    "linked/outside.toml", "self.toml", "ring_a.toml", "chain_1.toml", "loop.toml", "case.toml",
    "../configs/case.toml", "present.toml", "folder.toml", "syntax.toml", "code.toml")  # fmt: skip
ESCAPES = ("link.toml", "linked/outside.toml", "../../outside.toml", "code.toml", "./link.toml",
    "../configs/linked/outside.toml", "linked/../project_outside/outside.toml")  # fmt: skip
"""Files that are there, and that a config may not read."""
KEYS = ("_target_", "__class__", "__import__", "_args_", "extends", '"!!python/object"', '""',
    '"../../x"', '"ρυθμός"', '"学習率"', '"{{ x }}"', '"\\u001b[31m"', "x." * 40 + "x", "k" * 5000,
    "experiment", "seed", "sweep", "smoke", "sweep.zip", "smoke.sweep", "smoke.smoke", "name",
    "tool.jaxmath", "data.file", "loss", "sweep.sobol", '"loss.name"')  # fmt: skip
values = st.sampled_from([*NUMBERS, *VALUES, *(f'"{text}"' for text in HOSTILE)])


@st.composite
def wrong_values(draw) -> Fuzzed:
    """One to three values replaced by others, of any type."""
    lines = TEXTS[draw(texts)].split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[at].partition(" = ")
        if equals:
            lines[at] = f"{key} = {draw(values)}"
    return Fuzzed("value", "\n".join(lines).encode())


@st.composite
def more_lines(draw) -> Fuzzed:
    """Lines put in, taken out, doubled or exchanged."""
    lines = TEXTS[draw(texts)].split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match draw(st.sampled_from(["in", "in", "in", "out", "double", "exchange"])):
            case "in":
                lines.insert(at, f"{draw(st.sampled_from(KEYS))} = {draw(values)}")
            case "out":
                lines[at] = ""
            case "double":
                lines.insert(other, lines[at])
            case "exchange":
                lines[at], lines[other] = lines[other], lines[at]
    return Fuzzed("lines", "\n".join(lines).encode())


@st.composite
def extending(draw) -> Fuzzed:
    """`extends` of files that are there, that are not, and that should not be read."""
    escaped = st.text(max_size=20).map(_escaped)
    named = st.one_of(st.sampled_from(ESCAPES), st.sampled_from(HOSTILE), texts, escaped)
    listed = ", ".join(f'"{name}"' for name in draw(st.lists(named, min_size=1, max_size=3)))
    text = TEXTS[draw(texts)] if draw(st.booleans()) else ""
    return Fuzzed("extends", f"extends = [{listed}]\n{text}".encode())


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if ord(c) < 0x8000 else "x" for c in text)


@st.composite
def broken_bytes(draw) -> Fuzzed:
    """Encodings, ends of lines, NUL bytes, cut and swollen files."""
    content = TEXTS[draw(texts)].encode()
    at = draw(st.integers(0, len(content)))
    junk = draw(st.binary(min_size=1, max_size=8))
    changes = {
        "cut": content[:at],
        "junk": content[:at] + junk + content[at + len(junk) :],
        "put in": content[:at] + junk + content[at:],
        "NUL": content[:at] + b"\0" + content[at:],
        "BOM": b"\xef\xbb\xbf" + content[:at],
        "CRLF": content.replace(b"\n", b"\r\n"),
        "CR": content.replace(b"\n", b"\r"),
        "UTF-16": content.decode().encode("utf-16"),
        "characters": draw(st.text(max_size=200)).encode("utf-8", "surrogatepass") + content,
        "deep": content + b"\nx = " + b"[" * (at * 20) + b"]" * (at * 20),
        "dots": content + b"\n[" + b"a." * (at * 5) + b"a]\n",
        "swollen": content + b"\n#" + b"x" * (at * 4000),
        "quotes": content[:at] + b'"' + content[at:],
    }
    return Fuzzed("bytes", changes[draw(st.sampled_from(sorted(changes)))])


@st.composite
def overridden(draw) -> Fuzzed:
    """Words of the command line, right and wrong."""
    name = draw(texts)
    paths = st.sampled_from([".".join(keys) for keys, _ in PLACES[name]] + [*KEYS])
    chosen = draw(st.lists(st.tuples(paths, st.one_of(values, st.text(max_size=12))), max_size=3))
    words = [f"{path}={value}".replace("\0", "") for path, value in chosen]
    return Fuzzed("words", TEXTS[name].encode(), tuple(w for w in words if not w.startswith("-")))


fuzzed = st.one_of(
    slips_of_keys(), slips_of_names(), slips_of_words(), wrong_values(), more_lines(), extending(),
    broken_bytes(), overridden(),
)  # fmt: skip


def is_slip(case: Fuzzed) -> bool:
    """Whether the only thing wrong with a config is one misspelt key or name."""
    if not case.wanted:
        return False
    try:
        tomllib.loads(case.content.decode())
    except ValueError:  # the same key twice
        return False
    return True
