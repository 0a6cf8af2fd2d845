"""A cluster for the whole test run, and a namespace for every test."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.kubernetes import Cluster, MissingAssets, shared_cluster
from tests.engines.required import missing
from tests.integration.kubernetes.performing import Performer, agent_options


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of REIGN_TEST_KUBECONFIG, else a control plane started for this run."""
    reason = ""
    with contextlib.ExitStack() as stack:
        cluster = None
        try:
            cluster = stack.enter_context(shared_cluster(lambda: tmp_path_factory.mktemp("kubernetes")))
        except MissingAssets as error:
            reason = str(error)
        if cluster is None:
            missing("kubernetes", reason)
        yield cluster


@pytest.fixture(scope="session")
def kubeconfig(control_plane: Cluster) -> Path:
    """A kubeconfig whose current context is the administrator's."""
    return control_plane.kubeconfig


@pytest.fixture
def simulated(control_plane: Cluster) -> Cluster:
    """The cluster, for tests that need pods to fail as tests/engines/kwok.yaml says."""
    if not control_plane.simulated:
        pytest.skip("the cluster of REIGN_TEST_KUBECONFIG has real nodes; this test needs pods played by kwok")
    return control_plane


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    """A new namespace. It is deleted (but not waited for) after the test, unless the whole cluster goes soon: its
    deletion would cost the API server more than most tests do."""
    name = f"reign-{secrets.token_hex(4)}"
    control_plane.api("post", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    if not control_plane.simulated:
        control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def options(control_plane: Cluster) -> dict[str, Any]:
    """The options of the kubernetes agent that lead to the cluster."""
    return agent_options(control_plane)


@pytest.fixture
def perform(options: dict[str, Any], namespace: str, tmp_path: Path) -> Performer:
    """Performs operations of the agent in the test's namespace."""
    return Performer(options, namespace, tmp_path)
