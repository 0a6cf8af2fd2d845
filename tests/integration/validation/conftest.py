"""The cluster of the Kubernetes tests."""

from tests.integration.kubernetes.conftest import control_plane, kubeconfig

__all__ = ["control_plane", "kubeconfig"]
