"""Infrastructure as code and the command lines of clouds and services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from workers.bash.judge import options
from workers.bash.judge.invocation import Invocation
from workers.bash.judge.judgement import Finding
from workers.bash.judge.tables import names

_DESTROYS = re.compile(
    r"(?i)(?:\w+[-:._])*(?:deletion|delete|destroy|undefine|leave|seal|archive|cancel|forget|close|terminate|remove|purge|rm|rb|drop|wipe|flush|flushall|flushdb|revoke|reset|nuke|deregister|"
    r"deprovision|decommission|uninstall|evict|force-unlock|erase|empty|del|disable|detach|unset|rollback|truncate|prune|stop|kill|halt|suspend|drain|deallocate|"
    r"delete_all|shutdown|killall)(?:[-:_.]\w+)*"
)
_STRONG = re.compile(
    r"(?i)(?:\w+[:.])*(?:destroy|terminate|purge|nuke|drop|wipe|flushall|flushdb|erase|factory-reset|fresh)(?:[-:_.]\w+)*|"
    r"(?:\w+:)(?:delete|reset|drop|destroy|flush|purge|clear-all)|delete-all|db:\w*(?:drop|reset)\w*|migrate:(?:fresh|reset|refresh)"
)
_RIGHTS = re.compile(
    r"(?i)create-access-key|attach-(?:user|role|group)-policy|put-\w+-policy|add-iam-policy-binding|update-assume-role-policy|"
    r"create-login-profile|set-iam-policy|get-secret-value|get-session-token|assume-role|print-access-token|"
    r"print-identity-token|get-access-token|keys|decrypt|get-parameters?|modify-\w+-attribute|make-public|put-bucket-acl|"
    r"authorize-security-group-ingress|change-resource-record-sets|change-password|stop-logging|delete-trail|stop-instances|reboot-instances|run-command|send-command"
)


_CHANGES = re.compile(
    r"(?:create|put|update|modify|run|start|restart|reboot|attach|associate|register|set|add|enable|publish|import|restore|"
    r"invoke|deploy|patch|resize|replace|up|execute|ssh|scp|send|issue|allocate|authorize|grant|promote|scale)(?:-\w+)*"
)


def _changing(words: list[str]) -> bool:
    """Whether the command's verb changes what runs in a cloud; settings of the tool itself are the user's own."""
    return words[:1] not in (["config"], ["configure"]) and any(_CHANGES.fullmatch(word) for word in words[1:5])


_UPLOADS = frozenset(("cp", "sync", "mv", "copy", "upload", "put", "rsync"))
_SECRETS = frozenset(
    (
        ("secret", "set"),
        ("auth", "token"),
        ("ssh-key", "add"),
        ("gpg-key", "add"),
        ("deploy-key", "add"),
        ("api", "graphql"),
        ("credential", "print"),
        ("config", "get-credentials"),
        ("variable", "set"),
        ("configure", "set"),
        ("secret", "show"),
        ("kv", "get"),
        ("gist", "create"),
        ("pr", "merge"),
        ("workflow", "run"),
        ("auth", "login"),
        ("assignment", "create"),
        ("sp", "create-for-rbac"),
        ("repo", "edit"),
        ("repo", "rename"),
        ("repo", "transfer"),
        ("token", "create"),
    )
)


def _terraform(call: Invocation) -> Iterator[Finding]:
    read = options.read(call.args, ("-chdir",), whole=True)
    words = read.operands
    verb = words[0] if words else ""
    if "destroy" in words[:2] or (verb == "apply" and "-destroy" in read.flags):
        yield call.ask("clouds.destroy", "It destroys infrastructure.")
    elif verb == "apply":
        yield call.ask("clouds.apply", "It changes infrastructure.")
    elif (
        verb in ("state", "workspace") and words[1:2] and words[1] in ("rm", "mv", "push", "delete", "replace-provider")
    ) or verb in ("taint", "force-unlock", "import", "untaint", "console", "login", "refresh"):
        yield call.ask("clouds.state", "It changes what is known of the infrastructure.")


def _pulumi(call: Invocation) -> Iterator[Finding]:
    words = options.read(call.args, ("-s", "--stack", "-C", "--cwd")).operands
    if words[:1] and words[0] in ("destroy", "up", "update", "refresh", "cancel", "import"):
        yield call.ask("clouds.destroy" if words[0] == "destroy" else "clouds.apply", "It changes infrastructure.")
    elif words[:1] in (["stack"], ["state"]) and words[1:2] and words[1] in ("rm", "delete", "import", "unprotect"):
        yield call.ask("clouds.state", "It changes what is known of the infrastructure.")


def _cloud(call: Invocation) -> Iterator[Finding]:
    words = [argument for argument in call.args if not argument.startswith("-")]
    destroying = next((word for word in words[:6] if _DESTROYS.fullmatch(word)), None)
    if destroying:
        yield call.ask("clouds.destroy", f"It takes something away from a service: {destroying}.")
    elif any(_RIGHTS.fullmatch(word) for word in words):
        yield call.ask("clouds.rights", "It changes rights, prints credentials or stops what runs.")
    if call.name in ("aws", "gcloud", "az", "aliyun", "oci", "doctl") and _changing(words):
        yield call.ask("clouds.change", "It changes something in a cloud.")
    if any(re.fullmatch(r"--?(?:delete|destroy|purge)(?:[-=].*)?", argument) for argument in call.args):
        yield call.ask("clouds.destroy", "It takes something away from a service.")
    if call.name in ("gh", "glab") and words[:2] in (["extension", "install"], ["alias", "set"], ["alias", "import"]):
        yield call.ask("packages.install", "It adds code that runs under another name.")
    if call.name == "packer" and words[:1] == ["build"]:
        yield call.ask("clouds.apply", "It makes machines and images in a cloud.")
    if call.name == "vault" and words[:1] and words[0] in ("read", "write", "login", "operator", "kv", "token"):
        yield call.ask("clouds.rights", "It reads or changes secrets.")
    if "firewall-rules" in words or "security-group" in words[:2] or (words[-1:] and re.fullmatch(r"\w+=0", words[-1])):
        yield call.ask("clouds.change", "It opens a firewall or stops what runs.")
    if any(pair in _SECRETS for pair in pairwise(words)):
        yield call.ask("clouds.rights", "It changes or prints what gives access.")
    if any(re.fullmatch(r"--(?:delete|force|recursive|purge)(?:=.*)?", word) for word in call.args) and (
        {"rm", "rb", "sync", "delete", "mv"} & set(words)
    ):
        yield call.ask("clouds.destroy", "It deletes many objects of a service at once.")
    verb = next((at for at, word in enumerate(words) if word in _UPLOADS), len(words))
    # What follows the verb and its source; an option's value may stand behind the destination.
    if any(re.match(r"(?:s3|gs|az|https|oss|cos|b2|wasb|swift|obs)s?://|\w+:", word) for word in words[verb + 2 :]):
        yield call.ask("network.sends", "It copies files into a service.")


def _strong(call: Invocation) -> Iterator[Finding]:
    """Project tools whose tasks can drop a database or a deployment."""
    words = [argument for argument in call.args if not argument.startswith("-")][:4]
    found = next((word for word in words if _STRONG.fullmatch(word)), None)
    if found or ("reset" in words and "migrate" in words) or "flush" in words[:2]:
        yield call.ask("clouds.destroy", f"It runs a task that destroys data or a deployment: {found or 'reset'}.")


def _unsafe_config(call: Invocation) -> Iterator[Finding]:
    yield call.ask("clouds.apply", "It changes other machines or this one by a recipe that is not shown here.")


Rule = Callable[[Invocation], Iterator[Finding]]
RULES: dict[str, Rule] = {
    **dict.fromkeys(("terraform", "tofu", "terragrunt", "opentofu", "cdktf", "terramate"), _terraform),
    "pulumi": _pulumi,
    **dict.fromkeys(
        names(
            "aws gcloud gsutil bq az doctl heroku fly flyctl linode-cli oci ibmcloud hcloud vault consul "
            "etcdctl nomad gh glab s3cmd mc minio vercel netlify wrangler firebase railway render supabase "
            "serverless sls sam cdk eb copilot amplify cf cloudctl openstack nova cinder rabbitmqctl "
            "rabbitmqadmin kafka-topics kafka-topics.sh redis-admin scw exo upctl vultr-cli aliyun tccli packer "
            "vagrant multipass virsh qm pct xe esxcli govc lxc incus snapctl tctl temporal airflow dagster "
            "cockroach influx curator elasticsearch-keystore nats pscale turso ceph rados rbd gluster drbdadm "
            "crm pcs VBoxManage vboxmanage velero argocd flux istioctl restic borg duplicity kopia tmutil"
        ),
        _cloud,
    ),
    **dict.fromkeys(
        names(
            "rake rails bin/rails php artisan manage.py django-admin npx npm yarn pnpm bun flask alembic python "
            "python3 mix sequelize prisma knex typeorm drizzle-kit flyway liquibase make just task mage gradle "
            "gradlew mvn composer drush wp bundle poetry"
        ),
        _strong,
    ),
    **dict.fromkeys(names("chef-client puppet salt-call cfn cloud-init ansible-pull juju knife"), _unsafe_config),
}
