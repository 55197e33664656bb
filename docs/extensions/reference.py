"""The API reference: a page for each room of the package, and for each module that it offers.

Rooms are found in the package and names at their front doors, so that a new function stands here
without a word in the documentation. Pages are written to docs/api before Sphinx reads it.
"""

import enum
import functools
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from docstrings import markdown, signature
from docutils import nodes
from front_doors import family_of, first, home, modules, offered, rooms, types_of
from generate import cards
from sphinx import addnodes
from sphinx.application import Sphinx

from jaxmath import verify
from jaxmath.distributions.contract import FUNCTIONS, KINDS, OTHERS
from jaxmath.distributions.family import Family

FENCE = "``````"
RECORDS = {formula.name: formula for formula in verify.FORMULAS}
DEFINITIONS = {name: kind.tex for name, kind in KINDS.items()} | OTHERS
CARDS = cards()
PUBLIC: dict[Any, str] = {}
"""The types that pages speak of, by the name under which they do."""


def write(app: Sphinx) -> None:
    """Write the pages that have changed, and delete those of what is gone."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    made = pages()
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made, found = {}, []
    for room in rooms():
        for module in (*modules(room), room):
            PUBLIC.update(types_of(module))
    for room in rooms():
        inside = modules(room)
        for module in inside:
            made[f"{module.__name__}.md"] = page(module, [])
        text = page(room, inside)
        if inside or "{py:" in text:
            made[f"{room.__name__}.md"] = text
            found.append(room)
    made["index.md"] = index(found)
    return made


def index(found: list[ModuleType]) -> str:
    """The front page: what each room is for."""
    rows = [f"| {_link(room)} | {first(room)} |" for room in found]
    toctree = ["```{toctree}", ":hidden:", "", *(f"{room.__name__}" for room in found), "```"]
    return "\n".join(
        [
            "# API reference",
            "",
            "Every public function, with its signature and what it says of itself. `Real`,",
            "`Scalar`, `Label` and `PRNGKey` are the types of `jaxmath.typing`: real numbers and",
            "arrays of them, one real number, a label in any dtype, a key of `jax.random.key`;",
            '`Float[Array, "n d"]` is an array of that shape.',
            "",
            "| room | |",
            "| --- | --- |",
            *rows,
            "",
            *toctree,
            "",
        ]
    )


def page(module: ModuleType, inside: list[ModuleType]) -> str:
    """One module: what it says of itself, then its names by the file that they come from."""
    lines = [f"# {module.__name__}", "", markdown(module), ""]
    lines += [FENCE + f"{{py:module}} {module.__name__}", FENCE, ""]
    family = family_of(module)
    if family is not None:
        return "\n".join([*lines, *functions_of(module, family)]) + "\n"
    homes: dict[str, list[str]] = {module.__name__: []}
    for name, thing, said in offered(module):
        homes.setdefault(home(module, thing), []).extend([*entry(module, name, thing, said), ""])
    titled = sum(map(bool, homes.values())) > 1
    for place, entries in homes.items():
        if titled and place != module.__name__:
            lines += [f"## {first(sys.modules[place])}", ""]
        lines += entries
    if inside:
        lines += ["## Modules", "", "| module | |", "| --- | --- |"]
        lines += [f"| {_link(each)} | {first(each)} |" for each in inside]
        lines += ["", "```{toctree}", ":hidden:", "", *(each.__name__ for each in inside), "```"]
    return "\n".join(lines) + "\n"


def entry(module: ModuleType, name: str, thing: Any, said: str | None = None) -> list[str]:
    """One name as a directive of Sphinx's Python domain, with its formula if it has a record."""
    if said is not None:
        return [f"{FENCE}{{py:data}} {name}", "", said, FENCE]
    public = PUBLIC | types_of(module)
    if inspect.isclass(thing):
        plain = issubclass(thing, enum.Enum | Exception) or getattr(thing, "_is_protocol", False)
        fields = "" if plain else signature(thing, public).partition(" -> ")[0]
        head = f"{{py:class}} {name}{fields}"
        return [FENCE + head, "", markdown(thing), *_members(thing, public), FENCE]
    head = f"{{py:function}} {name}{signature(thing, public)}"
    return [FENCE + head, "", markdown(thing), *_formula(module, name, thing), FENCE]


def _members(kind: type, public: dict[Any, str]) -> list[str]:
    if issubclass(kind, enum.Enum):
        return ["", ", ".join(f"`{each.name}` ({each.value})" for each in kind) + "."]
    lines = []
    for name, member in vars(kind).items():
        if name.startswith("_") or not inspect.getdoc(member):
            continue
        if isinstance(member, property | functools.cached_property):
            head = f"{{py:property}} {name}"
        elif inspect.isfunction(member):
            head = f"{{py:method}} {name}{signature(member, public)}"
        else:
            continue
        lines += ["", "`````" + head, "", markdown(member), "`````"]
    return lines


def _formula(module: ModuleType, name: str, thing: Any) -> list[str]:
    family = module.__name__.rpartition(".")[2]
    record = next((record for record in verify.FORMULAS if record.fn is thing), None)
    record = record or RECORDS.get(f"{family}.{name}")
    tex = record.tex if record else None
    if tex is None and module.__name__.startswith("jaxmath.distributions."):
        tex = DEFINITIONS.get(name)
    lines = ["", "$$", tex, "$$"] if tex else []
    if record and record.name in CARDS:
        card = f"../formulas/{CARDS[record.name]}"
        lines += ["", f"[Card](<{card}>): domain, derivatives, facts, source."]
    return lines


def functions_of(module: ModuleType, family: Family) -> list[str]:
    """The functions of a family: its own, those filled in, those that do not exist."""
    lines = [*entry(module, "Params", family.params), ""]
    for name in FUNCTIONS:
        if family.origin(name) == "own":
            lines += [*entry(module, name, family.function(name)), ""]
    generic = [f"`{name}`" for name in FUNCTIONS if family.origin(name) == "generic"]
    if generic:
        lines += [f"Filled in by [generic routes](../families.md): {', '.join(generic)}.", ""]
    missing: dict[str, list[str]] = {}
    for name in FUNCTIONS:
        if reason := family.why_not(name):
            missing.setdefault(reason, []).append(f"`{name}`")
    if missing:
        lines += ["Not defined:", ""]
        lines += [f"- {', '.join(names)}: {reason}" for reason, names in missing.items()]
    return lines


def _link(module: ModuleType) -> str:
    return f"[{module.__name__.removeprefix('jaxmath.')}](<{module.__name__}.md>)"


def only_exact(app: Sphinx, document: nodes.document) -> None:
    """Have types in signatures link to what they name, not to whatever is called alike."""
    for link in document.findall(addnodes.pending_xref):
        if link.get("refspecific") is False:
            del link["refspecific"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write)
    app.connect("doctree-read", only_exact)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
