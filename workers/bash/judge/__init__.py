"""The shell judge: says before a command runs whether it may (allow), needs a person (ask) or must not (deny).

A pure function of the command's text: it runs nothing, reads no file and asks no network. It is the second of four
layers; the sandbox is the boundary (docs/judge.md).
"""

from workers.bash.judge.judge import judge
from workers.bash.judge.judgement import Decision, Finding, Judgement

__all__ = ["Decision", "Finding", "Judgement", "judge"]
