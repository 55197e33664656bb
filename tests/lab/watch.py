"""An audit hook that notes what the interpreter does while a config is read."""

import os
import sys
import sysconfig
from pathlib import Path

from tests.lab.casebook import CANARY

REPOSITORY = Path(__file__).parents[2]
OWN = (
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    *{path for path in sys.path if path},
    REPOSITORY / "jaxmath",
    REPOSITORY / "docs",
    os.devnull,
    "/proc/cpuinfo",  # the kind of processor, for the record
)
"""Where Python, JAX and the lab read for themselves."""


class Watch:
    """What happened while it was on: reads, writes, imports, code, processes, sockets."""

    def __init__(self):
        self.on = False
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.harm: list[str] = []
        sys.addaudithook(self.hook)

    def begin(self):
        """Forget what was seen, and look."""
        for seen in (self.reads, self.writes, self.harm):
            seen.clear()
        self.on = True

    def read_outside(self, *folders):
        """What was read neither below these folders nor by Python and JAX for themselves."""
        allowed = {os.path.realpath(folder) for folder in (*OWN, *folders)}
        below = tuple(f"{folder}{os.sep}" for folder in allowed)
        real = {path: os.path.realpath(path) for path in self.reads}
        return [p for p, to in real.items() if to not in allowed and not to.startswith(below)]

    def hook(self, event, args):
        if not self.on:
            return
        if event == "open":
            path, mode, flags = args
            writing = (
                flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else 0
            )
            name = os.fsdecode(path) if not isinstance(path, int) else f"fd {path}"
            is_write = writing or (isinstance(mode, str) and set(mode) & set("wax+"))
            (self.writes if is_write else self.reads).append(name)
        elif event in ("os.listdir", "os.scandir"):
            if isinstance(args[0], (str, bytes, os.PathLike)):
                self.reads.append(os.fsdecode(args[0]))
        elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate"):
            self.writes += [
                os.fsdecode(a) for a in args if isinstance(a, (str, bytes, os.PathLike))
            ]
        elif event in ("os.remove", "os.rmdir", "shutil.rmtree"):
            self.writes.append(os.fsdecode(args[0]))
        elif event == "import":
            if CANARY in args[0] or args[0].partition(".")[2] in ("bystander", "evil"):
                self.harm.append(f"import {args[0]}")
        elif event == "compile":
            source = args[0] if isinstance(args[0], (str, bytes)) else b""
            if CANARY in (source if isinstance(source, str) else source.decode("utf-8", "replace")):
                self.harm.append(f"compile {source[:80]!r}")
        elif event == "exec":
            names = (*args[0].co_names, *map(str, args[0].co_consts))
            if any(CANARY in name for name in names):
                self.harm.append(f"exec {args[0]!r}")
        elif event in ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile"):
            self.harm.append(event)
        elif event == "subprocess.Popen":
            if Path(os.fsdecode(args[0])).name != "git":
                self.harm.append(f"process {args[0]!r}")
        elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo"):
            self.harm.append(event)
