"""Programs in other languages on a command line (python -c, perl -e, awk, a script on standard input)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.outputs import content_of


@dataclass(frozen=True, slots=True)
class Code:
    """A program text in `language` (awk, sed, or a general one)."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """`code`: options whose value is code; `takes`: other options with a value; `verbs`: sub-commands before code."""

    language: str
    code: frozenset[str]
    takes: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()


def _entry(language: str, code: str, takes: str = "", verbs: str = "") -> _Interpreter:
    return _Interpreter(language, *(frozenset(text.split()) for text in (code, takes, verbs)))


_PYTHON = _entry("python", "-c", "-m -W -X --check-hash-based-pycs")
_JS = _entry("javascript", "-e --eval -p --print -pe", "-r --require --import --loader --input-type --env-file")
_INTERPRETERS: dict[str, _Interpreter] = {
    "python": _PYTHON,
    "pypy": _PYTHON,
    "ipython": _PYTHON,
    "bpython": _PYTHON,
    "micropython": _PYTHON,
    "hy": _PYTHON,
    "xonsh": _entry("xonsh", "-c"),
    "sage": _PYTHON,
    "jython": _PYTHON,
    "pythonw": _PYTHON,
    "perl": _entry("perl", "-e -E", "-I -M -m -F -x"),
    "raku": _entry("perl", "-e", "-I -M"),
    "perl6": _entry("perl", "-e", "-I -M"),
    "ruby": _entry("ruby", "-e", "-r -I -C -E -x"),
    "jruby": _entry("ruby", "-e", "-r -I"),
    "irb": _entry("ruby", "-e", "-r -I"),
    "crystal": _entry("ruby", "-e", verbs="eval"),
    "node": _JS,
    "nodejs": _JS,
    "bun": _JS,
    "deno": _entry("javascript", "", verbs="eval"),
    "tsx": _JS,
    "qjs": _JS,
    "ts-node": _JS,
    "electron": _JS,
    "osascript": _entry("javascript", "-e", "-l"),
    "jrunscript": _entry("javascript", "-e", "-l -f"),
    "php": _entry("php", "-r -B -R -E --run", "-d -c -z -F"),
    "lua": _entry("lua", "-e", "-l"),
    "luajit": _entry("lua", "-e", "-l"),
    "texlua": _entry("lua", "-e"),
    "tclsh": _entry("tcl", "-c"),
    "wish": _entry("tcl", ""),
    "expect": _entry("tcl", "-c", "-f"),
    "jimsh": _entry("tcl", "-e"),
    "R": _entry("r", "-e"),
    "Rscript": _entry("r", "-e"),
    "littler": _entry("r", "-e"),
    "julia": _entry("julia", "-e --eval -E --print"),
    "elixir": _entry("elixir", "-e --eval"),
    "iex": _entry("elixir", "-e"),
    "erl": _entry("erlang", "-eval"),
    "escript": _entry("erlang", ""),
    "swipl": _entry("prolog", "-g -t"),
    "guile": _entry("lisp", "-c -e"),
    "sbcl": _entry("lisp", "--eval"),
    "clisp": _entry("lisp", "-x"),
    "emacs": _entry("lisp", "--eval -eval --execute -e", "-l --load -f"),
    "racket": _entry("lisp", "-e"),
    "emacsclient": _entry("lisp", "-e --eval"),
    "chicken-csi": _entry("lisp", "-e"),
    "csi": _entry("lisp", "-e"),
    "ghc": _entry("haskell", "-e"),
    "runghc": _entry("haskell", "-e"),
    "stack": _entry("haskell", "-e"),
    "scala": _entry("scala", "-e"),
    "groovy": _entry("groovy", "-e"),
    "kotlinc": _entry("kotlin", "-e"),
    "jshell": _entry("java", ""),
    "ocaml": _entry("ocaml", "-e"),
    "octave": _entry("octave", "--eval"),
    "gnuplot": _entry("gnuplot", "-e"),
    "nu": _entry("nu", "-c --commands"),
    "cmake": _entry("cmake", "", "-P -S -B -G -D -C -T -A -E --build --install --target --preset"),
    "swift": _entry("swift", "-e"),
    "nim": _entry("nim", "--eval"),
    "m4": _entry("m4", ""),
    "dotnet-script": _entry("c#", "eval"),
    "awk": _entry("awk", "-e --source", "-F -v -f --field-separator --assign --file -i --include -l -E --exec"),
    "sed": _entry("sed", "-e --expression", "-f -l --file --line-length"),
}
_ALIASES = {
    "gawk": "awk",
    "mawk": "awk",
    "nawk": "awk",
    "original-awk": "awk",
    "bwk": "awk",
    "gsed": "sed",
    "rscript": "Rscript",
}
_COMPILERS = frozenset(("gcc", "cc", "clang", "tcc", "g++", "c++", "clang++"))
_COMPILER_TAKES = ("-o", "-x", "-I", "-L", "-D", "-include", "-isystem")
_VERSION = re.compile(r"(?<=[a-z])-?\d+(?:\.\d+)*[a-z]?$")


def interpreter_of(name: str) -> str | None:
    """The interpreter that a program's name stands for, versions taken off (python3.12 -> python)."""
    bare = _ALIASES.get(name, name)
    if bare not in _INTERPRETERS:
        bare = _VERSION.sub("", bare)
        bare = _ALIASES.get(bare, bare)
    return bare if bare in _INTERPRETERS else None


def programs(call: Invocation) -> Iterator[Code]:
    """Every program text that the command line hands to an interpreter or a compiler."""
    if call.name in _COMPILERS:
        yield from _compiled(call)
        return
    name = interpreter_of(call.name)
    if name is None:
        return
    kind = _INTERPRETERS[name]
    args = [argument for argument in call.args if not re.fullmatch(r"-i.*|--in-place.*", argument) or name != "sed"]
    read = options.read(args, kind.code | kind.takes)
    texts = [value for option in kind.code for value in read.values(option)]
    texts += [after for before, after in pairwise(args) if before in kind.code and len(before) > 2]
    yield from (Code(kind.language, text) for text in dict.fromkeys(texts))
    operands = read.operands
    if name in ("awk", "sed"):
        if not texts and not read.has("-f", "--file") and operands:
            yield Code(kind.language, operands[0])
        for path in read.values("-f", "--file", "-E", "--exec"):
            yield from _from_file(call, kind.language, path)
        return
    if name == "cmake":
        for path in read.values("-P"):
            yield from _from_file(call, kind.language, path)
        return
    if name == "nim" and operands[:1] == ["e"]:
        operands = operands[1:]
    if operands and operands[0] in kind.verbs:
        yield from (Code(kind.language, text) for text in operands[1:])
    elif operands and operands[0] not in ("-", "/dev/stdin"):
        yield from _from_file(call, kind.language, operands[0])
    elif not texts and not read.has("-m") and call.stdin is not None and call.stdin.text:
        yield Code(kind.language, call.stdin.text)


def reads_program_from_stdin(call: Invocation) -> bool:
    """Whether the interpreter takes its program from standard input."""
    name = interpreter_of(call.name)
    if name is None or name in ("awk", "sed", "cmake", "nim"):
        return False
    kind = _INTERPRETERS[name]
    read = options.read(call.args, kind.code | kind.takes)
    given = any(read.has(option) for option in kind.code) or any(argument in kind.code for argument in call.args)
    if given or read.has("-m", "-V", "--version", "-v", "-h", "--help"):
        return False
    return not read.operands or read.operands[0] in ("-", "/dev/stdin")


def script_file(call: Invocation) -> str | None:
    """The script that an interpreter is told to run."""
    name = interpreter_of(call.name)
    if name is None:
        return None
    kind = _INTERPRETERS[name]
    read = options.read(call.args, kind.code | kind.takes)
    if name in ("awk", "sed"):
        return next(iter(read.values("-f", "--file")), None)
    if any(read.has(option) for option in kind.code) or read.has("-m"):
        return None
    return next((operand for operand in read.operands if operand not in kind.verbs | {"run"}), None)


def _from_file(call: Invocation, language: str, path: str) -> Iterator[Code]:
    known = call.stdin if path in ("-", "/dev/stdin") else content_of(path, call.scope)
    if known and known.text:
        yield Code(language, known.text)


def _compiled(call: Invocation) -> Iterator[Code]:
    """Sources that the command itself wrote: what is compiled is going to run."""
    for path in options.read(call.args, _COMPILER_TAKES).operands:
        text = (call.stdin.text if call.stdin else None) if path == "-" else content_of(path, call.scope).text
        if text:
            yield Code("c", text)
