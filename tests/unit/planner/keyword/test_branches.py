"""What hangs on a failure, to the end of its sentence; and conditions with a check of their own."""

from __future__ import annotations

from tests.unit.planner.keyword.support import plan, refusal, tasks


def test_what_goes_on_in_the_sentence_hangs_on_the_same_failure() -> None:
    found = plan("if http://localhost:81/ does not answer, restart the container web, show its logs and stop it").tasks
    assert found["http"].if_ is None
    assert (found["restart"].if_, found["restart"].needs) == ("failure()", ("http",))
    assert found["logs"].needs == ("http", "restart")
    assert found["logs"].if_ == "failure() && tasks.restart.state == 'succeeded'"
    assert set(found["stop"].needs) == {"http", "restart", "logs"}


def test_the_other_case_goes_on_as_well() -> None:
    found = plan("run `make test`; if it passes, restart web, otherwise restart api and stop worker").tasks
    assert (found["restart"].if_, found["restart-api"].if_) == (None, "failure()")
    assert found["stop"].if_ == "failure() && tasks.restart-api.state == 'succeeded'"
    turned = plan("if make test fails, stop web and remove it; otherwise restart api").tasks
    assert (turned["restart"].if_, turned["restart"].needs) == (None, ("run",))


def test_another_sentence_hangs_on_nothing() -> None:
    found = plan("check http://localhost:81/. If that fails, restart web. Show the logs of the container api.").tasks
    assert found["restart"].if_ == "failure()"
    assert (found["logs"].if_, found["logs"].needs) == (None, ("http",))


def test_a_condition_names_its_own_check() -> None:
    found = tasks("show the terraform outputs of ./a and ./b, and if ./b is valid, apply it")
    assert found[2:] == [("terraform.validate", {"directory": "./b"}), ("terraform.apply", {"directory": "./b"})]


def test_what_is_above_a_heading_is_done_below_it() -> None:
    text = "Before you remove the container db, save its data: run `dump` in it. After that remove the volume x."
    assert [uses for uses, _ in tasks(text)] == ["docker.exec", "docker.remove", "docker.remove_volume"]
    assert [u for u, _ in tasks("Before you remove the container db, save its data: run `dump` in it")] == [
        "docker.exec",
        "docker.remove",
    ]


def test_keeping_something_in_another_way_is_asked_about() -> None:
    assert "kept" in refusal("scale web to 3 replicas but keep it at 5 replicas").message
    assert refusal("move ./new.conf to ./app.conf, keep the old one as ./app.conf.bak beforehand")
    assert tasks("remove the container web but keep the volume data") == [("docker.remove", {"name": "web"})]
