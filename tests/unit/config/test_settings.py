"""Settings: where they come from, what they refuse, and what follows from them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reign.config import Settings
from reign.core.errors import InvalidInput, Unavailable


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("REIGN_") and name != "REIGN_EXTRA_AGENTS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing(tmp_path: Path) -> None:
    found = Settings.load()
    folder = tmp_path / "share" / "reign"
    assert found.data_dir == folder
    assert found.database == f"sqlite:///{folder}/reign.db"
    assert found.url == "http://127.0.0.1:8470"
    assert not folder.exists()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reign.toml").write_text("api_port = 1\nconcurrency = 3\n[agents.bash]\nwall = true\n")
    monkeypatch.setenv("REIGN_API_PORT", "2")
    assert (Settings.load().api_port, Settings.load().concurrency) == (2, 3)
    assert Settings.load(api_port=5, concurrency=None).api_port == 5
    assert Settings.load().agents == {"bash": {"wall": True}}
    (tmp_path / "other.toml").write_text("concurrency = 9\n")
    monkeypatch.setenv("REIGN_CONFIG", str(tmp_path / "other.toml"))
    assert Settings.load().concurrency == 9


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("REIGN_API_PORT", "x", "REIGN_API_PORT: "),
        ("REIGN_DATABASE_URL", "mysql://x", "REIGN_DATABASE_URL: a database is"),
        ("REIGN_BROKER_URL", "amqp://x", "REIGN_BROKER_URL: a broker is"),
        ("REIGN_API_HOST", "0.0.0.0", "settings: beyond loopback"),
        ("REIGN_AGENTS", "{", "the settings in the environment: "),
        ("REIGN_API_PROT", "1", "there is no setting REIGN_API_PROT"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as caught:
        Settings.load()
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    (tmp_path / "reign.toml").write_text("a = = b")
    with pytest.raises(InvalidInput, match=r"reign\.toml: "):
        Settings.load()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[enviroments.prod]\n", "reign.toml: there is no setting 'enviroments'", "'environments'"),
        ("api_prot = 1\n", "reign.toml: there is no setting 'api_prot'", "'api_port'"),
        (
            "[environments.prod]\nprotcted = true\n",
            "REIGN_ENVIRONMENTS, prod.protcted: there is no such key",
            "'protected'",
        ),
        ("[environments.prod]\nparams = 3\n", "REIGN_ENVIRONMENTS, prod.params: ", "docs/settings.md"),
    ],
)
def test_a_mistyped_key_of_the_file_is_told(tmp_path: Path, text: str, message: str, hint: str) -> None:
    (tmp_path / "reign.toml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        Settings.load()
    assert caught.value.message.startswith(message)
    assert hint in (caught.value.hint or "")


def test_urls(tmp_path: Path) -> None:
    for given in ("postgres://u@h/n", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"):
        assert Settings.load(database_url=given).database == "postgresql+psycopg://u@h/n"
    assert Settings.load(broker_url="rediss://h/0").broker == "rediss://h/0"
    assert Settings.load(data_dir=Path("/d")).broker == "redis+socket:///d/valkey.sock"
    assert Settings.load(api_url="https://reign").url == "https://reign"
    assert Settings.load(api_host="0.0.0.0", api_token="t").url == "http://0.0.0.0:8470"


def test_a_deep_data_folder_has_a_short_socket() -> None:
    path = Settings.load(data_dir=Path("/" + "d" * 120)).socket_path
    assert str(path).startswith("/tmp/reign-")
    assert len(str(path)) < 100


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first = Settings.load().key
    assert len(first) == 64
    assert Settings.load().key == first
    assert (tmp_path / "share/reign/signing.key").stat().st_mode & 0o777 == 0o600
    assert Settings.load(signing_key="k").key == b"k"


def test_a_key_that_is_cut_off_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_bytes(b"")  # what a full disk left of it
    with pytest.raises(Unavailable, match=r"signing\.key is cut off"):
        _ = Settings.load(data_dir=tmp_path).key


def test_a_key_is_made_where_there_are_no_links_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("reign.config.os.link", refused)
    made = Settings.load(data_dir=tmp_path)
    assert made.key == (tmp_path / "signing.key").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["signing.key"]


def test_of_several_that_make_a_key_at_once_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(b"k" * 64)
    Settings._make_key(path)
    assert path.read_bytes() == b"k" * 64
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = Settings.load(data_dir=tmp_path / "file" / "below")
    with pytest.raises(Unavailable, match="cannot be used"):
        _ = found.key
    with pytest.raises(Unavailable, match="is not writable"):
        found.writable_data_dir()


def test_a_folder_that_can_be_used(tmp_path: Path) -> None:
    folder = Settings.load().writable_data_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_each_setting_is_explained_and_stands_in_the_documentation() -> None:
    page = Path(__file__).parents[3].joinpath("docs/settings.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|")[3].strip() for line in page.splitlines() if "| `REIGN_" in line}
    assert rows == {f"`REIGN_{name.upper()}`": field.description for name, field in Settings.model_fields.items()}
