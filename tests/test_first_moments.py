"""Ctrl-C while a command starts: no traceback of ours, at whatever moment it comes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

WAYS = {
    "module": ["-m", "seqgen"],
    "script": ["-c", "from seqgen.__main__ import main; main()"],  # as the installed command does
}
SPREAD = 0.5  # seconds
OURS = re.compile(rb'File "[^"]*[/\\]seqgen[/\\]')


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a process of its own")
@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_at_any_moment_of_the_start_is_no_traceback(way: str, tmp_path: Path) -> None:
    generator, codes = np.random.default_rng(6), []
    for wait in generator.uniform(0, SPREAD, 20).tolist():
        with subprocess.Popen(
            [sys.executable, *WAYS[way], "generate", "tiny-shakespeare", "-l", "inf", "--no-take"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        ) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        # Before its first line of ours, Python itself dies of the signal, or shows where in itself it was.
        assert not OURS.search(said), said.decode()
        assert process.returncode in (1, -signal.SIGINT, 128 + signal.SIGINT), said.decode()
        codes.append(b"Stopped." in said)
    assert any(codes)
