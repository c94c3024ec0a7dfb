"""What all tests share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch, tmp_path):
    """One torch thread, since test models are tiny; nothing of the user's own is read or written."""
    torch.set_num_threads(1)
    monkeypatch.setenv("SEQGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
