"""What reaches a person when something goes wrong that nobody thought of: a line and an exit code, never a trace."""

from __future__ import annotations

import errno
import json

import pytest

from reign.cli import main as cli


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/up.tmp"), 7, "/data/up.tmp: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), 7, "/etc/x: Permission denied"),
        (RuntimeError("two\nlines"), 70, "a fault of reign itself: RuntimeError: two"),
    ],
)
def test_no_trace_reaches_a_person(
    raised: Exception, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app(**_: object) -> None:
        raise raised

    monkeypatch.setattr(cli, "command_line", lambda: app)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    err = capsys.readouterr().err
    assert ended.value.code == code
    assert told in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["cancel"], ["show", "--bogus"], ["shwo"], ["runs", "--limit", "many"]])
def test_a_wrong_command_line_is_an_error_like_any_other(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["reign", *words, "-o", "json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    told = json.loads(said.out)["error"]
    assert ended.value.code == 2
    assert told["message"] in said.err
    assert told["hint"].endswith(" --help`")
