"""What `jaxmath verify`, `list` and `show` do: find a function, examine it, tell the verdict."""
