"""The validation agent: checks that gate a plan. They change nothing, and end in findings."""

from reign.executor.contract import Agent
from workers.validation.http import Http
from workers.validation.ports import ScanPorts
from workers.validation.scan_secrets import ScanSecrets
from workers.validation.tcp import Tcp

AGENT = Agent(
    "validation",
    "Checks that gate a plan: secrets, ports, addresses, Dockerfiles, scripts, workflows, manifests, Terraform, policy",
    operations=(ScanSecrets, ScanPorts, Http, Tcp),
)
