"""One tool a file, written as its own documentation shows; each has NAME and `prepare`.

`prepare(features, targets, steps, batch_size, rate)` returns a function of the seed that trains
softmax regression once and returns its weights and intercepts; what it compiles, it compiles in
its first call.
"""
