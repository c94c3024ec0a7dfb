"""Every command of the README runs, on a small corpus and a small budget; the set-up commands run in CI."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from seqgen.cli import group, run
from seqgen.music.score import Score
from seqgen.music.write import write_score

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.strip()
]
BUDGETS = {
    "SEQGEN_TRAIN_STEPS": "3",
    "SEQGEN_GENERATE_LENGTH": "40",
}


def song(number: int) -> bytes:
    """A scale of sixty quarter notes, starting elsewhere each time."""
    notes = [(480 * i, 480, 48 + (2 * i + number) % 24, 80, 0) for i in range(60)]
    return write_score(Score.from_notes(480, np.array(notes)))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with plays, C sources and songs, as the README supposes."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("plays", "src", "songs", "checkpoints"):
        (folder / name).mkdir()
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    names = [(syllables[n % 60] + syllables[7 * n % 59] + "n" * (n % 2)).title() for n in range(150)]
    (folder / "names.txt").write_text("\n".join(names) + "\n", "utf-8")
    verses = "\n\n".join(f"{name} went to sea,\nand {name} came to me." for name in names)
    (folder / "songs.txt").write_text(verses, "utf-8")
    for number in range(4):
        play = "".join(f"ROMEO:\nLine {line} of play {number}.\n\n" for line in range(60))
        (folder / f"plays/{number}.txt").write_text(play, "utf-8")
        code = "".join(f"static int f{line}(int x) {{ return x + {number}; }}\n" for line in range(60))
        (folder / f"src/{number}.c").write_text(code, "utf-8")
        (folder / f"songs/{number}.mid").write_bytes(song(number))
    return folder


def test_every_command_runs_in_order(workplace, monkeypatch, capfd):
    monkeypatch.chdir(workplace)
    for name, value in BUDGETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SEQGEN_TRAIN_SEED", "1")
    for line in COMMANDS:
        words = shlex.split(line)
        assert words[0] == "seqgen", line
        assert run(words[1:]) == 0, f"{line}\n{capfd.readouterr().err}"
    for name in ("new.c", "new.mid", "new.wav", "new.png", "plays.tokens", "again", "new-names.txt"):
        assert (workplace / name).exists(), name


def test_there_are_commands_for_each_medium():
    assert len(COMMANDS) >= 12
    text = "\n".join(COMMANDS)
    for word in ("train plays/", "train src/", "train songs/", "render", "--resume", "evaluate", "inspect"):
        assert word in text


def test_the_tree_names_every_room():
    package = Path(__file__).parent.parent / "seqgen"
    rooms = [path for path in package.iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")]
    for path in rooms:
        assert re.search(rf"^  {re.escape(path.name)}/? +\w", README, re.MULTILINE), path.name


def test_every_command_has_help(capsys):
    for name in group.list_commands(None):
        assert run([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= 80, name


def test_the_test_command_is_the_one_that_ci_takes():
    script = (Path(__file__).parent.parent / ".ci/run").read_text("utf-8")
    assert "<!-- tests -->" in script
    after = README.split("<!-- tests -->\n", 1)[1].strip("\n").splitlines()[0]
    assert after.startswith("    python3 -m venv .venv && ")
    assert after.endswith("-m pytest")
