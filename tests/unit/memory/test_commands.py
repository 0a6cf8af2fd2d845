"""Commands that do alike work have the same kind; what people write into them is not told."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.memory.commands import kind_of_command
from reign.memory.shape import pattern, shape
from tests.unit.memory.builders import PATIENT


@pytest.mark.parametrize(
    "command, kind",
    [
        ("sleep 50", "sleep(50x)"),
        (["sleep", "50"], "sleep(50x)"),
        ("sleep 0 2m", "sleep(0x, 2xm)"),
        ("/usr/bin/make -j8 test", "make test(-j)"),
        ("npm run build", "npm run build()"),
        ("git -C . status", "git(-C, path, text)"),
        ("cd app && terraform plan -out=p", "cd(text); terraform plan(-o)"),
        ("sudo -u bob timeout 30 pytest -q tests/unit", "pytest(-q, path)"),
        ("PASSWORD=hunter2 env A=b python3 jobs/train.py --lr=0.1", "python3 train.py(--lr, path)"),
        ("for i in 1 2; do sleep 1; done", "for(1x, 2x, text); sleep(1x); done()"),
        ("mysql -phunter2 --password=hunter2 -u root", "mysql(--password, -p, -u, text)"),
        ("curl -H 'X: y' https://x.example/?t=1 | gzip > $OUT", "curl(-H, text, url); gzip(text, variable)"),
        ("# first\ncat <<'END' > x.env\nhunter2\nEND\nsleep 20\n", "cat(text); sleep(20x)"),
        ("echo 'no end", "echo(text)"),
        ("A=1", "set"),
        ("'a b' c", "?(text)"),
        ("", "nothing"),
    ],
)
def test_a_command_is_its_programs_and_the_kinds_of_their_arguments(command: str | list[str], kind: str) -> None:
    assert kind_of_command(command) == kind


def test_the_shape_of_a_command_tells_one_from_another() -> None:
    def named(command: object) -> str:
        return pattern("bash.run", {"command": command})

    assert named("sleep 50") == named("sleep 60") == named(["sleep", "70"])
    assert len({named(c) for c in ("sleep 50", "sleep 5", "echo hi", "make test", "make all", "${{ tasks.a.x }}")}) == 6
    assert shape("bash.run", {"command": "secret://env/X", "cwd": "."}) == "bash.run(command:secret, cwd:path)"
    assert pattern("bash.script", {"script": "./a.sh"}) != pattern("bash.script", {"script": "./b.sh"})


SECRETS = st.text(alphabet="QZXJKq7", min_size=8, max_size=30)


@PATIENT
@given(
    SECRETS, st.sampled_from(["mysql -p{}", "login {}", "T={} run", "x --token={}", "curl -u a:{} x", "x <<E\n{}\nE\n"])
)
def test_no_secret_gets_into_a_kind(secret: str, command: str) -> None:
    assert secret not in kind_of_command(command.format(secret))
    assert secret not in kind_of_command(["login", secret, "-p" + secret])


@PATIENT
@given(st.text(max_size=3000))
def test_any_text_has_a_kind(text: str) -> None:
    assert kind_of_command(text)
    assert kind_of_command(shlex.quote(text))
