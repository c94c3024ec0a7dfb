"""Every command of the README runs, on a small corpus and a small budget; the set-up commands run in CI."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from seqgen.cli import group, run
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.stream import TokenStream

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


def project(folder: Path) -> None:
    """A program in JavaScript, with what npm, a bundler and git put beside it."""
    files = {
        "README.md": "# Sums\n\nA program that adds.\n",
        "package.json": '{"name": "sums"}\n',
        ".gitignore": "*.log\n",
        "made.log": "1 + 1\n",
        "src/sums.js": "".join(f"function f{n}(x) {{\n  return x + {n};\n}}\n\n" for n in range(80)),
        "src/main.js": "".join(f"console.log(f{n}({n}));\n" for n in range(80)),
        "tests/sums.js": "check(f1(1) === 2);\n",
        "node_modules/left/index.js": "module.exports = 1;\n" * 400,
        "dist/bundle.js": "var a=1;" * 400,
        ".git/config": "[core]\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with plays, C sources, songs, lists, a project and a table, as the README supposes."""
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
        for composer in ("bach", "joplin"):
            (folder / "music" / composer).mkdir(parents=True, exist_ok=True)
            (folder / f"music/{composer}/{number}.mid").write_bytes(song(number + 4 * len(composer)))
    tune = [(480 * i, 480, 67 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], 80, 0) for i in range(32)]
    (folder / "soprano.mid").write_bytes(write_score(Score.from_notes(480, np.array(tune))))
    (folder / "music/bach/broken.mid").write_bytes(b"MThd")
    project(folder / "project")
    poets = ("sappho", "alcaeus")
    rows = "".join(f'{n},{poets[n % 2]},"{name} sang,\nand ""{name}"" heard."\n' for n, name in enumerate(names))
    (folder / "poems.csv").write_text("number,poet,text\n" + rows, "utf-8")
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
    for name in ("new.c", "new.mid", "new.wav", "new.png", "plays.tokens", "again", "new-names.txt", "bach.mid"):
        assert (workplace / name).exists(), name
    streams = {name: trained_on(f"checkpoints/{name}") for name in ("names", "verses", "project", "poems", "music")}
    documents = {name: stream.documents for name, stream in streams.items()}
    assert documents == {"names": 150, "verses": 150, "project": 4, "poems": 150, "music": 8}
    assert streams["poems"].codec_spec["labels"] == ["alcaeus", "sappho"]
    assert streams["music"].codec_spec["labels"] == ["bach", "joplin"]
    assert list(streams["music"].report.skipped) == ["music/bach/broken.mid"]
    assert len((workplace / "new-names.txt").read_text("utf-8").splitlines()) == 100


def trained_on(run_folder: str) -> TokenStream:
    """The stream of a run."""
    return TokenStream.load(json.loads(Path(run_folder, "training.json").read_text("utf-8"))["stream"])


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
