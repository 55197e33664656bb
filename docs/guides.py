"""Do what the guides say: write their files and run their commands, in an empty folder.

`python docs/guides.py` fails where a command prints something else than its page shows, with `...`
for what differs from run to run. A block that begins with `# NAME.py` or `# NAME.toml` is that
file, or, with `, at the end`, what is added to it.
"""

import doctest
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
GUIDES = ("start.md", "run.md")
BLOCK = re.compile(r"^```(python|toml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (?P<name>[\w/]+\.(?:py|toml))(?P<more>, at the end)?\n")
NOT_RUN = ("pip ", "python3 -m venv ")
"""What the environment that runs this script has behind it."""


def follow(guide: Path, folder: Path) -> list[str]:
    """Every command of a guide whose output is not as shown there, and what it was."""
    wrong = []
    for kind, body in BLOCK.findall(guide.read_text("utf-8")):
        if kind == "console":
            wrong += [told for step in steps(body) if (told := differs(*step, folder))]
        elif file := FILE.match(body):
            path = folder / file["name"]
            path.parent.mkdir(exist_ok=True)
            before = path.read_text("utf-8") if file["more"] else ""
            path.write_text(f"{before}\n{body}" if before else body, "utf-8")
    return wrong


def steps(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what it should print; comments are for people."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        if not command.startswith(NOT_RUN):
            yield command.partition("  #")[0], shown


def differs(command: str, shown: str, folder: Path) -> str:
    """What a command printed, if that is not what is shown; nothing is shown of a long output."""
    ended = subprocess.run(
        command, shell=True, cwd=folder, text=True, stdout=-1, stderr=subprocess.STDOUT
    )
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    as_shown = not shown or doctest.OutputChecker().check_output(shown, ended.stdout, flags)
    if as_shown and ended.returncode != 1 and (shown or ended.returncode == 0):
        return ""
    told = f"printed, with status {ended.returncode},\n{ended.stdout}"
    return f"$ {command}\nshould print\n{shown}\n{told}"


def main() -> int:
    """Follow each guide in a folder of its own."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    status = 0
    for name in GUIDES:
        with tempfile.TemporaryDirectory() as folder:
            wrong = follow(DOCS / name, Path(folder))
        print(f"{name}: {'as it says' if not wrong else 'not as it says'}", *wrong, sep="\n")
        status |= bool(wrong)
    return status


if __name__ == "__main__":
    sys.exit(main())
