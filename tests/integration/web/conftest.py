"""One installation with its API for all tests of the page, and one browser."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engines.browser import Browser, browser
from tests.engines.installation import Installation, until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Site(Installation):
    """An installation whose API can be stopped and started again."""

    @property
    def url(self) -> str:
        return self.settings.url

    def start_api(self, **env: str) -> subprocess.Popen[bytes]:
        process = self._spawn([sys.executable, "-m", "reign", "api"], **env)
        url = f"http://127.0.0.1:{env.get('REIGN_API_PORT', self.settings.api_port)}"

        def answers() -> bool:
            assert process.poll() is None, self.log()
            try:
                return httpx.get(f"{url}/readyz", trust_env=False).is_success
            except httpx.TransportError:
                return False

        until(answers, 90, every=0.1)
        return process


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), api_port=free_port())
    made.prepare()
    made.start_worker("bash", "probe")
    made.start_general()
    yield made
    made.close()


@pytest.fixture(scope="module")
def window(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder: Path = tmp_path_factory.mktemp("chromium")
    with browser(folder, site.url) as made:
        yield made
