from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from workers.docker import settings
from workers.docker.settings import Port, mounts, published, restart_policy, size, text_values, words


@pytest.mark.parametrize(
    ("written", "port"),
    [
        ({"8088": 80}, Port(80, 8088)),
        ({8088: "80"}, Port(80, 8088)),
        ({"53": "53/udp"}, Port(53, 53, "udp")),
        ({"0.0.0.0:8088": 80}, Port(80, 8088, address="0.0.0.0")),
        ({"[::1]:8088": 80}, Port(80, 8088, address="::1")),
        (["8088:80"], Port(80, 8088)),
        (["127.0.0.1:8088:80/tcp"], Port(80, 8088)),
        (["127.0.0.1::80"], Port(80, 0)),
        (["80"], Port(80, 0)),
        ([80], Port(80, 0)),
    ],
)
def test_ports(written: Any, port: Port) -> None:
    assert published(written) == [port]


@pytest.mark.parametrize(
    "written", [["http"], {"8088": "eighty"}, ["70000:80"], ["80:0"], 80, ["8088-8090:80"], "80:80"]
)
def test_what_is_not_a_port(written: Any) -> None:
    with pytest.raises(ValueError, match="port"):
        published(written)


@given(host=st.integers(0, 65535), inside=st.integers(1, 65535), protocol=st.sampled_from(["tcp", "udp", "sctp"]))
def test_any_pair_of_ports_is_read_alike_in_both_forms(host: int, inside: int, protocol: str) -> None:
    expected = [Port(inside, host, protocol)]
    assert published({str(host): f"{inside}/{protocol}"}) == expected
    assert published([f"{host}:{inside}/{protocol}"]) == expected


def test_mounts() -> None:
    found = mounts({"./site": "/www:ro", "data": "/data"})
    assert [(m.source, m.target, m.is_path, m.read_only) for m in found] == [
        ("./site", "/www", True, True),
        ("data", "/data", False, False),
    ]
    assert mounts(["/srv:/srv:rw", "~/x:/x:ro,z"])[1].options == ("ro", "z")


@pytest.mark.parametrize("written", [["data"], {"data": "relative"}, ["a:/b:rx"], 5, [":/b"]])
def test_what_is_not_a_mount(written: Any) -> None:
    with pytest.raises(ValueError, match="volume"):
        mounts(written)


def test_variables_become_texts() -> None:
    assert text_values({"A": 1, "B": True, "C": None, "D": 1.5, "E": "x"}) == {
        "A": "1",
        "B": "true",
        "C": "",
        "D": "1.5",
        "E": "x",
    }
    assert text_values(["A=1", "B=x=y", "C"]) == {"A": "1", "B": "x=y", "C": ""}
    assert text_values(7) == 7


def test_commands() -> None:
    assert words("sh -c 'echo a; id'") == ["sh", "-c", "echo a; id"]
    assert words(["sleep", 5]) == ["sleep", "5"]
    assert words(None) is None


@pytest.mark.parametrize(
    ("written", "in_bytes"),
    [("512m", 512 << 20), ("1g", 1 << 30), ("1.5 GiB", 3 << 29), (1024, 1024), ("2kb", 2048), ("7", 7)],
)
def test_sizes(written: Any, in_bytes: int) -> None:
    assert size(written) == in_bytes


@pytest.mark.parametrize("written", ["much", True, None, "-1m", "1x"])
def test_what_is_not_a_size(written: Any) -> None:
    with pytest.raises(ValueError, match="size"):
        size(written)


def test_restart_policies() -> None:
    assert restart_policy("on-failure:3") == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert TypeAdapter(settings.RestartPolicy).validate_python(False) == "no"
    for wrong in ("sometimes", "always:3"):
        with pytest.raises(ValidationError, match="restart policy"):
            TypeAdapter(settings.RestartPolicy).validate_python(wrong)


def test_networks_in_all_forms() -> None:
    read = TypeAdapter(settings.Networks).validate_python
    assert list(read("a")) == ["a"]
    assert list(read(["a", "b"])) == ["a", "b"]
    assert read({"a": ["x"], "b": None, "c": {"ipv4": "10.0.0.1"}})["a"].aliases == ["x"]
    with pytest.raises(ValidationError):
        read(5)


def test_health() -> None:
    read = TypeAdapter(settings.HealthCheck).validate_python
    assert read("none") == "none"
    assert read("curl -f http://x").as_config()["Test"] == ["CMD-SHELL", "curl -f http://x"]
    found = read({"command": ["true"], "interval": "2s", "retries": 5, "start_period": "1m"}).as_config()
    assert found == {
        "Test": ["CMD", "true"],
        "Interval": 2_000_000_000,
        "Timeout": 5_000_000_000,
        "Retries": 5,
        "StartPeriod": 60_000_000_000,
    }
