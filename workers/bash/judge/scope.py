"""What is known while a command is followed: variables, functions, the folder, files written on the way."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workers.bash.judge.marks import NAME, TOKEN, UNKNOWN
from workers.bash.judge.tables import names

if TYPE_CHECKING:
    from workers.bash.judge.invocation import Stream

HOME = "/home/user"
LONGEST_VALUE = 16_384  # characters; a longer value counts as unknown
WORK = "/.reign/files/work"

# The variables whose value the sandbox or the shell itself gives; the home and work folders are stand-in paths.
_GIVEN = {
    "HOME": HOME,
    "SHELL": "/bin/bash",
    "BASH": "/bin/bash",
    "IFS": " \t\n",
    "TMPDIR": "/tmp",  # noqa: S108
    "TMP": "/tmp",  # noqa: S108
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": "xterm",
    "LANG": "C.UTF-8",
    "OSTYPE": "linux-gnu",
    "HOSTTYPE": "x86_64",
    "MACHTYPE": "x86_64-pc-linux-gnu",
    "OPTIND": "1",
    "XDG_CONFIG_HOME": f"{HOME}/.config",
    "XDG_CACHE_HOME": f"{HOME}/.cache",
    "XDG_DATA_HOME": f"{HOME}/.local/share",
}
_NAMES = names(
    "RANDOM SRANDOM SECONDS EPOCHSECONDS EPOCHREALTIME LINENO UID EUID PPID BASHPID HOSTNAME USER LOGNAME "
    "BASH_VERSION SHLVL BASH_SUBSHELL COLUMNS LINES"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|APIKEY|API_KEY|ACCESS_KEY|PRIVATE_KEY|"
    r"SECRET_KEY|CREDENTIALS?)(?:_|$)|^PG_?PASSWORD$|_KEY$|^DATABASE_URL$"
)


#: Arithmetic (an index, a slice, [[ -eq ]] too) takes a value for an expression and runs what its index holds.
_IN_A_SUBSCRIPT = re.compile(r"\w\[[^\[\]]*?(?P<run>\$\(.*|`.*)", re.DOTALL)
_ARITHMETIC = re.compile(r"[\w\s+\-*/%()&|^~!<>=?:,\[\].]*")


@dataclass
class Scope:
    """A shell's state. A subshell works on a `copy`; files, programs and functions' results are seen by all.

    `in_subscripts`: texts that run if a variable that holds them is used in arithmetic.
    """

    workdir: str = WORK
    cwd: str = WORK
    values: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, dict[str, str]] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)
    files: dict[str, Stream] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)  # declare -n
    aliases: dict[str, str] = field(default_factory=dict)
    zero: str = "bash"
    running: tuple[str, ...] = ()
    spawning: bool = False  # in the background or in a pipeline
    in_subscripts: list[str] = field(default_factory=list)
    remotes: set[str] = field(default_factory=set)  # git's, that the command has set

    def copy(self, *, spawning: bool | None = None) -> Scope:
        """A subshell's scope."""
        return Scope(
            self.workdir,
            self.cwd,
            dict(self.values),
            {name: dict(items) for name, items in self.arrays.items()},
            dict(self.functions),
            list(self.positional),
            self.files,
            self.programs,
            self.links,
            self.references,
            dict(self.aliases),
            self.zero,
            self.running,
            self.spawning if spawning is None else spawning,
            self.in_subscripts,
            self.remotes,
        )

    def merge(self, *branches: Scope) -> None:
        """Continue after branches of which one was taken: what they do not agree on becomes unknown."""
        first, *others = branches
        for name in {name for branch in branches for name in branch.values}:
            found = {branch.values.get(name) for branch in branches}
            value = found.pop()
            self.values[name] = value if not found and value is not None else UNKNOWN
        self.arrays = {
            name: items
            for name, items in first.arrays.items()
            if all(branch.arrays.get(name) == items for branch in others)
        }
        for branch in branches:
            self.functions.update(branch.functions)
        self.positional = first.positional if all(b.positional == first.positional for b in others) else [UNKNOWN]
        self.cwd = first.cwd if all(branch.cwd == first.cwd for branch in others) else UNKNOWN

    def value(self, name: str) -> str:
        """What $name stands for; a stand-in where the command alone does not tell."""
        name = self.references.get(name, name)
        if name in self.values:
            return self.values[name]
        if name in self.arrays:
            return self.arrays[name].get("0", "")
        return self._special(name) if not name[:1].isalpha() and name[:1] != "_" else self._environment(name)

    def _environment(self, name: str) -> str:
        if name == "PWD":
            return self.cwd
        if name in _NAMES:
            return NAME
        if name in _GIVEN:
            return _GIVEN[name]
        if _SECRET_NAME.search(name):
            return TOKEN
        return UNKNOWN

    def _special(self, name: str) -> str:
        if name == "0":
            return self.zero
        if name.isdigit():
            index = int(name) - 1
            if self.positional == [UNKNOWN]:
                return UNKNOWN
            return self.positional[index] if index < len(self.positional) else ""
        if name in "@*":
            return " ".join(self.positional)
        if name == "#":
            return NAME if UNKNOWN in self.positional else str(len(self.positional))
        return {"!": "%%", "?": NAME, "$": NAME, "-": NAME}.get(name, UNKNOWN)

    def is_set(self, name: str) -> bool | None:
        """Whether the variable has a value; None where the command alone does not tell."""
        if name in self.values or name in self.arrays:
            return True
        value = self.value(name)
        return None if value in (UNKNOWN, TOKEN) else value != ""

    def assign(self, name: str, value: str, *, append: bool = False) -> None:
        name = self.references.get(name, name)
        whole = self.value(name) + value if append and name in self.values else value
        self.values[name] = whole if len(whole) <= LONGEST_VALUE else UNKNOWN
        self.hold(self.values[name])

    def hold(self, value: str) -> None:
        """Remembers what arithmetic would run if it met this value."""
        match = _IN_A_SUBSCRIPT.search(value) if "[" in value and ("$(" in value or "`" in value) else None
        if match and _ARITHMETIC.fullmatch(value[: match.start()]) and match["run"] not in self.in_subscripts:
            self.in_subscripts.append(match["run"])

    def absolute(self, path: str) -> str:
        """The path from the root, without ., .. and links made on the way; UNKNOWN first if the folder is not known."""
        joined = path if path.startswith("/") else posixpath.join(self.cwd, path)
        place = re.sub("^//", "/", posixpath.normpath(joined)) if joined else self.cwd
        if path.endswith("/") and place in self.links:
            place = self.links[place]
        for link, target in self.links.items():
            if place.startswith(link + "/"):
                place = posixpath.normpath(target + place[len(link) :])
        return place
