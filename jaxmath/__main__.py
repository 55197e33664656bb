"""`python -m jaxmath` is the command `jaxmath`."""

import sys


def main() -> None:
    """The command line; what a shell asks at the tabulator key is answered without loading it."""
    if sys.argv[1:2] == ["complete"]:
        from jaxmath.lab import completion

        sys.stdout.write(completion.answer(sys.argv[2:]))
        return
    from jaxmath.lab import cli

    cli.main()


if __name__ == "__main__":
    main()
