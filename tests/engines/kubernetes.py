"""A real Kubernetes control plane for tests: etcd, API server, controllers and scheduler, with kwok as the nodes.

Objects, admission, RBAC, quota, rollouts, garbage collection and namespaces are the real thing. Nodes and pods are
played by kwok as ``kwok.yaml`` beside this module says: nothing runs inside a pod, cluster addresses lead nowhere.

``python -m tests.engines.kubernetes`` starts one by hand and keeps it until Ctrl-C.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
import yaml

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "deploy" / "test-cluster" / "build"
SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
ADVICE = (
    "run `make test-cluster` (it builds one with the Go toolchain, once a machine), "
    "or set KUBEBUILDER_ASSETS to a folder of binaries, or REIGN_TEST_KUBECONFIG to a cluster made for tests"
)
#: Longest wait for one step of the start, in seconds; a start takes about ten on an idle machine of two cores.
PATIENCE = 90.0
ADMIN = "reign-test"
NODES = ("node-a", "node-b")

_LOG_TIME = "2026-01-01T00:00:00.000000000Z"
#: The lines that ``kubectl logs`` shows, for containers of these names; kwok cannot choose by image.
FAILURE_LOG = ("starting", "fatal: cannot read /etc/app/config.yaml: no such file")
FAILING_CONTAINERS = ("crash", "crasher")
USUAL_LOG = ("starting", "listening on port 8080")


class MissingAssets(Exception):
    """No control plane can be had here; the message says how to get one."""


class StartFailed(Exception):
    """A server of the control plane ended, or was not ready in time; the message ends with its last log lines."""


@dataclass(frozen=True)
class Assets:
    """A folder of binaries; the one `make test-cluster` builds also has kubectl, ``helm`` (4) and ``helm3``."""

    folder: Path

    def binary(self, name: str) -> Path:
        """The binary of that name: the folder's own, or else the one on PATH.

        Raises MissingAssets if there is neither.
        """
        own = self.folder / name
        found = str(own) if own.is_file() else shutil.which(name)
        if found is None:
            raise MissingAssets(f"{name} is neither in {self.folder} nor on PATH: {ADVICE}")
        return Path(found)


def assets_folder() -> Path:
    """KUBEBUILDER_ASSETS if it is set, else the folder that `make test-cluster` fills (it may not exist yet)."""
    if given := os.environ.get("KUBEBUILDER_ASSETS"):
        return Path(given).expanduser()
    return Path(subprocess.run([BUILD, "--where"], check=True, capture_output=True, text=True).stdout.strip())


def find_assets() -> Assets:
    """The binaries in ``assets_folder()``. Raises MissingAssets if a server or kubectl is not among them."""
    folder = assets_folder()
    missing = [name for name in (*SERVERS, "kubectl") if not (folder / name).is_file()]
    if missing:
        raise MissingAssets(f"{', '.join(missing)} missing in {folder}: {ADVICE}")
    return Assets(folder)


def wait_for(what: str, ready: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Polls until ``ready()``; raises StartFailed after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise StartFailed(f"{what} was not ready after {patience:.0f} s")
        time.sleep(0.05)


class Cluster:
    """A cluster that tests may fill, seen through a kubeconfig of its own which tests may extend."""

    #: True if kwok plays the pods, so that the images of kwok.yaml have their fates.
    simulated = False

    def __init__(self, assets: Assets, folder: Path) -> None:
        self.assets = assets
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the cluster's kubeconfig, its binaries first on PATH, caches apart."""
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kube-cache"),
            "HELM_CACHE_HOME": str(self.folder / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(self.folder / "helm" / "config"),
            "HELM_DATA_HOME": str(self.folder / "helm" / "data"),
            "PATH": f"{self.assets.folder}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    def run(self, binary: str, *args: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a client (kubectl, helm, helm3) against the cluster; ``given`` is its standard input."""
        return subprocess.run(
            [self.assets.binary(binary), *args],
            input=given,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def kubectl(self, *args: str, given: str | None = None) -> str:
        """The output of kubectl; a failure raises RuntimeError with what kubectl said."""
        done = self.run("kubectl", *args, given=given)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the API server answers the administrator, without a program started for it: for looks that come often.

        Raises the library's ApiException.
        """
        answer: dict[str, Any] = self._client.request(method, path, body=body, serializer=lambda _, data: data)
        return answer

    @cached_property
    def _client(self) -> Any:
        from kubernetes import config
        from kubernetes.dynamic import DynamicClient

        made: Any = config.new_client_from_config
        dynamic: Any = DynamicClient
        return dynamic(made(config_file=str(self.kubeconfig)), cache_file=str(self.folder / "discovery.json"))

    def add_context(
        self, name: str, *, token: str | None = None, server: str | None = None, namespace: str | None = None
    ) -> str:
        """Adds a context to the kubeconfig and returns its name.

        Without ``token`` it is the administrator's; with ``server`` it points at another address.
        """
        config = yaml.safe_load(self.kubeconfig.read_text())
        context = {**_named(config["contexts"], config["current-context"])["context"]}
        if server is not None:
            cluster = {**_named(config["clusters"], context["cluster"])["cluster"], "server": server}
            context["cluster"] = name
            config["clusters"].append({"name": name, "cluster": cluster})
        if token is not None:
            context["user"] = name
            config["users"].append({"name": name, "user": {"token": token}})
        if namespace is not None:
            context["namespace"] = namespace
        config["contexts"].append({"name": name, "context": context})
        _write_private(self.kubeconfig, yaml.safe_dump(config))
        return name

    def add_account(self, name: str, namespace: str, *, role: str | None = None) -> str:
        """Makes a service account and a context for it; returns the context's name.

        The account may do nothing but what ``role``, a cluster role such as "view", allows within ``namespace``.
        """
        self.kubectl("create", "serviceaccount", name, "-n", namespace)
        if role is not None:
            subject = f"--serviceaccount={namespace}:{name}"
            self.kubectl("create", "rolebinding", name, "-n", namespace, f"--clusterrole={role}", subject)
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration=4h").strip()
        return self.add_context(f"{namespace}-{name}", token=token, namespace=namespace)

    def start(self) -> None:
        """Makes the cluster usable."""

    def stop(self) -> None:
        """Ends what ``start`` started."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class ExistingCluster(Cluster):
    """The cluster of a kubeconfig's current context. The file is copied, so that it is never written to."""

    def __init__(self, assets: Assets, folder: Path, original: Path) -> None:
        super().__init__(assets, folder)
        self.original = original

    def start(self) -> None:
        shown = self.run("kubectl", f"--kubeconfig={self.original}", "config", "view", "--raw", "--flatten", "--minify")
        if shown.returncode:
            raise StartFailed(f"REIGN_TEST_KUBECONFIG={self.original}: {shown.stderr.strip()}")
        _write_private(self.kubeconfig, shown.stdout)
        try:
            self.kubectl("get", "--raw", "/readyz", "--request-timeout=10s")
        except RuntimeError as error:
            raise StartFailed(f"REIGN_TEST_KUBECONFIG={self.original}: the cluster does not answer: {error}") from None


class ControlPlane(Cluster):
    """A control plane of its own on free loopback ports, its data in ``folder``. One start is one empty cluster."""

    simulated = True

    def __init__(self, assets: Assets, folder: Path) -> None:
        super().__init__(assets, folder)
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The process of each running server, by the name of its binary."""
        return {name: server.pid for name, server in self._servers.items()}

    def start(self) -> None:
        """Returns when nodes are Ready and pods can be made. Raises StartFailed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        etcd = self._start_etcd()
        self._wait_for("etcd", lambda: _listening(etcd))
        self._start_api_server(etcd)
        self._wait_for("kube-apiserver", lambda: self.run("kubectl", "get", "--raw", "/readyz").returncode == 0)
        scheduler = self._start_controllers()
        self._start_kwok()
        self.kubectl("create", "-f", "-", given=yaml.safe_dump_all(_node(name) for name in NODES))
        self._wait_for("kwok", self._nodes_ready)
        self._wait_for(
            "kube-controller-manager",
            lambda: self.run("kubectl", "get", "serviceaccount", "default").returncode == 0,
        )
        self._wait_for("kube-scheduler", lambda: _listening(scheduler))

    def stop(self) -> None:
        """Kills every server, without ceremony: the data goes with them."""
        for server in self._servers.values():
            server.kill()
        for server in self._servers.values():
            server.wait()
        self._servers.clear()

    def _start_etcd(self) -> int:
        port = _free_port()
        address, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{_free_port()}"
        self._serve(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={address}",
            f"--advertise-client-urls={address}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        return port

    def _start_api_server(self, etcd: int) -> None:
        port = _free_port()
        self._write_credentials(f"https://127.0.0.1:{port}")
        self._serve(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            # A loopback address may not stand in an Endpoints object, and no pod will ever look for it.
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            f"--client-ca-file={self.folder / 'ca.crt'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={self.folder / 'accounts.key'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged",
            "--profiling=false",
        )

    def _start_controllers(self) -> int:
        """Starts both and returns the scheduler's port."""
        shared = (
            f"--kubeconfig={self.kubeconfig}",
            f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            "--leader-elect=false",
            "--profiling=false",
        )
        self._serve(
            "kube-controller-manager",
            *shared,
            f"--secure-port={_free_port()}",
            f"--root-ca-file={self.folder / 'ca.crt'}",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            "--use-service-account-credentials",
        )
        port = _free_port()
        self._serve("kube-scheduler", *shared, f"--secure-port={port}")
        return port

    def _start_kwok(self) -> None:
        logs = self.folder / "pod-logs.yaml"
        logs.write_text(yaml.safe_dump(self._pod_logs()))
        port = _free_port()
        self._serve(
            "kwok",
            f"--config={HERE / 'kwok.yaml'}",
            f"--config={logs}",
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes",
            "--node-lease-duration-seconds=40",
            "--node-ip=127.0.0.1",
            f"--node-port={port}",
            f"--server-address=127.0.0.1:{port}",
            "--cidr=10.244.0.0/16",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
        )

    def _pod_logs(self) -> dict[str, Any]:
        """kwok's rule for ``kubectl logs``, and the files that it reads, in the format of container runtimes."""

        def rule(name: str, lines: tuple[str, ...]) -> dict[str, Any]:
            file = self.folder / f"pod-{name}.log"
            file.write_text("".join(f"{_LOG_TIME} stdout F {line}\n" for line in lines))
            return {"logsFile": str(file), "previousLogsFile": str(file)}

        failing = {**rule("failing", FAILURE_LOG), "containers": list(FAILING_CONTAINERS)}
        return {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterLogs",
            "metadata": {"name": "logs"},
            "spec": {"logs": [failing, rule("usual", USUAL_LOG)]},
        }

    def _write_credentials(self, address: str) -> None:
        """A certificate authority, the servers' certificate, the administrator's, and the service accounts' key."""
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost", "kubernetes.default.svc")
        admin = authority.issue_cert("admin.test", common_name="reign-test-admin", organization_name="system:masters")
        authority.cert_pem.write_to_path(self.folder / "ca.crt")
        server.cert_chain_pems[0].write_to_path(self.folder / "server.crt")
        _write_private(self.folder / "server.key", server.private_key_pem.bytes().decode())
        _write_private(self.folder / "accounts.key", authority.issue_cert("accounts").private_key_pem.bytes().decode())
        cluster = {"server": address, "certificate-authority-data": _base64(authority.cert_pem.bytes())}
        user = {
            "client-certificate-data": _base64(admin.cert_chain_pems[0].bytes()),
            "client-key-data": _base64(admin.private_key_pem.bytes()),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": ADMIN, "cluster": cluster}],
            "users": [{"name": ADMIN, "user": user}],
            "contexts": [{"name": ADMIN, "context": {"cluster": ADMIN, "user": ADMIN}}],
            "current-context": ADMIN,
        }
        _write_private(self.kubeconfig, yaml.safe_dump(config))

    def _serve(self, name: str, *flags: str) -> None:
        command = [str(self.assets.folder / name), *flags]
        # Where the system has it, the servers die with a test run that is killed and cannot stop them itself.
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with self._log(name).open("wb") as log:
            self._servers[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        def checked() -> bool:
            for server, process in self._servers.items():
                if process.poll() is not None:
                    raise StartFailed(f"{server} ended with {process.returncode}:\n{self._last_lines(server)}")
            return ready()

        try:
            wait_for(name, checked)
        except StartFailed as error:
            raise StartFailed(f"{error}\n{self._last_lines(name)}") from None

    def _last_lines(self, name: str, count: int = 15) -> str:
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-count:])

    def _nodes_ready(self) -> bool:
        path = '{.items[*].status.conditions[?(@.type=="Ready")].status}'
        states = self.kubectl("get", "nodes", "-o", f"jsonpath={path}").split()
        return states == ["True"] * len(NODES)


def find_cluster(folder: Path) -> Cluster:
    """The cluster for this test run, not started: REIGN_TEST_KUBECONFIG's, or else a control plane of its own.

    Raises MissingAssets.
    """
    if given := os.environ.get("REIGN_TEST_KUBECONFIG"):
        return ExistingCluster(Assets(assets_folder()), folder, Path(given).expanduser())
    return ControlPlane(find_assets(), folder)


class _Shared:
    """The cluster that all fixtures of this process use, however many import the one that starts it."""

    cluster: Cluster | None = None
    users = 0


@contextlib.contextmanager
def shared_cluster(folder: Callable[[], Path]) -> Iterator[Cluster]:
    """The cluster of this process: started for the first who asks, in ``folder()``, ended with the last.

    Raises MissingAssets, StartFailed.
    """
    if _Shared.cluster is None:
        cluster = find_cluster(folder())
        _Shared.cluster = cluster.__enter__()
    _Shared.users += 1
    try:
        yield _Shared.cluster
    finally:
        _Shared.users -= 1
        if not _Shared.users:
            _Shared.cluster.stop()
            _Shared.cluster = None


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def _free_port() -> int:
    """A port that was free just now: ask at the last moment, because nothing keeps it."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write_private(path: Path, text: str) -> None:
    """Replaces the file whole, so that no reader sees half of it, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="reign-kubernetes-") as folder:
        try:
            with find_cluster(Path(folder)) as cluster:
                print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
                signal.signal(signal.SIGTERM, signal.default_int_handler)
                with contextlib.suppress(KeyboardInterrupt):
                    signal.pause()
        except (MissingAssets, StartFailed) as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
