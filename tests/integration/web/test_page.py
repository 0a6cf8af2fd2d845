"""The page in a real browser, on a real installation: ask, look, run, follow, settle, take back."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.engines.browser import Browser
from tests.engines.installation import end, until
from tests.integration.web.conftest import Site, free_port

REQUEST = 'create the file note.txt with "hello from the page" and then run `cat note.txt`'

ASKING = """\
name: release
tasks:
  build: {uses: bash.run, with: {command: "echo '<img src=x onerror=document.title=0> &amp;'"}}
  publish: {uses: probe.noop, needs: [build], approval: required}
  break: {uses: bash.run, needs: [publish], with: {command: "echo it went wrong >&2; exit 3"}}
  never: {uses: probe.noop, needs: [break]}
"""


@pytest.fixture(scope="module")
def api(site: Site) -> subprocess.Popen[bytes]:
    return site.start_api()


def test_a_request_in_words_is_planned_run_followed_and_taken_back(
    site: Site, api: subprocess.Popen[bytes], window: Browser
) -> None:
    window.open("/")
    window.fill("#request", REQUEST)
    window.click(".ask-more summary")
    window.fill(".ask-more input.mono", str(site.folder))
    window.click("button.primary", "Show the plan")
    window.find(".card", "write-file")
    window.find(".card", "bash.run")
    window.find(".coverage", "1 of 2 changes can be taken back exactly")
    assert not (site.folder / "note.txt").exists()

    window.click(".plan-head button", "Run it")
    window.find("dialog h2", "Run 2 tasks in dev?")
    window.click("dialog button.primary", "Run")
    window.find(".run-head .state", "succeeded")
    assert window.driver.current_url.startswith(f"{site.url}/run/")
    assert (site.folder / "note.txt").read_text().strip() == "hello from the page"

    window.click(".card[data-task=run]")
    window.find(".side .log .text", "hello from the page")
    assert "apply" not in window.find(".side").text

    first = window.driver.current_url
    window.click(".actions button", "Take it back")
    window.find("dialog .undo-list", "write-file")
    window.find("dialog .callout", "Stays as it is")
    window.click("dialog button.primary", "Take it back")
    until(lambda: window.driver.current_url != first)
    window.find(".kicker", "ollback in dev")
    window.find(".run-head .state", "succeeded")
    assert not (site.folder / "note.txt").exists()

    window.open(first.removeprefix(site.url))
    window.find(".callout", "Taken back by")
    assert window.complaints() == []


def test_a_plan_file_waits_for_a_yes_and_its_failure_is_told_in_words(
    site: Site, api: subprocess.Popen[bytes], window: Browser
) -> None:
    window.open("/")
    window.script(  # as a paste does it: at once, and not key by key
        "const box = document.getElementById('request');"
        "Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, arguments[0]);"
        "box.dispatchEvent(new Event('input', {bubbles: true}))",
        ASKING.replace("bash.run", "bash.rum", 1),
    )
    window.click("button.primary", "Show the plan")
    window.find("[role=alert]", "line 3, column")
    window.script(
        "const box = document.getElementById('request');"
        "Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, arguments[0]);"
        "box.dispatchEvent(new Event('input', {bubbles: true}))",
        ASKING,
    )
    window.click("button.primary", "Show the plan")
    window.find(".card .flag", "asks")
    window.click(".plan-head button", "Run it")
    window.find("dialog .approvals", "publish")
    window.click("dialog button.primary", "Run")

    window.find(".attention h2", "publish waits for a yes")
    assert window.find(".log .text", "<img").text == "<img src=x onerror=document.title=0> &amp;"
    window.click(".attention button", "Yes, do it")
    window.find(".run-head .state", "failed")
    window.find(".callout", "exit code 3: it went wrong")
    window.find(".card[data-task=never]", "skipped")
    assert window.driver.title.startswith("✕ ")
    assert window.complaints() == []


def test_an_api_that_went_away_is_told_and_the_run_goes_on_when_it_is_back(
    site: Site, api: subprocess.Popen[bytes], window: Browser
) -> None:
    run = site.submit({"name": "long", "tasks": {"wait": {"uses": "probe.sleep", "with": {"gate": "go"}}}})
    window.open(f"/run/{run.name}")
    window.find(".card[data-task=wait]", "probe.sleep")
    end(api, signal.SIGKILL)
    window.find(".banner", "does not answer")
    (site.folder / "go").touch()
    site.wait(run)
    assert "running" in window.find(".run-head .state").text
    site.start_api()
    window.gone(".banner")
    window.find(".run-head .state", "succeeded")
    window.open("/runs?q=long")
    window.find(".runs li", run.name)


def test_an_api_with_a_token_asks_for_it_once(site: Site, window: Browser) -> None:
    port = free_port()
    site.start_api(REIGN_API_PORT=str(port), REIGN_API_TOKEN="a-long-secret")
    window.url = f"http://127.0.0.1:{port}"
    try:
        window.open("/operations/docker.run")
        window.fill("dialog input[type=password]", "a-guess")
        window.click("dialog button.primary", "Enter")
        window.find("dialog [role=alert]", "token")
        window.fill("dialog input[type=password]", "a-long-secret")
        window.click("dialog button.primary", "Enter")
        window.find("h1", "docker.run")
        window.gone("dialog")
        cookie = window.driver.get_cookie("reign")
        assert cookie is not None
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert window.script("return document.cookie") == ""
        window.driver.refresh()
        window.find("h1", "docker.run")
    finally:
        window.url = site.url
