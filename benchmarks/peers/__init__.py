"""One tool a file, written as its own documentation shows; each has NAME and `prepare`.

Of the sweep, `prepare(features, targets, steps, batch_size, rate)` returns a function of the seed
that trains softmax regression once and returns its weights and intercepts; what it compiles, it
compiles in its first call. Of the checks of derivatives (`jax_check_grads`, `torch_gradcheck`),
`prepare(case)` returns a function that checks one loss once.
"""
