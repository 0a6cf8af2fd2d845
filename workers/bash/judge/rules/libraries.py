"""Options by which a tool loads a library or a plugin, whose code then runs inside of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

#: Options that name a library, joined to it or before it.
_LOADS = {
    "ssh-keygen": r"-D",
    "ssh-add": r"-[se]",
    "ssh": r"-I|-oPKCS11Provider|-oSecurityKeyProvider",
    "openssl": r"-engine|-provider-path|-provider_path",
    "curl": r"--engine",
    "php": r"-dextension|-dzend_extension|-z",
    "java": r"-agentlib|-agentpath|-javaagent|-Xrun",
    "javac": r"-processorpath|--processor-path|-Xplugin",
    "pkcs11-tool": r"--module",
    "p11tool": r"--provider",
    "wireshark": r"-X",
    "tshark": r"-X",
    "gawk": r"-l|--load",
    "mysqld": r"--plugin-load|--init-file",
    "postgres": r"-cshared_preload_libraries",
    "nginx": r"-g",
    "sudo": r"--plugin",
    **dict.fromkeys(names("gcc g++ cc c++ clang clang++ c89 c99"), r"-fplugin|-Xclang|-load|-fpass-plugin|-specs"),
    **dict.fromkeys(names("ld gold lld"), r"-plugin|--plugin"),
}
_RULES = {name: re.compile(rf"(?:{pattern})(?:[=:,/.].*)?", re.DOTALL) for name, pattern in _LOADS.items()}


def _loads(call: Invocation) -> Iterator[Finding]:
    # `-d extension=x.so` and `-o PKCS11Provider=x` are one option in two words.
    joined = [f"{before}{after}" for before, after in zip(call.args, call.args[1:], strict=False) if before in _SPLIT]
    if any(_RULES[call.name].fullmatch(argument) for argument in (*call.args, *joined)):
        yield call.ask("shell.load", f"It has {call.name} load code from a file.")


def _settings(call: Invocation) -> Iterator[Finding]:
    """A script or a setting by whose value the tool runs a file."""
    option, runs = _RUN_BY[call.name]
    words = [*call.args, ""]
    for word, following in pairwise(words):
        name, equals, value = word.partition("=")
        if re.fullmatch(option, name) and re.search(runs, value if equals else following):
            yield call.ask("shell.load", f"It has {call.name} run a program from a file.")


#: Program -> (an option, what its value holds if it makes the program run something). Cargo Book, "Configuration";
#: nmap(1): a script that is given by its path is none of nmap's own.
_RUN_BY = {
    "nmap": (r"--script", r"[/.]"),
    "cargo": (r"--config", r"wrapper|runner|linker|rustc|rustdoc|provider|alias|registr|source|\.toml|^[./~\w-]+$"),
}
_SPLIT = ("-d", "-o", "-c")
RULES = {**dict.fromkeys(_RULES, _loads), **dict.fromkeys(_RUN_BY, _settings)}
