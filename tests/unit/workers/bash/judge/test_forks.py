"""How many processes a program makes: a few are nobody's business, without end is a fork bomb."""

from __future__ import annotations

import pytest

from workers.bash.judge import judge
from workers.bash.judge.forks import Growth, growth

BOUNDED = [
    "import os; os.fork()",
    "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()",
    "import os\nfor i in range(3):\n    if os.fork() == 0: os._exit(0)",
    "from multiprocessing import Process\nfor i in range(4): Process(target=print).start()",
    "def work(n): print(n)\nps = [Process(target=work, args=(i,)) for i in range(8)]",
    "[threading.Thread(target=print).start() for i in range(10)]",
    "3.times { |i| fork { puts i } }; Process.waitall",
    "my $p = fork; exit 0 if !$p; waitpid($p, 0)",
    'const {spawn} = require("child_process"); spawn("ls")',
    "while True:\n    break",
]
DOUBTFUL = [
    "import os\nfor i in range(30): os.fork()",
    "fork for 1..100",
    "os.fork(); os.fork(); os.fork(); os.fork()",
    'for i in range(100_000): subprocess.Popen(["sleep", "9"])',
    'require("child_process").fork(__filename)',
    "while True:\n    os.fork(); time.sleep(1)",
    "while True:\n    c, _ = s.accept()\n    Thread(target=serve, args=(c,)).start()",
]
ENDLESS = [
    "import os\nwhile 1: os.fork()",
    "while 1 == 1: os.fork()",
    "[os.fork() for _ in iter(int, 1)]",
    "for i in itertools.count(): os.fork()",
    "def f():\n    os.fork()\n    f()\nf()",
    "def f():\n    Process(target=f).start()\n    f()\nf()",
    "f = lambda: (os.fork(), f())\nf()",
    "const f = () => { spawn('node'); f() }; f()",
    "def f; fork; f; end; f",
    "sub b { fork; b() } b()",
    "loop do fork end",
    "fork while fork",
    "fork until false",
    "for (;;) { spawn('sh') }",
    "setInterval(() => spawn('sh'), 0)",
    "while(true){pcntl_fork();}",
    "fork,fork,fork,fork,fork,fork,fork,fork",
    'while true do os.execute("sleep 1000 &") end',
    "subprocess.Popen([x, __file__]); subprocess.Popen([x, __file__])",
    "function f() { spawn('x'); f(",  # cut off in the middle
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, Growth.BOUNDED) for text in BOUNDED),
        *((text, Growth.DOUBTFUL) for text in DOUBTFUL),
        *((text, Growth.ENDLESS) for text in ENDLESS),
    ],
)
def test_a_program_s_processes_are_counted(text: str, expected: Growth) -> None:
    assert growth(text, text) is expected


@pytest.mark.parametrize(
    ("command", "decision"),
    [
        ("python3 -c 'import os; print(os.fork())'", "allow"),
        ("python3 -c 'import os\nfor i in range(30): os.fork()'", "ask"),
        ("python3 -c 'import os\nwhile True: os.fork()'", "deny"),
        ("echo 'int main(){while(1)fork();}' | gcc -xc - && ./a.out", "deny"),
        ("cat > f.c <<E\nint main(){for(;;)fork();}\nE\ngcc -o f f.c && ./f", "deny"),
        ("cat > f.c <<E\nint main(){return 0;}\nE\ngcc -o f f.c && ./f", "allow"),
        ("gcc -O2 -o hello hello.c", "allow"),
        ("while sleep 0; do yes & done", "deny"),
        ("while [ 1 ]; do sleep 9 & done", "deny"),
        ("until false; do sleep 9 & done", "deny"),
        ("until [ 1 -eq 2 ]; do x & done", "deny"),
        ("until nc -z localhost 5432; do sleep 1; done", "allow"),
        ("while :; do ./job & wait; done", "ask"),
        ("echo './b & ./b' > b; chmod +x b; ./b", "deny"),
        ("echo './b' > b; chmod +x b; ./b", "allow"),
    ],
)
def test_a_fork_bomb_is_denied_and_nothing_else(command: str, decision: str) -> None:
    assert judge(command).decision == decision
