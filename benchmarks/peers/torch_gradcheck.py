"""PyTorch's check: reverse mode in every coordinate against differences; where torch is installed.

Up to `WHOLE` coordinates; beyond, its fast mode, which looks along one random direction.
"""

import torch  # pyright: ignore[reportMissingImports]

NAME = "torch.autograd.gradcheck"
WHOLE = 1000


def prepare(case):
    """First order in one call, as most people use it."""
    params = [torch.tensor(leaf, requires_grad=True) for leaf in case.params.values()]
    args = [torch.tensor(arg) for arg in case.args]
    fast = sum(leaf.numel() for leaf in params) > WHOLE

    def loss(*leaves):
        return case.torch_loss(torch, dict(zip(case.params, leaves, strict=True)), *args)

    return lambda: torch.autograd.gradcheck(loss, params, fast_mode=fast)
