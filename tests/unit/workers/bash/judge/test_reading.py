"""Which commands only look."""

from __future__ import annotations

import pytest

from workers.bash.judge.reading import only_reads

LOOK = [
    "cat README.md",
    "ls -la src | grep py | wc -l",
    'echo "$HOME" && date +%F',
    "git status --short; git log --oneline -n 3",
    'for f in *.py; do wc -l "$f"; done',
    "if [ -f a ]; then cat a; else echo none; fi",
    "find . -name '*.py' -newer Makefile",
    "sed -n '1,5p' file",
    "awk '{print $1}' data.txt",
    "sort -u names | uniq -c",
    "x=$(git rev-parse HEAD); echo $x",
    "grep -r TODO . 2>/dev/null || true",
    "cat < in.txt 2>&1",
    "docker ps -a",
    "kubectl get pods -o json | jq .items",
    'f() { cat "$1"; }; f README.md',
    "command -v make > /dev/null",
    "test -d build",
    "env",
    'while read -r line; do echo "$line"; done < list',
]
CHANGE = [
    "make",
    "cat a > b",
    "echo x >> log",
    "ls | tee out",
    "rm -rf build",
    "touch x",
    "mkdir -p a",
    "find . -delete",
    "find . -exec cat {} +",
    "sort -o a a",
    "uniq a b",
    "sed -i s/a/b/ f",
    "sed 's/a/b/w out' f",
    "awk '{print > \"x\"}' f",
    "awk 'BEGIN{system(\"ls\")}'",
    "python3 -c 'print(1)'",
    "./script.sh",
    "$TOOL --version",
    "echo $(touch x)",
    "cat <(make)",
    "git commit -m x",
    "git diff --output=x",
    "git",
    "docker rm web",
    "kubectl apply -f x",
    "npm install",
    "curl http://localhost",
    "env make",
    "xargs cat",
    "sh -c 'cat a'; sh x",
    "date -s 2020-01-01",
    "cat 1<> file",
    "f() { touch x; }; f",
    "{ cat a; } > b",
    "(",
    "cat /etc/shadow",
    "$(" * 500,
    "cat a;" * 6000,
]


@pytest.mark.parametrize("command", LOOK)
def test_what_only_looks(command: str) -> None:
    assert only_reads(command)


@pytest.mark.parametrize("command", CHANGE)
def test_what_may_change_something(command: str) -> None:
    assert not only_reads(command)
