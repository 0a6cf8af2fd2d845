from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from workers.docker import settings
from workers.docker.ports import Port, Ports, published
from workers.docker.settings import mounts, restart_policy, size, text_values, words


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
        (80, Port(80, 0)),
        ("8088:80", Port(80, 8088)),
        (["localhost:8088:80/TCP", "127.0.0.1:8088:80"], Port(80, 8088)),
        (["8088-8090:80"], Port(80, 8088, last=8090)),
        ({"80": None}, Port(80, 0)),
        ({None: 80}, Port(80, 0)),
        ({"80/tcp": None}, Port(80, 0)),
        ({"80/udp": 8088}, Port(80, 8088, "udp")),
        ({"80/tcp": ("0.0.0.0", 8088)}, Port(80, 8088, address="0.0.0.0")),
        ({"8088/udp": "53/udp"}, Port(53, 8088, "udp")),
        ([{"target": 80, "published": "8088", "host_ip": "::1", "mode": "host"}], Port(80, 8088, address="::1")),
    ],
)
def test_ports(written: Any, port: Port) -> None:
    assert published(written) == [port]


@pytest.mark.parametrize(
    "written",
    [["http"], {"8088": "eighty"}, ["70000:80"], ["80:0"], ["8090-8088:80"], ["8000-8001:80-82"], True, 1.5],
)
def test_what_is_not_a_port(written: Any) -> None:
    with pytest.raises(ValueError, match="port"):
        published(written)


def test_several_ports_in_one() -> None:
    assert published(["8000-8002:80-82"]) == [Port(80, 8000), Port(81, 8001), Port(82, 8002)]
    assert published({"80/tcp": [8000, 8001]}) == [Port(80, 8000), Port(80, 8001)]
    assert published(["80-81"]) == [Port(80, 0), Port(81, 0)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({8088: 80}, {"8088": 80}),
        (["8088:80", 81], ["8088:80", 81]),
        (8080, ["127.0.0.1::8080/tcp"]),
        (["8000-8001:80-81/udp"], ["127.0.0.1:8000:80/udp", "127.0.0.1:8001:81/udp"]),
        (["8088-8090:80"], ["8088-8090:80"]),
        ([{"target": 80, "host_ip": "::1", "published": 8088}], ["[::1]:8088:80/tcp"]),
    ],
)
def test_what_is_written_host_to_container_stays_and_all_else_becomes_so(written: Any, kept: Any) -> None:
    assert TypeAdapter(Ports).validate_python(written) == kept
    assert published(kept) == published(written)


def test_a_wrong_word_of_a_long_form_is_told_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no 'publish'; did you mean 'published'"):
        published([{"target": 80, "publish": 8088}])
    with pytest.raises(ValueError, match="needs its `target`"):
        published([{"published": 8088}])
    with pytest.raises(ValueError, match="no 'read_onli' here; did you mean 'read_only'"):
        mounts([{"source": "data", "target": "/data", "read_onli": True}])
    with pytest.raises(ValueError, match="no 'modus'; did you mean 'mode'"):
        mounts({"data": {"bind": "/data", "modus": "ro"}})


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


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("data:/data", "data:/data"),
        ({"data": {"bind": "/data", "mode": "ro"}}, "data:/data:ro"),
        ({"./site": {"bind": "/www", "mode": "rw"}}, "./site:/www"),
        ([{"type": "bind", "source": "site", "target": "/www", "read_only": True}], "./site:/www:ro"),
        ([{"type": "volume", "source": "data", "target": "/data"}], "data:/data"),
    ],
)
def test_mounts_in_the_words_of_others(written: Any, text: str) -> None:
    assert TypeAdapter(settings.Volumes).validate_python(written) == [text]


@pytest.mark.parametrize(
    "written",
    [
        *(["data"], {"data": "relative"}, ["a:/b:rx"], 5, [":/b"], ["/data"], {"data": None}, ["data:/"]),
        *(["site/:/www"], {"./a:b": "/x"}, ["aa:/x", "bb:/x"]),
        *([{"type": "tmpfs", "target": "/t"}], [{"type": "volume", "source": "./x", "target": "/t"}]),
    ],
)
def test_what_is_not_a_mount(written: Any) -> None:
    with pytest.raises(ValueError, match="volume|mounted"):
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
    assert text_values([{"A": 1, "B": None}, {"name": "C", "value": True}]) == {"A": "1", "B": "", "C": "true"}
    with pytest.raises(ValueError, match="NAME=value"):
        text_values("A=1")


@pytest.mark.parametrize("written", [{"": "x"}, {"A=B": "x"}, {"A": "x\0y"}, ["=x"]])
def test_what_is_not_a_variable(written: Any) -> None:
    with pytest.raises(ValidationError, match="cannot be a variable"):
        TypeAdapter(settings.Variables).validate_python(written)


def test_one_as_good_as_many() -> None:
    assert TypeAdapter(settings.Many).validate_python("/tmp") == ["/tmp"]
    assert TypeAdapter(settings.Many).validate_python({"/tmp": "size=1m", "/run": None}) == ["/tmp:size=1m", "/run"]
    assert TypeAdapter(settings.Hosts).validate_python(["a:10.0.0.1", "b=::1"]) == {"a": "10.0.0.1", "b": "::1"}
    assert TypeAdapter(settings.Hosts).validate_python({"a": "host-gateway"}) == {"a": "host-gateway"}
    assert TypeAdapter(settings.User).validate_python(1000) == "1000"


def test_limits() -> None:
    assert settings.Resources.model_validate({"cpus": "500m", "memory": "64m", "memory_swap": -1}) == (
        settings.Resources(cpus=0.5, memory=64 << 20, memory_swap=-1)
    )
    for wrong in ({"cpus": 0}, {"cpus": "0.001"}, {"cpus": "half"}, {"memory_swap": -2}):
        with pytest.raises(ValidationError):
            settings.Resources.model_validate(wrong)


def test_commands() -> None:
    assert words("sh -c 'echo a; id'") == ["sh", "-c", "echo a; id"]
    assert words(["sleep", 5]) == ["sleep", "5"]
    assert words(None) is None
    with pytest.raises(ValueError, match="quotation mark is not closed"):
        words("echo 'a")
    with pytest.raises(ValueError, match="not of lists"):
        words([["a"]])


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
    for wrong in ("sometimes", "always:3", True, {"Name": "always"}):
        with pytest.raises(ValidationError, match="restart policy"):
            TypeAdapter(settings.RestartPolicy).validate_python(wrong)


def test_networks_in_all_forms() -> None:
    read = TypeAdapter(settings.Networks).validate_python
    assert list(read("a")) == ["a"]
    assert list(read(["a", "b"])) == ["a", "b"]
    assert read({"a": ["x"], "b": None, "c": {"ipv4": "10.0.0.1"}})["a"].aliases == ["x"]
    assert list(read(["default", {"b": ["x"]}])) == ["bridge", "b"]
    assert read({"a": "x"})["a"].aliases == read([{"a": {"aliases": ["x"]}}])["a"].aliases == ["x"]
    with pytest.raises(ValidationError):
        read(5)


def test_health() -> None:
    read: Any = TypeAdapter(settings.HealthCheck).validate_python
    assert read("none") == read(False) == read({"disable": True}) == read({"test": ["NONE"]}) == "none"
    assert read({"test": ["CMD", "true"]}).as_config()["Test"] == read(["CMD", "true"]).as_config()["Test"]
    assert read(["CMD-SHELL", "a && b"]).as_config()["Test"] == ["CMD-SHELL", "a && b"]
    with pytest.raises(ValidationError) as caught:
        read({"command": "true", "intervall": "1s"})
    assert len(caught.value.errors()) == 1
    assert read("curl -f http://x").as_config()["Test"] == ["CMD-SHELL", "curl -f http://x"]
    found = read({"command": ["true"], "interval": "2s", "retries": 5, "start_period": "1m"}).as_config()
    assert found == {
        "Test": ["CMD", "true"],
        "Interval": 2_000_000_000,
        "Timeout": 5_000_000_000,
        "Retries": 5,
        "StartPeriod": 60_000_000_000,
    }
