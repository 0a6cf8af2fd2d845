"""A local server that speaks GitHub's REST API, with state, for tests."""

from tests.fakes.github.runs import Outcome
from tests.fakes.github.server import GitHubServer

__all__ = ["GitHubServer", "Outcome"]
