"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, no network."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from jaxmath.lab import tex

_OPERATOR = re.compile(
    r"(?P<before>(?<=[\w})])\s*)?\\operatorname\*?\{(?P<name>[^{}]*)\}"
    r"(?P<after>\s*(?=[A-Za-z0-9]|\\(?!left|[bB]igl?\b|[,;:!|])))?"
)
LOGGER = logging.getLogger(__name__)


def visit(translator, node: nodes.Element) -> None:
    """Write a formula, of a sentence or by itself; warn of one that is not understood."""
    display = isinstance(node, nodes.math_block)
    formula = node.astext().strip()
    made = str(tex.mathml(_upright(formula), display))
    if not made.startswith("<math"):
        LOGGER.warning("not understood as a formula: %s", formula, location=node)
    translator.body.append(f'<div class="math">{made}</div>' if display else made)
    raise nodes.SkipNode


def _upright(formula: str) -> str:
    """Names of operators as text, which latex2mathml would set letter by letter, in italics."""
    formula = formula.replace(r"\arg\max", r"\operatorname{arg max}")
    formula = formula.replace(r"\arg\min", r"\operatorname{arg min}")
    return _OPERATOR.sub(
        lambda found: "".join(
            (
                r"\," if found["before"] is not None else "",
                rf"\text{{{found['name'].replace(chr(92) + ',', ' ')}}}",
                r"\," if found["after"] is not None else "",
            )
        ),
        formula,
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Make it a choice of `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
