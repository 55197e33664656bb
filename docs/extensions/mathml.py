"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, no network."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from jaxmath.report import tex

LOGGER = logging.getLogger(__name__)
_OPERATOR = re.compile(
    r"(?P<before>(?<=[A-Za-z0-9})])\s*)?"
    r"\\(?:operatorname\*?\{(?P<name>[^{}]*)\}|(?P<word>log|ln|exp|sin|cos|tanh|sinh|cosh|det)\b)"
    r"(?P<after>\s*(?=[A-Za-z0-9]|\\(?!left|[bB]igl?\b|[,;:!|])))?"
)


def visit(translator, node: nodes.Element) -> None:
    """Write a formula, of a sentence or by itself; warn of one that is not understood."""
    display = isinstance(node, nodes.math_block)
    formula = node.astext().strip()
    made = str(tex.mathml(spaced(formula), display))
    if not made.startswith("<math"):
        LOGGER.warning("not understood as a formula: %s", formula, location=node)
    translator.body.append(f'<div class="math">{made}</div>' if display else made)
    raise nodes.SkipNode


def spaced(formula: str) -> str:
    r"""The formula with names of operators upright and apart from what is beside them, as in TeX.

    latex2mathml sets `\operatorname` letter by letter, in italics, and no space beside either kind.
    """
    formula = formula.replace(r"\arg\max", r"\operatorname{arg max}")
    formula = formula.replace(r"\arg\min", r"\operatorname{arg min}")
    return _OPERATOR.sub(_apart, formula)


def _apart(found: re.Match) -> str:
    name = rf"\{found['word']}" if found["word"] else rf"\text{{{found['name']}}}"
    before, after = (r"\," if found[side] is not None else "" for side in ("before", "after"))
    return f"{before}{name}{after}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Make it a choice of `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
