"""The kubernetes agent: objects of a cluster through its API server, charts through Helm."""

from reign.executor import Agent
from workers.kubernetes.apply import Apply, Delete
from workers.kubernetes.checks import checks
from workers.kubernetes.compose import ConvertCompose
from workers.kubernetes.deployments import CreateDeployment, CreateNamespace, Expose, Scale
from workers.kubernetes.helm_install import HelmInstall, HelmUpgrade
from workers.kubernetes.helm_releases import HelmHistory, HelmRollback, HelmStatus, HelmTemplate, HelmUninstall
from workers.kubernetes.references import refers
from workers.kubernetes.rollouts import RolloutRestart, RolloutStatus, RolloutUndo
from workers.kubernetes.watching import ClusterInfo, Logs, PodStatus
from workers.kubernetes.words import WORDS

AGENT = Agent(
    "kubernetes",
    "Objects of a Kubernetes cluster, and Helm releases",
    operations=(
        Apply,
        Delete,
        CreateDeployment,
        Expose,
        Scale,
        RolloutStatus,
        RolloutRestart,
        RolloutUndo,
        PodStatus,
        Logs,
        CreateNamespace,
        ClusterInfo,
        ConvertCompose,
        HelmInstall,
        HelmUpgrade,
        HelmRollback,
        HelmUninstall,
        HelmStatus,
        HelmHistory,
        HelmTemplate,
    ),
    checks=checks,
    refers=refers,
    words=WORDS,
)
