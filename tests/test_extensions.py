"""Rules, cells and codecs of other packages: found through entry points, only where they are needed, and never here."""

import json
import os
import subprocess
import sys
import tomllib
import warnings
from itertools import pairwise
from pathlib import Path

import pytest

import seqgen
from seqgen import extensions, registry
from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.extensions import ExtensionWarning
from seqgen.rules import parse

TINY = Path(__file__).parent / "packages" / "tiny"
CACHED = (extensions.found, registry.names, registry.brought, registry.load, registry.usable)
GENERATE = ["generate", "tiny-shakespeare", "-l", "60", "--seed", "3", "--no-take"]


def place(site: Path, package: str, entries: str, code: str = "", version: str = "0.1") -> None:
    """A package as pip lays it down."""
    folder = site / f"{package}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(entries)
    if code:
        (site / f"{package}.py").write_text(code)


def rule_package(site: Path, package: str, name: str, code: str, what: str = "Mine") -> None:
    place(site, package, f"[seqgen.rules]\n{name} = {package}:{what}\n", code)


def install_tiny(site: Path) -> None:
    """The tiny package, from its own pyproject.toml."""
    groups = tomllib.loads((TINY / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items()) for group, each in groups.items()
    ]
    place(site, "tiny_seqgen", "".join(lines), (TINY / "tiny_seqgen.py").read_text("utf-8"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path for packages; what is known of others is forgotten before and after."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    for each in CACHED:
        each.cache_clear()
    yield folder
    for each in CACHED:
        each.cache_clear()
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
            del sys.modules[name]


def child(words, site="", cwd=None, **more):
    """A command in a process of its own."""
    command = [sys.executable, "-P", "-m", "seqgen", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "200"} | more
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def test_a_package_brings_a_rule_a_cell_and_a_codec(tmp_path):
    """From a corpus to a sample, each step in a process of its own."""
    site, corpus = tmp_path / "site", tmp_path / "songs.inv"
    install_tiny(site)
    corpus.write_bytes(b"to be or not to be, " * 300)
    trained = child(
        ["train", corpus, "-o", tmp_path / "run", "-m", "tiny_gru", "--steps", "3", "--seed", "1", "--device", "cpu",
         "-P", "hidden", "8", "-P", "batch", "4", "-P", "window", "16"], site,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "Codec inverted, guessed from the files" in trained.stderr
    made = child(["generate", tmp_path / "run", "-r", "no-echo", 1, "-l", "80", "-o", tmp_path / "new.bin"], site)
    assert made.returncode == 0, made.stderr
    data = (tmp_path / "new.bin").read_bytes()
    assert len(data) > 40
    assert all(one != other for one, other in pairwise(data))
    alone = child(["generate", tmp_path / "run", "-o", tmp_path / "other.bin"])
    assert alone.returncode == 1
    assert "no cell is called 'tiny_gru'" in alone.stderr
    assert "Traceback" not in trained.stderr + made.stderr + alone.stderr


def test_what_packages_bring_stands_wherever_names_are_listed(site, capsys):
    install_tiny(site)

    def shown(*words):
        assert run(list(words)) == 0
        return " ".join(capsys.readouterr().out.split())

    rules = shown("generate", "-r", "help")
    assert "no_echo N Never draw the latest token again; 0 lets it. (package tiny_seqgen)" in rules
    assert "mirostat TAU" in rules
    assert "no_echo, no_repeat" in shown("generate", "--help")
    assert "inverted, java, javascript" in shown("train", "--help")
    assert "rnn, tiny_gru" in shown("train", "--help")
    found = json.loads(shown("doctor", "--json"))["extensions"]
    assert [tuple(each.values()) for each in found] == [
        ("codec", "inverted", "tiny_seqgen", "0.1", None),
        ("cell", "tiny_gru", "tiny_seqgen", "0.1", None),
        ("rule", "no_echo", "tiny_seqgen", "0.1", None),
    ]
    assert "extensions codec inverted (tiny_seqgen), cell tiny_gru (tiny_seqgen), rule no_echo" in shown("doctor")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("generate x -r no", {"no_echo", "no_repeat"}),
        ("generate x --rule top_", {"top_a", "top_k", "top_p"}),
        ("generate x -r top_p no", set()),
        ("train x -c inv", {"inverted"}),
        ("train x -m ", {*registry.own("cells"), "tiny_gru"}),
        ("tokenize x -c midi_", {"midi_388", "midi_bar", "midi_grid"}),
    ],
)
def test_a_shell_completes_their_names(site, capsys, monkeypatch, words, offered):
    install_tiny(site)
    line = f"seqgen {words}"
    monkeypatch.setenv("_SEQGEN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
    with pytest.raises(SystemExit):
        run([])
    said = [word.split(",")[1] for word in capsys.readouterr().out.split() if word.startswith("plain,")]
    assert set(said) == offered


def test_a_rule_in_python(site):
    install_tiny(site)
    text = seqgen.load("tiny-shakespeare").sample("O", seed=1, length=200, temperature=1.5, rules=[("no_echo", 1)]).text
    assert all(one != other for one, other in pairwise(text[1:]))
    with pytest.raises(UsageError, match="expected 0 or 1"):
        parse("no_echo", 2)


GOOD = """
from dataclasses import dataclass
from seqgen.rules import Rule

@dataclass(frozen=True)
class Mine(Rule):
    "Does nothing, whatever its value."
    n: int

    def __call__(self, logits, history):
        return logits
"""
BROKEN = {
    "import": "import nothing_of_that_name",
    "syntax": "def mine(:",
    "exit": "import sys; sys.exit(7)",
    "other": "Mine = 5",
    "absent": "",
    "two fields": GOOD.replace("    n: int", "    n: int\n    m: int = 0"),
    "no field": GOOD.replace("    n: int", ""),
    "abstract": GOOD.replace("__call__", "call"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_package_costs_a_sentence_that_names_it(site, capsys, how):
    rule_package(site, "brittle", "mine", BROKEN[how] or "pass")
    assert run([*GENERATE, "-r", "top_p", "0.9"]) == 0, "who does not ask for it never meets it"
    capsys.readouterr()
    assert run([*GENERATE, "-r", "mine", "1"]) == 2
    said = capsys.readouterr().err
    assert "Error: rule mine of the package brittle cannot be used (" in said
    assert "Hint: pip install --upgrade brittle, or pip uninstall brittle" in said
    with pytest.warns(ExtensionWarning, match="rule mine of the package brittle cannot be used"):
        assert run(["generate", "-r", "help"]) == 0
    assert "mirostat" in capsys.readouterr().out


def test_on_the_command_line_the_warning_is_a_note(tmp_path):
    site = tmp_path / "site"
    place(site, "brittle", "[seqgen.codecs]\nmine = brittle:Mine\n", "import nothing_of_that_name")
    (tmp_path / "play.txt").write_text("to be or not to be")
    made = child(["tokenize", tmp_path / "play.txt", "-o", tmp_path / "play.tokens"], site)
    assert made.returncode == 0, made.stderr
    notes = made.stderr.splitlines()
    assert notes[0].startswith("codec mine of the package brittle cannot be used (ModuleNotFoundError: ")
    assert "Codec char, guessed from the files; -c names another." in notes
    assert sum("brittle" in line for line in notes) == 1
    assert "Warning" not in made.stderr
    shown = child(["doctor"], site)
    assert "extensions codec mine of the package brittle cannot be used" in " ".join(shown.stdout.split())


def test_what_is_declared_wrongly_is_left_out(site, capsys):
    place(site, "loud", "[seqgen.rules]\nMine-Own = loud:Mine\n", GOOD)
    place(site, "thief", "[seqgen.rules]\ntop_p = thief:Mine\n", GOOD)
    place(site, "torn", "[seqgen.rules]\n\0\xff = = [\n")
    rule_package(site, "sound", "mine", GOOD)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert "mine" in registry.names("rules")
    told = [str(each.message) for each in said]
    assert any("'Mine-Own' of the package loud is left out" in each for each in told)
    assert any("rule top_p of the package thief is left out: seqgen has a rule of that name" in each for each in told)
    assert any("package torn is left out" in each for each in told)
    assert registry.load("rules", "top_p").__module__ == "seqgen.rules.top_p"


def test_two_packages_with_one_name_are_both_named(site):
    rule_package(site, "one", "mine", GOOD)
    rule_package(site, "other", "mine", GOOD)
    with pytest.raises(UsageError) as caught:
        registry.load("rules", "mine")
    assert caught.value.message == "the packages one and other both bring a rule called 'mine'"
    assert parse("top_k", 3), "nothing else is harmed"


def test_of_a_package_that_lies_twice_on_the_path_the_first_counts(site, tmp_path, monkeypatch):
    rule_package(site, "mine", "mine", GOOD)
    place(tmp_path / "old", "mine", "[seqgen.rules]\nmine = mine:Mine\n", GOOD, version="0.0")
    monkeypatch.syspath_prepend(str(site))
    sys.path.append(str(tmp_path / "old"))
    assert [each.version for each in registry.brought("rules")] == ["0.1"]
    assert registry.load("rules", "mine").__name__ == "Mine"


CODEC = """
from seqgen.codecs.byte import Byte
class Mine(Byte):
    "Bytes, once more."
    suffixes = {suffixes}
"""


@pytest.mark.parametrize(
    ("claimed", "files", "said"),
    [
        ((".txt",), ["a.txt", "b.txt"], ".txt files are for codec char and for codec mine alike"),
        ((".new", ".txt"), ["a.new", "b.txt", "c.txt"], None),
        ((".new", ".txt"), ["a.new", "b.txt", "c.md"], ".txt files are for codec char and for codec mine alike"),
        ((".new",), ["a.new", "b.txt"], None),
    ],
)
def test_two_codecs_that_claim_a_suffix_are_both_named(site, capsys, monkeypatch, claimed, files, said):
    """Those with more files win; who has as many, but claims none of the same, comes after the alphabet as before."""
    place(site, "rival", "[seqgen.codecs]\nmine = rival:Mine\n", CODEC.format(suffixes=claimed))
    monkeypatch.chdir(site.parent)
    Path("corpus").mkdir()
    for name in files:
        Path("corpus", name).write_text("to be or not to be")
    code = run(["tokenize", "corpus", "-o", "out.tokens"])
    told = capsys.readouterr().err
    if said is None:
        assert code == 0, told
        return
    assert code == 2
    assert f"Error: {said}\nHint: name one of them: -c char, or -c mine" in told
    assert run(["tokenize", "corpus", "-o", "out.tokens", "-c", "mine"]) == 0


def test_the_current_folder_is_never_looked_into(tmp_path):
    """Neither by name nor where all are listed, however it comes to stand on the path; only from other folders."""
    rule_package(tmp_path, "bait", "mine", "from pathlib import Path\nPath('taken').touch()\n" + GOOD)
    asked = [*GENERATE, "-r", "mine", "1"]
    for words, path in ((asked, ""), (asked, ":"), (["generate", "-r", "help"], "."), (asked, str(tmp_path))):
        ran = child(words, path, tmp_path)
        assert ran.returncode == (2 if words == asked else 0)
        assert "bait" not in ran.stdout + ran.stderr
    plain = [sys.executable, "-m", "seqgen", *asked]
    assert subprocess.run(plain, cwd=tmp_path, capture_output=True, check=False).returncode == 2
    assert not (tmp_path / "taken").exists()
    (tmp_path / "elsewhere").mkdir()
    child(["generate", "-r", "help"], tmp_path, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "taken").exists(), "bait that is taken is not seen: nothing was shown"


@pytest.mark.parametrize("words", [["--help"], [*GENERATE, "-r", "top_p", "0.9", "-r", "mirostat", "3"]])
def test_familiar_names_never_wait_for_packages(monkeypatch, capsys, words):
    def forbidden():
        raise AssertionError("packages were looked for")

    registry.names.cache_clear()
    registry.brought.cache_clear()
    monkeypatch.setattr(extensions, "found", forbidden)
    assert run(words) == 0
