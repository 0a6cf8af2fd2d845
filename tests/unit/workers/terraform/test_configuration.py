"""A configuration as content: what belongs to it, packed and laid out again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reign.executor.testing import make_context
from workers.terraform import configuration as configurations
from workers.terraform.configuration import Configuration, File, declared_backend, is_code, is_content
from workers.terraform.workfolder import laid_out

names = st.text("abcdefghij-_.", min_size=1, max_size=12).filter(lambda n: n not in (".", ".."))


@given(st.dictionaries(names, st.tuples(st.binary(max_size=200), st.booleans()), max_size=8))
def test_packing_and_unpacking_gives_the_same_and_equal_ones_equal_bytes(
    content: dict[str, tuple[bytes, bool]],
) -> None:
    files = {f"/srv/infra/{name}": File(data, executable) for name, (data, executable) in content.items()}
    made = Configuration(("/srv/infra",), files, {"/srv/infra/link": "../else"}, ("/srv/infra/large",))
    again = Configuration.unpack(made.pack())
    assert again == made
    assert again.digest == made.digest
    turned = Configuration(made.folders, dict(reversed(files.items())), made.links, made.large)
    assert turned.pack() == made.pack()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("main.tf", True), ("terraform.tfvars", True), (".terraform.lock.hcl", True), ("notes.tfstate", True),
        (".terraform", False), (".git", False), ("terraform.tfstate", False), ("terraform.tfstate.backup", False),
        ("terraform.tfstate.d", False), (".terraform.tfstate.lock.info", False), ("zz_reign_override.tf.json", False),
    ],
)  # fmt: skip
def test_what_belongs_to_it(name: str, content: bool) -> None:
    assert is_content(name) is content


def test_what_terraform_reads_by_itself() -> None:
    code = ["a.tf", "a.tf.json", "a.tofu", "x.auto.tfvars", "terraform.tfvars", ".terraform.lock.hcl"]
    assert all(map(is_code, code))
    assert not any(map(is_code, ["a.tfvars", "a.txt", "script.sh"]))


def test_former_code_is_laid_over_what_lies_beside_it_now() -> None:
    former = Configuration(("/d",), {"/d/main.tf": File(b"old"), "/d/page.tpl": File(b"old")})
    present = Configuration(
        ("/d",), {"/d/main.tf": File(b"new"), "/d/more.tf": File(b"new"), "/d/written.txt": File(b"by an apply")}
    )
    laid = former.over(present)
    assert {path: file.content for path, file in laid.files.items()} == {
        "/d/main.tf": b"old",
        "/d/page.tpl": b"old",
        "/d/written.txt": b"by an apply",
    }


def test_local_modules_belong_to_it_wherever_they_are(tmp_path: Path) -> None:
    root, module, deeper = tmp_path / "env" / "dev", tmp_path / "modules" / "a", tmp_path / "modules" / "b"
    for folder in (root, module, deeper, tmp_path / "modules" / "unused"):
        folder.mkdir(parents=True)
    (root / "main.tf").write_text(
        'module "a" {\n  source = "../../modules/a"\n}\nmodule "r" {\n  source = "reg/x/y"\n}\n'
    )
    (module / "main.tf.json").write_text('{"module": {"b": {"source": "../b"}, "gone": {"source": "../gone"}}}')
    (deeper / "main.tf").write_text("")
    found = configurations.read(root, {})
    assert found.folders == tuple(sorted(map(str, (root, module, deeper))))


def test_large_files_are_linked_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configurations, "LARGE", 10)
    directory = tmp_path / "infra"
    directory.mkdir()
    (directory / "main.tf").write_text("")
    (directory / "image.bin").write_bytes(b"x" * 11)
    found = configurations.read(directory, {})
    assert found.large == (str(directory / "image.bin"),)
    assert str(directory / "image.bin") not in found.files
    with laid_out(make_context(tmp_path), directory, found) as work:
        assert (work.folder / "image.bin").readlink() == directory / "image.bin"
        (work.folder / "image.bin").unlink()
        assert work.carry_back() == ["image.bin"]
    assert not (directory / "image.bin").exists()


def test_what_changes_in_the_copy_is_carried_back_and_nothing_else(tmp_path: Path) -> None:
    directory = tmp_path / "infra"
    (directory / "sub").mkdir(parents=True)
    (directory / "main.tf").write_text("one")
    (directory / "kept.txt").write_text("kept")
    (directory / "changed.sh").write_text("old")
    (directory / "changed.sh").chmod(0o755)
    (directory / "gone.txt").write_text("gone")
    with laid_out(make_context(tmp_path), directory, configurations.read(directory, {})) as work:
        (directory / "main.tf").write_text("edited by a person meanwhile")
        (work.folder / "changed.sh").write_text("much newer")
        (work.folder / "gone.txt").unlink()
        (work.folder / "new").mkdir()
        (work.folder / "new" / "file.txt").write_text("new")
        (work.folder / "link").symlink_to("kept.txt")
        (work.folder / ".terraform.lock.hcl").write_text("of terraform")
        assert work.carry_back() == ["changed.sh", "link", "new/file.txt", "gone.txt"]
        assert work.carry_back() == []
    assert (directory / "main.tf").read_text() == "edited by a person meanwhile"
    assert (directory / "changed.sh").read_text() == "much newer"
    assert (directory / "changed.sh").stat().st_mode & 0o777 == 0o755
    assert (directory / "new" / "file.txt").read_text() == "new"
    assert (directory / "link").readlink() == Path("kept.txt")
    assert not (directory / "gone.txt").exists()
    assert not (directory / ".terraform.lock.hcl").exists()


@pytest.mark.parametrize(
    ("text", "given", "linked"),
    [
        ('output "x" { value = "inside" }', "", False),
        ('output "x" { value = file("../beside.txt") }', "", True),
        ('output "x" { value = file("${dirname(path.module)}/beside.txt") }', "", True),
        ('output "x" { value = file(var.where) }', '{"where": "../beside.txt"}', True),
    ],
)
def test_what_lies_beside_is_linked_if_anything_leads_there(
    tmp_path: Path, text: str, given: str, linked: bool
) -> None:
    directory = tmp_path / "infra"
    directory.mkdir()
    (directory / "main.tf").write_text(text)
    (tmp_path / "beside.txt").write_text("beside")
    with laid_out(make_context(tmp_path), directory, configurations.read(directory, {}), given) as work:
        assert (work.folder.parent / "beside.txt").exists() is linked


def test_two_copies_at_once_are_apart_and_one_after_another_in_the_same_place(tmp_path: Path) -> None:
    directory = tmp_path / "infra"
    directory.mkdir()
    (directory / "main.tf").write_text("")
    found, ctx = configurations.read(directory, {}), make_context(tmp_path)
    with laid_out(ctx, directory, found) as first:
        with laid_out(ctx, directory, found) as second:
            assert first.folder != second.folder
        place = first.folder
    assert not place.exists()
    place.mkdir(parents=True)
    (place / "of-a-worker-that-was-killed").touch()
    with laid_out(ctx, directory, found) as third:
        assert third.folder == place
        assert not (place / "of-a-worker-that-was-killed").exists()


@pytest.mark.parametrize(
    ("name", "text", "backend"),
    [
        ("main.tf", 'terraform {\n  backend "s3" {}\n}', "s3"),
        ("main.tf", "terraform {\n  cloud {\n  }\n}", "cloud"),
        ("main.tf", 'resource "x" "backend" {}', None),
        ("main.tf.json", '{"terraform": {"backend": {"gcs": {}}}}', "gcs"),
        ("main.tf.json", '{"terraform": {"cloud": {}}}', "cloud"),
        ("sub/main.tf", 'terraform {\n  backend "s3" {}\n}', None),
        ("notes.txt", 'backend "s3" {', None),
    ],
)
def test_the_backend_that_a_configuration_names(name: str, text: str, backend: str | None) -> None:
    made = Configuration(("/d",), {f"/d/{name}": File(text.encode())})
    assert declared_backend(made, Path("/d")) == backend
