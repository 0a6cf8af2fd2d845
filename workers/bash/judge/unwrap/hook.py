"""A command that a tool is given as text, by an option, a setting or a variable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workers.bash.judge.tables import names


@dataclass(frozen=True, slots=True)
class Hook:
    """`text` is run by the tool because of `option`."""

    option: str
    text: str


_ESCAPES = ("!", "\\!", "EXEC", "-f", "--eval", "PROGRAM", "ext::", "scripts")
_BENIGN = names(
    "cat less more most delta diff-so-fancy bat vim nvim vi nano emacs code ed true false : gzip pigz bzip2 "
    "pbzip2 lbzip2 xz pxz zstd zstdmt lz4 lzip lzma lzop brotli ssh gcc g++ clang clang++ cc c++ ccache sccache "
    "ld lld mold head jq open xdg-open firefox batcat lesspipe rustc meld colordiff icdiff difft diff echo"
)


def is_benign(hook: Hook) -> bool:
    """Whether the hook only names one of the programs that such a hook is made for, with plain options."""
    words = hook.text.split()
    if not words:
        return True
    name, *rest = words
    name = name.rsplit("/", 1)[-1]
    if re.search(r"[;&|<>`$(){}\n]", hook.text) or hook.option in _ESCAPES:
        return False
    if name == "ssh":
        return "command" not in hook.text.lower()
    if name in ("sh", "bash", "zsh", "dash"):
        return not rest and hook.option in ("SHELL", "SHELL=", "--script-shell")
    return name in _BENIGN and all(re.fullmatch(r"--?[\w=.-]+|\d+", word) for word in rest)
