"""How fast jaxmath is beside what a user would use instead, measured in one run."""
