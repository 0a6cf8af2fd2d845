"""A local server that speaks GitHub's REST API, with state, for tests.

```python
with GitHubServer(published()) as server:          # published(): GitHub's OpenAPI description, to check against
    server.add_user("mona")
    server.add_repository("mona/shop", {"README.md": "# shop"})
    client = github.Github(base_url=server.url, auth=github.Auth.Token(server.add_token("mona")), retry=None)
    server.drop_next("POST", r"/pulls$", after_applying=True)
    ...
    assert server.requests.count("POST", r"/pulls$") == 1
    assert not server.violations
```

`fixtures.py` has the same as pytest fixtures: `github_server`, which fails a test for any violation, and `client`.
"""

from tests.fakes.github.openapi import published
from tests.fakes.github.runs import Outcome
from tests.fakes.github.server import GitHubServer

__all__ = ["GitHubServer", "Outcome", "published"]
