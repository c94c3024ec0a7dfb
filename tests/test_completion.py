"""Completion in a shell: what is offered where, through the protocol that the scripts of click use."""

import pytest

from seqgen.cli import run

OFFERED = {
    "seqgen gen": ["generate"],
    "seqgen generate ti": ["tiny-shakespeare", "file"],
    "seqgen generate checkpoints/m": ["checkpoints/mine", "file"],
    "seqgen generate x -r top": ["top_a", "top_k", "top_p"],
    "seqgen generate x --rule mirost": ["mirostat"],
    "seqgen train ba": ["bach-chorales", "file"],
    "seqgen train x --from sql": ["sqlite-c", "file"],
    "seqgen train x --val maestro-1": ["maestro-10", "file"],
    "seqgen train x -c midi_b": ["midi_bar"],
    "seqgen train x -P learn": ["learning_rate"],
    "seqgen train x -m g": ["gru"],
    "seqgen train x --preset ti": ["tiny"],
    "seqgen tokenize x -P min": ["min_count"],
    "seqgen tokenize x -P learn": [],
    "seqgen tokenize sql": ["sqlite", "file"],
    "seqgen evaluate sqlit": ["sqlite-c", "sqlite", "file"],
    "seqgen inspect folk": ["folk-tunes", "file"],
    "seqgen corpus get free": ["freedoom"],
    "seqgen corpus info free": ["freedoom"],
}


@pytest.mark.parametrize("line", OFFERED)
def test_a_shell_is_offered(line, capsys, monkeypatch, tmp_path):
    (tmp_path / "checkpoints" / "mine").mkdir(parents=True)
    (tmp_path / "checkpoints" / "mine" / "model.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_SEQGEN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    with pytest.raises(SystemExit):
        run([])
    items = [each.split(",", 1) for each in capsys.readouterr().out.split()]
    assert [value if kind == "plain" else kind for kind, value in items] == OFFERED[line]
