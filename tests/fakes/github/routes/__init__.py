"""GitHub's operations, one module a part of its reference."""

from tests.fakes.github.routes import (
    apps,
    branches,
    collaborators,
    commits,
    contents,
    git_data,
    issues,
    labels,
    meta,
    pulls,
    releases,
    repositories,
    search,
    storage,
    workflows,
)
from tests.fakes.github.routing import Router

MODULES = (
    apps,
    branches,
    collaborators,
    commits,
    contents,
    git_data,
    issues,
    labels,
    meta,
    pulls,
    releases,
    repositories,
    search,
    storage,
    workflows,
)


def all_routes() -> Router:
    return Router(route for module in MODULES for route in module.routes.found)
