"""All rules: the one table from a primitive's name to its rule. See `arrays` for a rule's shape."""

from jaxmath.exact import (
    rules_control,
    rules_elementwise,
    rules_linalg,
    rules_reduce,
    rules_shape,
    rules_window,
)

RULES = {
    **rules_control.RULES,
    **rules_elementwise.RULES,
    **rules_linalg.RULES,
    **rules_reduce.RULES,
    **rules_shape.RULES,
    **rules_window.RULES,
}
