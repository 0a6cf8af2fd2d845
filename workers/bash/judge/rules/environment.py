"""Variables that change which code runs, or that hide what was done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.marks import MAYBE_EMPTY, erased
from workers.bash.judge.paths import Place, locate
from workers.bash.judge.tables import SHELLS

_LOADERS = re.compile(
    r"LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH|LD_DEBUG_OUTPUT|LD_PROFILE_OUTPUT|DYLD_\w+|GCONV_PATH|GETCONF_DIR|NLSPATH|"
    r"BASH_FUNC_.*|GLIBC_TUNABLES|MALLOC_CHECK_|LOCPATH|HOSTALIASES|RESOLV_HOST_CONF|OPENSSL_CONF|OPENSSL_MODULES|"
    r"OPENSSL_ENGINES|KRB5_CONFIG"
)
_OPTIONS = re.compile(
    r"PERL5OPT|PERL5DB|PERLLIB|PERL5LIB|RUBYOPT|RUBYLIB|PYTHONSTARTUP|PYTHONHOME|PYTHONINSPECT|PYTHONBREAKPOINT|"
    r"NODE_OPTIONS|NODE_PATH|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|PHPRC|PHP_INI_SCAN_DIR|LUA_INIT\w*|"
    r"ERL_\w*FLAGS|MAKEFLAGS|GNUMAKEFLAGS|TAR_OPTIONS|RUSTFLAGS|GOFLAGS|VIMINIT|EXINIT|NVIM_\w+|GIT_EXEC_PATH|"
    r"GIT_TEMPLATE_DIR|GIT_CONFIG(?:_\w+)?|TERMINFO|TERMCAP|SSL_CERT_FILE|SSLKEYLOGFILE|EMACSLOADPATH|CLASSPATH"
)
# What these hold in everyday use; anything else loads or runs code.
_EVERYDAY_OPTION = re.compile(
    r"--(?:max[-_]old[-_]space[-_]size|max[-_]semi[-_]space[-_]size|stack-trace-limit|max-http-header-size|jobs|"
    r"unhandled-rejections|warnings|openssl-legacy-provider|no-[\w-]+|trace-[\w-]+|enable-source-maps|silent|"
    r"experimental-(?!loader)[\w-]+)(?:=[\w.-]+)?|\d+|-j\d*|-[skw]|-D[\w.]+(?:=[\w./:-]*)?|-Xm[sx]\d+\w?|"
    r"-XX:[+-]\w+|-XX:(?!On)\w+=\w+|-C|\w[\w-]*=[\w.-]+|-mod=\w+|-(?:race|v|trimpath)|\w+"
)
_HISTORY = re.compile(r"HIST(?:FILE|SIZE|FILESIZE|CONTROL|IGNORE)|SAVEHIST")


def check(call: Invocation) -> Iterator[Finding]:
    """The objections to what is assigned, in front of the command or as an argument of export, declare and env."""
    for name, value in call.assigned.items():
        yield from _assigned(call, name, value)


def _assigned(call: Invocation, name: str, value: str) -> Iterator[Finding]:
    if _LOADERS.fullmatch(name):
        if value and not (name == "LD_LIBRARY_PATH" and _is_kept(call, value)):
            yield call.deny("environment.loader", f"{name} makes every program load other code.")
    elif name == "PATH":
        yield from _path(call, value)
    elif name in ("BASH_ENV", "ENV"):
        if value and (name == "BASH_ENV" or call.name in SHELLS or "/" in value):
            yield call.deny("environment.startup", f"{name} makes a shell run another file first.")
    elif name == "PYTHONPATH":  # usual, but for a folder that anybody can fill
        if any(locate(part, call.scope).place is Place.TEMP for part in value.split(":") if part):
            yield call.ask("environment.options", f"{name} makes a program load or run other code.")
    elif _OPTIONS.fullmatch(name):
        path_like = name.endswith(("LIB", "PATH", "HOME", "CLASSPATH")) and not name.startswith("GIT")
        if not all(map(_EVERYDAY_OPTION.fullmatch, value.split())) and not (path_like and _is_work(call, value)):
            yield call.ask("environment.options", f"{name} makes a program load or run other code.")
    elif name in ("HISTCONTROL", "HISTIGNORE") and value not in ("", "ignoredups", "erasedups"):
        yield call.ask("accounts.history", "It keeps the shell from recording some commands.")
    elif _HISTORY.fullmatch(name) and value in ("", "0", "/dev/null"):
        yield call.deny("accounts.history", "It keeps the shell from recording what is done.")
    elif name == "IFS" and re.search(r"[\w/]", value):
        yield call.ask("environment.separators", "It makes ordinary characters separate words.")


def _is_work(call: Invocation, value: str) -> bool:
    return all(locate(part, call.scope).place in (Place.WORK, Place.UNKNOWN) for part in value.split(":") if part)


def _is_kept(call: Invocation, value: str) -> bool:
    """Whether a list of folders names only the work folder's own and the system's, which others cannot fill."""
    found = [locate(part, call.scope) for part in value.split(":") if part not in MAYBE_EMPTY]
    return all(one.place is Place.WORK or one.path.startswith(("/usr/", "/opt/", "/lib", "/nix/")) for one in found)


def _path(call: Invocation, value: str) -> Iterator[Finding]:
    """Folders that anybody can write to, in front of the system's."""
    if value in MAYBE_EMPTY:
        return
    parts = value.split(":")
    system = next((at for at, part in enumerate(parts) if part.startswith(("/usr", "/bin", "/sbin"))), len(parts))
    for at, part in enumerate(parts):
        found = locate(part or ".", call.scope)
        relative = not erased(part).startswith("/") and part[:1] not in MAYBE_EMPTY
        if found.place is Place.TEMP or (relative and part in ("", ".", "./", "..")):
            yield call.deny(
                "environment.path", f"PATH takes programs from a place that anybody can fill: {part or '.'}."
            )
        elif at < system and found.place is Place.WORK and not part.endswith(("node_modules/.bin", "/bin")):
            yield call.ask("environment.path", "PATH takes programs from the work folder before the system's.")
