"""The docker agent: images, containers, networks, volumes and compose projects of a Docker Engine."""

from reign.executor import Agent
from workers.docker.build import Build
from workers.docker.checks import checks
from workers.docker.compose import ComposeDown, ComposeUp
from workers.docker.images import Pull, Push, RemoveImage, Tag
from workers.docker.inside import Exec, Logs
from workers.docker.lifecycle import Remove, Restart, Start, Stop
from workers.docker.networks import CreateNetwork, RemoveNetwork
from workers.docker.references import refers
from workers.docker.run import Run
from workers.docker.volumes import CreateVolume, RemoveVolume
from workers.docker.words import WORDS

AGENT = Agent(
    "docker",
    "Images, containers, networks, volumes and compose projects of a Docker Engine",
    operations=(
        Build,
        Pull,
        Tag,
        Push,
        RemoveImage,
        Run,
        Stop,
        Start,
        Restart,
        Remove,
        Exec,
        Logs,
        CreateNetwork,
        RemoveNetwork,
        CreateVolume,
        RemoveVolume,
        ComposeUp,
        ComposeDown,
    ),
    checks=checks,
    refers=refers,
    words=WORDS,
)
