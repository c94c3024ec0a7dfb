"""Named corpora: recipes that parse, a cache that holds whole corpora or nothing."""

import dataclasses
import hashlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

from seqgen import catalogue
from seqgen.catalogue import _fetch, _recipe, _store, archives
from seqgen.errors import DownloadError, OutputError, SettingError, UsageError

RECIPE = """
name = "toys"
description = "two toys"
medium = "text"
codec = "char"
licence = "Public domain."
attribution = "Nobody"
members = ["*/toys/**/*.txt"]
strip = 2
[source]
kind = "url"
file = "zip"
url = "https://example.org/toys.zip"
sha256 = "{sha256}"
[expect]
files = {files}
bytes = {bytes}
"""
MEMBERS = {"top/toys/a.txt": "one", "top/toys/deep/b.txt": "two!", "top/toys/readme.md": "no", "top/x.txt": "no"}


def archive(members: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return data.getvalue()


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A catalogue of one corpus, whose archive can be changed, and a count of the fetches."""
    return Toys(tmp_path, monkeypatch)


class Toys:
    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache, self.fetched = tmp_path / "corpora", tmp_path / "cache" / "corpora", 0
        self.folder.mkdir()
        self.data = archive(MEMBERS)
        self.write()
        monkeypatch.setattr(_recipe, "folder", lambda: self.folder)
        monkeypatch.setattr(_fetch, "fetch", self.fetch)

    def write(self, files: int = 2, bytes: int = 7) -> None:
        sha256 = hashlib.sha256(self.data).hexdigest()
        (self.folder / "toys.toml").write_text(RECIPE.format(sha256=sha256, files=files, bytes=bytes))

    def fetch(self, source: catalogue.RecipeSource, folder: Path) -> Path:
        self.fetched += 1
        (folder / "toys.zip").write_bytes(self.data)
        return folder / "toys.zip"

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.cache)) for path in self.cache.rglob("*"))


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_corpus_is_a_folder_of_plain_files_fetched_once(toys):
    notes: list[str] = []
    assert catalogue.names() == ("toys",)
    assert catalogue.locate("toys") is None
    folder = catalogue.get("toys", note=notes.append)
    assert folder.name == "toys"
    assert contents(folder) == {"a.txt": "one", "deep/b.txt": "two!"}
    assert catalogue.locate("toys") == folder == catalogue.get("toys", note=notes.append)
    assert toys.fetched == 1
    assert notes[0] == "fetching toys: https://example.org/toys.zip"
    assert notes[1].startswith("toys: 2 files, 7 bytes, in ")
    assert len(notes) == 2
    assert sorted(path.name for path in folder.parent.iterdir()) == ["ATTRIBUTION.txt", "found.json", "toys"]
    assert (folder.parent / "ATTRIBUTION.txt").read_text() == "toys: Public domain.\nNobody\n"


def test_a_copy_of_ones_own(toys, tmp_path):
    mine = tmp_path / "new" / "mine"
    assert catalogue.get("toys", mine) == mine
    assert contents(mine) == {"a.txt": "one", "deep/b.txt": "two!"}
    assert [path.name for path in mine.parent.iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert contents(catalogue.get("toys", tmp_path / "empty")) == contents(mine)
    assert toys.fetched == 1


def test_a_folder_with_something_in_it_is_left_alone(toys, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for taken in (tmp_path / "full", tmp_path / "full" / "mine.txt"):
        with pytest.raises(OutputError, match="is there already, expected a new or empty folder"):
            catalogue.get("toys", taken)
    assert contents(tmp_path / "full") == {"mine.txt": "mine"}
    assert toys.fetched == 0


def test_a_changed_recipe_is_fetched_anew(toys):
    first = catalogue.get("toys")
    toys.data = archive({**MEMBERS, "top/toys/c.txt": "3"})
    toys.write(files=3, bytes=8)
    assert catalogue.locate("toys") is None
    assert len(contents(catalogue.get("toys"))) == 3
    assert len(contents(first)) == 2


@pytest.mark.parametrize("damage", ["missing", "longer", "other", "swapped", "no count", "bad count"])
def test_a_damaged_cache_is_fetched_anew(toys, damage):
    folder = catalogue.get("toys")
    if damage == "missing":
        (folder / "a.txt").unlink()
    elif damage == "longer":
        (folder / "a.txt").write_text("more than one")
    elif damage == "other":
        (folder / "a.txt").write_text("two")
    elif damage == "swapped":
        (folder / "a.txt").rename(folder / "c.txt")
    elif damage == "no count":
        (folder.parent / "found.json").unlink()
    else:
        (folder.parent / "found.json").write_text("{")
    assert catalogue.locate("toys") is None
    said: list[str] = []
    assert contents(catalogue.get("toys", note=said.append)) == {"a.txt": "one", "deep/b.txt": "two!"}
    assert said[0] == "toys: what the cache has of it is damaged; it is fetched again"
    assert toys.fetched == 2
    assert not [name for name in toys.left() if "part" in name]


def test_what_an_earlier_version_fetched_is_counted_alone(toys):
    folder = catalogue.get("toys")
    (folder.parent / "found.json").write_text('{"files": 2, "bytes": 7}')
    assert catalogue.get("toys") == folder
    assert toys.fetched == 1


def test_another_process_may_be_quicker(toys, monkeypatch):
    inner = toys.fetch

    def slow(source: catalogue.RecipeSource, folder: Path) -> Path:
        monkeypatch.setattr(_fetch, "fetch", inner)
        catalogue.get("toys")  # the other process
        return inner(source, folder)

    monkeypatch.setattr(_fetch, "fetch", slow)
    assert contents(catalogue.get("toys")) == {"a.txt": "one", "deep/b.txt": "two!"}
    assert not [name for name in toys.left() if "part" in name]


def test_too_few_files_are_refused(toys):
    toys.write(files=3)
    with pytest.raises(
        DownloadError, match="toys is not what its recipe promises: expected 3 files of 7 bytes, found 2 of 7"
    ):
        catalogue.get("toys")
    assert toys.left() == []


def test_bytes_that_are_not_known_are_not_checked(toys):
    toys.write(bytes=0)
    assert len(contents(catalogue.get("toys"))) == 2


def test_an_archive_without_the_members_is_refused(toys):
    toys.data = archive({"other/x.txt": "x"})
    with pytest.raises(DownloadError, match="none of the members"):
        catalogue.get("toys")
    assert toys.left() == []


def test_two_members_of_one_name_are_refused(toys, monkeypatch):
    monkeypatch.setattr(archives, "read_zip", lambda path, choose: iter([("top/toys/a", b"1"), ("top/toys/a", b"2")]))
    with pytest.raises(DownloadError, match="two files the name 'a'"):
        catalogue.get("toys")
    assert toys.left() == []


def test_evil_members_write_nothing(toys, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    for name in ("top/toys/../../../../../evil.txt", "/toys/evil.txt", "top/toys/..\\evil.txt"):
        toys.data = archive({"top/toys/a.txt": "one", name: "evil"})
        with pytest.raises(DownloadError, match="unsafe name"):
            catalogue.get("toys")
        assert toys.left() == []
    assert [path for path in tmp_path.rglob("*") if path not in before and "cache" not in path.parts] == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DownloadError("cut"), MemoryError()])
def test_an_interrupted_get_leaves_nothing(toys, monkeypatch, error):
    def interrupted(members: object) -> object:
        yield "a.txt", b"one"
        raise error

    monkeypatch.setattr(importlib.import_module("seqgen.catalogue.layouts.plain"), "files", interrupted)
    with pytest.raises(type(error)):
        catalogue.get("toys")
    assert toys.left() == []
    assert catalogue.locate("toys") is None


def test_a_full_disk_is_one_sentence(toys, monkeypatch):
    def full(source: catalogue.RecipeSource, folder: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_fetch, "fetch", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)") as caught:
        catalogue.get("toys")
    assert caught.value.hint == "free some space first"
    assert toys.left() == []


def stage_of_another_process(cache: Path, then: str) -> subprocess.Popen[str]:
    """A process that has staged half a corpus and then does something."""
    script = f"""
import pathlib, sys
from seqgen.catalogue import _store
with _store._staged(pathlib.Path({str(cache / "x")!r})) as stage:
    (stage / "half.txt").write_text("half")
    print("staged", flush=True)
    {then}
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "staged\n"
    return process


def test_what_a_killed_process_left_is_swept_and_what_a_live_one_needs_is_not(toys):
    toys.cache.mkdir(parents=True)
    live = stage_of_another_process(toys.cache, "sys.stdin.read()")
    dead = stage_of_another_process(toys.cache, "sys.stdin.read()")
    try:
        dead.kill()
        dead.communicate()
        stages = list(toys.cache.glob(".*.part"))
        assert len(stages) == 2
        catalogue.get("toys")
        assert len(list(toys.cache.glob(".*.part"))) == 2  # both may still be starting
        for stage in stages:
            os.utime(stage, (time.time() - _store.STARTING - 1,) * 2)
        shutil.rmtree(next(toys.cache.glob("[!.]*")))
        catalogue.get("toys")
        assert len(list(toys.cache.glob(".*.part"))) == 1
    finally:
        live.communicate("")
    assert list(toys.cache.glob(".*.part")) == []


def test_very_old_stages_are_swept(toys):
    (toys.cache / ".old.abc.part").mkdir(parents=True)
    os.utime(toys.cache / ".old.abc.part", (time.time() - _store.STALE - 1,) * 2)
    catalogue.get("toys")
    assert list(toys.cache.glob(".*.part")) == []


def test_an_unknown_name_names_the_nearest(toys):
    for call in (catalogue.recipe, catalogue.locate, catalogue.get):
        with pytest.raises(UsageError, match="no corpus is called 'tosy'") as caught:
            call("tosy")
        assert caught.value.hint == "did you mean 'toys'? there are: toys"


SHIPPED = catalogue.names()


def test_there_is_one_default_for_each_medium():
    defaults = {catalogue.recipe(name).medium: name for name in SHIPPED if catalogue.recipe(name).default}
    assert defaults == {"text": "shakespeare", "c": "sqlite", "midi": "bach-chorales"}
    assert sum(catalogue.recipe(name).default for name in SHIPPED) == 3


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_is_whole(name):
    recipe = catalogue.recipe(name)
    assert recipe.name == name
    assert recipe.source.kind == "debian" or len(recipe.source.sha256) == 64
    assert callable(importlib.import_module(f"seqgen.catalogue.layouts.{recipe.layout}").files)
    assert json.loads(json.dumps(recipe.to_json()))["source"]["kind"] == recipe.source.kind
    assert len({catalogue.recipe(other).key() for other in SHIPPED}) == len(SHIPPED)


def test_the_table_in_the_readme_lists_every_recipe():
    text = (_recipe.folder() / "README.md").read_text("utf-8")
    for name in SHIPPED:
        assert f"| `{name}`" in text, name
        assert catalogue.recipe(name).licence.partition(";")[0].rstrip(".") in text, name


def test_recipes_are_found_in_a_checkout_and_in_an_installed_package(tmp_path, monkeypatch):
    package = tmp_path / "site" / "seqgen"
    installed = package / "_data" / "corpora"
    installed.mkdir(parents=True)
    monkeypatch.setattr(_recipe, "PACKAGE", package)
    assert _recipe.folder() == installed
    (tmp_path / "site" / "corpora").mkdir()
    (tmp_path / "site" / "corpora" / "toys.toml").touch()
    assert _recipe.folder() == installed  # a stray folder in site-packages is no checkout
    (tmp_path / "site" / "pyproject.toml").touch()
    assert _recipe.folder() == tmp_path / "site" / "corpora"


def test_a_key_follows_what_decides_the_files_only():
    recipe = catalogue.recipe("sqlite")
    assert dataclasses.replace(recipe, description="other").key() == recipe.key()
    assert dataclasses.replace(recipe, strip=3).key() != recipe.key()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "toys"', 'name = "other"', "name is 'other', expected 'toys'"),
        ('name = "toys"', 'name = "../toys"', "name is ../toys, expected lower-case words"),
        ('medium = "text"', 'medium = "film"', "medium is 'film', expected one of text, c, midi"),
        ('licence = "Public domain."', 'licence = " "', "licence is  , expected some text"),
        ('licence = "Public domain."', "", "licence"),
        ("strip = 2", "strip = -1", "strip is -1, expected 0 to 16"),
        ("strip = 2", 'layout = "none"', "layout is none, expected one of amalgamation"),
        ("strip = 2", "stirp = 2", "no setting is called 'stirp'"),
        ("members = [", "members = [] # [", "members is , expected at least one pattern"),
        ('kind = "url"', 'kind = "ftp"', "kind is 'ftp', expected one of pypi, debian, url"),
        ('file = "zip"', 'file = "wheel"', "source.file is wheel, expected zip or tar or plain"),
        ("https://", "http://", "source.url is http://example.org/toys.zip, expected an https address"),
        ('sha256 = "', 'sha256 = "z', "expected 64 hexadecimal digits"),
        ("files = 2", "files = 0", "expect.files is 0, expected at least 1"),
        ("[expect]", "[unexpected]", "expect"),
        ("[source]", "[[source]]", "no table where one is expected"),
        ("[source]", "[source", "not a TOML file"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(tmp_path, old, new, sentence):
    text = RECIPE.format(sha256="0" * 64, files=2, bytes=7)
    assert old in text
    path = tmp_path / "toys.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingError) as caught:
        _recipe.read(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            {"kind": "pypi", "requirement": "bait", "sha256": "0" * 64},
            "source.requirement is bait, expected name==version",
        ),
        ({"kind": "pypi", "requirement": "bait==1 -r x", "sha256": "0" * 64}, "expected name==version"),
        ({"kind": "pypi", "requirement": "bait==1"}, "expected 64 hexadecimal digits"),
        ({"kind": "debian", "file": "deb", "package": "--help"}, "expected a package name"),
    ],
)
def test_a_source_that_could_do_harm_is_refused(source, sentence):
    with pytest.raises(SettingError, match=sentence):
        catalogue.RecipeSource(**source)


def test_shipped_recipes_are_plain_toml():
    for path in _recipe.folder().glob("*.toml"):
        assert tomllib.loads(path.read_text("utf-8"))["name"] == path.stem
