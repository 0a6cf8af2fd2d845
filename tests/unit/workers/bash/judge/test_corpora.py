"""The public corpora: no dangerous command is allowed, no harmless one denied, whatever clothes they wear."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.bash.judge import Decision, judge

CORPORA = Path(__file__).parents[4] / "corpora"


def corpus(name: str) -> list[str]:
    return [json.loads(line) for line in (CORPORA / f"{name}-commands.jsonl").read_text().splitlines()]


def test_no_dangerous_command_is_allowed() -> None:
    dangerous = corpus("dangerous")
    assert len(dangerous) > 2000
    judged = {command: judge(command) for command in dangerous}
    assert [command for command, found in judged.items() if found.decision is Decision.ALLOW] == []
    rules = {finding.rule for found in judged.values() for finding in found.findings}
    assert "judge.failed" not in rules
    denied = sum(found.decision is Decision.DENY for found in judged.values())
    assert denied > len(dangerous) / 2  # a judge that asks about everything is no judge


def test_no_harmless_command_is_denied_and_few_are_asked_about() -> None:
    harmless = corpus("harmless")
    assert len(harmless) > 1000
    judged = {command: judge(command) for command in harmless}
    assert [command for command, found in judged.items() if found.decision is Decision.DENY] == []
    assert sum(found.decision is Decision.ASK for found in judged.values()) < len(harmless) * 0.03


def test_the_part_is_a_part_of_the_command_and_the_reason_a_sentence() -> None:
    for command in corpus("dangerous")[::23]:
        found = judge(command)
        assert found.part in command or not found.part.isascii(), command
        assert found.reason.endswith("."), found.reason
        assert "." in found.rule
        assert all(finding.decision.weight <= found.decision.weight for finding in found.findings)


# --- mutations ------------------------------------------------------------------------------------------------------

#: What nobody would let pass, in its plainest form.
PLAIN = ["rm -rf /", "rm -rf /etc", "mkfs.ext4 /dev/sda1", "dd if=/dev/zero of=/dev/sda", "reboot", "cat /etc/shadow"]
WRAPPERS = [
    "env {}",
    "env -i A=1 {}",
    "nice -n 5 {}",
    "timeout 5 {}",
    "nohup {} &",
    "sudo {}",
    "command {}",
    "time {}",
    "stdbuf -o0 {}",
    "true && {}",
    "false || {}",
    "( {} )",
    "{{ {}; }}",
    "if true; then {}; fi",
    "for i in 1 2; do {}; done",
    "f() {{ {}; }}; f",
    "x=$({})",
    'echo "$({})"',
    "cat <({})",
    "ls | {}",
    "setsid {}",
    "echo hi;{}",
    "echo hi\n{}",
    "! {}",
    "xargs {}",
    "find . -exec {} \\;",
]


def _in_quotes(command: str) -> str:
    return " ".join(f"'{word}'" for word in command.split())


def _split_words(command: str) -> str:
    first, _, rest = command.partition(" ")
    return f"{first[0]}''{first[1:]} {rest}"


def _escaped(command: str) -> str:
    first, _, rest = command.partition(" ")
    return "".join("\\" + letter for letter in first) + " " + rest


def _coded(command: str) -> str:
    first, _, rest = command.partition(" ")
    return "$'" + "".join(f"\\x{ord(letter):02x}" for letter in first) + f"' {rest}"


def _by_shell(command: str) -> str:
    return f"sh -c {shlex.quote(command)}"


def _by_eval(command: str) -> str:
    return f"eval {shlex.quote(command)}"


def _by_pipe(command: str) -> str:
    return f"echo {shlex.quote(command)} | bash"


def _by_here_document(command: str) -> str:
    return f"bash <<'END'\n{command}\nEND"


def _by_variable(command: str) -> str:
    return f"c={shlex.quote(command)}; $c"


def _by_python(command: str) -> str:
    return f"python3 -c {shlex.quote(f'import os; os.system({command!r})')}"


def _continued(command: str) -> str:
    return command.replace(" ", " \\\n ", 1)


CLOTHES: list[Callable[[str], str]] = [
    *(lambda command, form=form: form.format(command) for form in WRAPPERS),  # type: ignore[misc]
    _in_quotes,
    _split_words,
    _escaped,
    _coded,
    _by_shell,
    _by_eval,
    _by_pipe,
    _by_here_document,
    _by_variable,
    _by_python,
    _continued,
]


@pytest.mark.parametrize("clothes", CLOTHES)
def test_one_piece_of_clothing_hides_nothing(clothes: Callable[[str], str]) -> None:
    worn = [clothes(command) for command in PLAIN]
    assert [command for command in worn if judge(command).decision is Decision.ALLOW] == []


@given(st.sampled_from(PLAIN), st.lists(st.integers(0, len(WRAPPERS) - 1), max_size=4), st.sampled_from(CLOTHES[-11:]))
@settings(max_examples=80, deadline=None)
def test_many_pieces_hide_nothing_either(plain: str, wrappers: list[int], last: Callable[[str], str]) -> None:
    command = last(plain)
    for at in wrappers:
        command = WRAPPERS[at].format(_by_shell(command))  # a simple command again, which any of them takes
    assert judge(command).decision is not Decision.ALLOW, command


FRAGMENTS = [
    "rm",
    " -rf",
    " /",
    '"',
    "'",
    "\\",
    "`",
    "$(",
    ")",
    "${x:-",
    "}",
    "<<E\n",
    "\nE\n",
    ";",
    "|",
    "&",
    "[[ ",
    "((",
    "\x00",
    "é",
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=25), st.sampled_from(["bash", "sh", "pwsh"]))
@settings(max_examples=100, deadline=None)
def test_whatever_it_is_given_it_answers(fragments: list[str], shell: str) -> None:
    found = judge("".join(fragments), shell=shell)
    assert found.decision in Decision
    assert not any(finding.rule == "judge.failed" for finding in found.findings)
    json.dumps(found.as_dict())


@pytest.mark.parametrize(
    "command",
    [
        "(" * 20_000,
        "$(" * 3000,
        "a|" * 7000 + "b",
        "if a; then " * 900,
        "x=a;" + "x=$x$x;" * 60 + "$x",
        "{a," * 400,
    ],
)
def test_what_is_too_much_is_asked_about_soon(command: str) -> None:
    assert judge(command).decision is not Decision.ALLOW


def test_what_is_too_long_is_denied() -> None:
    assert judge("echo " + "a" * 40_000).rule == "judge.too-long"


def test_an_unknown_shell_is_asked_about() -> None:
    assert judge("ls", shell="fish").rule == "judge.unknown-shell"


def test_the_work_folder_may_be_changed_and_no_other() -> None:
    assert judge("rm -rf /srv/app/build", workdir="/srv/app").decision is Decision.ALLOW
    assert judge("rm -rf /srv/other", workdir="/srv/app").decision is not Decision.ALLOW
