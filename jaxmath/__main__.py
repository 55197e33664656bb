"""`python -m jaxmath` is the command `jaxmath`."""

from jaxmath.lab.cli import main

if __name__ == "__main__":
    main()
