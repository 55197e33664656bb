"""A project on disk, and the command line within it."""

import sys

import pytest

from jaxmath.lab import cli
from tests.lab.casebook import BASE, project


@pytest.fixture
def root(tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "c.toml").write_text(BASE)
    return tmp_path


@pytest.fixture
def command(root, monkeypatch, capsys):
    """A command in this process: status, stdout, stderr."""
    monkeypatch.setattr(cli, "listen", lambda: None)
    monkeypatch.setenv("JAXMATH_NO_CACHE", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["jaxmath", *words])
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        told = capsys.readouterr()
        return status, told.out, told.err

    return call
