"""The fixtures of the fake, for its own tests."""

from tests.fakes.github.fixtures import client, github_description, github_server, openapi, recordings

__all__ = ["client", "github_description", "github_server", "openapi", "recordings"]
