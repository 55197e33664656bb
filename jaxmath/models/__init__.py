"""Models as two functions each, `init` and `apply`, beside their gradients derived by hand."""

from jaxmath.models import linear, logistic, mlp, softmax
from jaxmath.models.model import Model

MODELS = (linear.MODEL, logistic.MODEL, softmax.MODEL, mlp.MODEL)

FORMULAS = (*linear.FORMULAS, *logistic.FORMULAS, *softmax.FORMULAS, *mlp.FORMULAS)
