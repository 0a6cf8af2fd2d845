"""One secret is pushed through every way in which a run shows anything; then everything that REIGN has is searched."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reign.client import Client
from tests.integration.surfaces.conftest import Up

TOKEN = "tok/9f&Kq7+wZ2=mB4xN8vR1"
KEY = (
    "-----BEGIN PRIVATE KEY-----\n" + "\n".join(f"{n}Qz{n}" * 13 for n in range(10, 18)) + "\n-----END PRIVATE KEY-----"
)

SHOWS = """
echo "the token is $TOKEN"
echo "on the other stream: $TOKEN" >&2
printf %s "${TOKEN:0:11}"; sleep 0.3; printf '%s\\n' "${TOKEN:11}"
printf '%s\\n%s\\n' "${TOKEN:0:9}" "${TOKEN:9}"
printf %s "$TOKEN" | base64
printf 'x%s' "$TOKEN" | base64 -w 16
printf %s "$TOKEN" | od -An -tx1 | tr -d ' \\n'; echo
echo "$KEY"
printf %s "$KEY" | base64
set -x; true "$TOKEN"
"""


def forms() -> list[bytes]:
    lines = [TOKEN, *(line for line in KEY.splitlines() if "-----" not in line)]
    found = []
    for line in lines:
        raw = line.encode()
        found += [line, quote(line, safe=""), base64.b64encode(raw).decode()[:-4], raw.hex(), json.dumps(line)[1:-1]]
        found += [base64.b64encode(b"x" + raw).decode()[4:-4]]
    wrapped = base64.b64encode(KEY.encode()).decode()
    found += [wrapped[at : at + 40] for at in range(0, len(wrapped) - 40, 76)]
    found += [TOKEN[:11], TOKEN[11:]]
    return [form.encode() for form in found]


def plan(folder: Path) -> dict[str, Any]:
    token, key = f"secret://file{folder}/token", f"secret://file{folder}/key"
    env = {"TOKEN": token, "KEY": key}
    return {
        "name": "secrets",
        "on_failure": "continue",
        "tasks": {
            "shows": {"uses": "bash.run", "with": {"command": SHOWS, "env": env}},
            "refuses": {
                "uses": "bash.run",
                "with": {"command": 'echo "cannot log in with $TOKEN" >&2; exit 3', "env": env},
            },
            "returns": {"uses": "probe.noop", "with": {"value": {"whole": token, "part": f"Bearer {token}", "k": key}}},
            "breaks": {"uses": "probe.append", "with": {"ledger": f"none/{token}/x", "line": "a"}},
            "locks": {"uses": "probe.append", "with": {"ledger": "ledger", "line": f"{token}"}},
            "writes": {"uses": "bash.write_file", "with": {"path": "kept.env", "content": f"TOKEN={token}\n{key}\n"}},
            "again": {"uses": "bash.write_file", "with": {"path": "kept.env", "content": "x"}, "needs": ["writes"]},
            "passes": {
                "uses": "probe.noop",
                "needs": ["shows"],
                "with": {"value": "${{ tasks.shows.result.stdout }}"},
            },
            "missing": {"uses": "probe.noop", "with": {"value": f"{token} secret://env/REIGN_TEST_NONE"}},
        },
    }


def everything(up: Up, client: Client, run: str) -> dict[str, bytes]:
    """All that is kept and all that is answered, by where it was found."""
    found = {str(path): path.read_bytes() for path in (up.folder / "data").rglob("*") if path.is_file()}
    for path in (up.folder / "up.log", up.folder / "secrets.backup"):
        found[str(path)] = gzip.decompress(path.read_bytes()) if path.suffix == ".backup" else path.read_bytes()
    for place in ("", "/plan", "/logs?limit=10000", "/receipt", "/rollback"):
        found[place] = json.dumps(client.get(f"/runs/{run}{place}"), ensure_ascii=False).encode()
    found["events"] = json.dumps([vars(event) for event in client.run(run).watch()], ensure_ascii=False).encode()
    for place in ("/audit?limit=5000", "/locks", "/runs", "/environments"):
        found[place] = json.dumps(client.get(place), ensure_ascii=False).encode()
    for command in (("show", run), ("logs", run), ("audit", "--run", run)):
        found[" ".join(command)] = up.reign(*command).stdout.encode()
    return found


def test_nothing_shows_a_secret(up: Up, client: Client) -> None:
    outside = up.folder / "outside"
    outside.mkdir()
    (outside / "token").write_text(TOKEN + "\n")
    (outside / "key").write_text(KEY + "\n")
    run = client.submit(plan(outside), workdir=str(up.folder), approve="all").wait(60)
    states = {name: task.state for name, task in run.tasks.items()}
    assert states == {
        "shows": "succeeded",
        "refuses": "failed",
        "returns": "succeeded",
        "breaks": "failed",
        "locks": "succeeded",
        "writes": "succeeded",
        "again": "succeeded",
        "passes": "succeeded",
        "missing": "failed",
    }, {name: task.error for name, task in run.tasks.items()}
    assert (up.folder / "ledger").read_text() == TOKEN + "\n"  # it was the real value that was used
    error = run.tasks["refuses"].error
    assert error is not None
    assert "cannot log in with ***" in json.dumps(error)
    assert run.tasks["returns"].result["value"]["part"] == "Bearer ***"
    assert run.tasks["returns"].result["value"]["whole"].startswith("secret://file")
    logged = [line["text"] for line in run.logs("shows")]
    assert {"the token is ***", "on the other stream: ***", "***"} <= set(logged)
    assert not any(TOKEN[:6] in text for text in logged)
    assert up.reign("state", "backup", "secrets.backup").returncode == 0
    wanted = forms()
    assert sum(form in (outside / name).read_bytes() for form in wanted for name in ("token", "key")) > 5
    shown = {
        place: [form.decode() for form in wanted if form in content]
        for place, content in everything(up, client, run.name).items()
    }
    assert {place: hits for place, hits in shown.items() if hits} == {}
