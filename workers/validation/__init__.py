"""The validation agent: checks that gate a plan. They change nothing, and end in findings."""

from reign.executor.contract import Agent
from workers.validation.checks import checks
from workers.validation.dockerfile import Dockerfile
from workers.validation.http import Http
from workers.validation.manifest import Manifest
from workers.validation.policy import Policy
from workers.validation.ports import ScanPorts
from workers.validation.scan_secrets import ScanSecrets
from workers.validation.script import Script
from workers.validation.tcp import Tcp
from workers.validation.terraform import Terraform
from workers.validation.words import WORDS
from workers.validation.workflow import Workflow

AGENT = Agent(
    "validation",
    "Checks that gate a plan: secrets, ports, addresses, Dockerfiles, scripts, workflows, manifests, Terraform, policy",
    operations=(ScanSecrets, ScanPorts, Http, Tcp, Dockerfile, Script, Workflow, Manifest, Terraform, Policy),
    checks=checks,
    words=WORDS,
)
