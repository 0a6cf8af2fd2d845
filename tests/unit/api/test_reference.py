"""The page about the API: complete, and nothing in it is fetched from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient

from reign.api.app import make_api
from reign.api.reference import told
from reign.config import Settings


def test_every_route_is_told_and_nothing_is_loaded(tmp_path: Path) -> None:
    api = make_api(Settings.load(data_dir=tmp_path))
    answer = TestClient(api, base_url="http://localhost").get("/docs")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert re.findall(r'(?:src|href)="(?!#|/openapi\.json")[^"]*"', answer.text) == []
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    document = api.openapi()
    for path, verbs in document["paths"].items():
        for verb in verbs:
            assert f'{verb.upper()}</span><span class="path">{path}<' in answer.text
    for name in document["components"]["schemas"]:
        assert f'id="body-{name}"' in answer.text
    assert set(re.findall(r'href="#body-([^"]+)"', answer.text)) <= set(document["components"]["schemas"])


def test_types_in_words() -> None:
    assert told({"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}) == (
        "string <span class='dim'>at most 9</span>"
    )
    assert told({"type": "array", "items": {"enum": ["a", "<b>"]}}) == (
        "list of <code>a</code> | <code>&lt;b&gt;</code>"
    )
    assert told({"const": "all"}) == "<code>all</code>"
    assert told({}) == "anything"
