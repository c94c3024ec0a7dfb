"""Comments at the head of programs that speak of a licence, cut on request."""

from pathlib import Path

import pytest

from seqgen.cli import run
from seqgen.stream import TokenStream
from seqgen.tokenization.licences import heads, recurring, span


@pytest.mark.parametrize(
    ("program", "left"),
    [
        ("// Copyright 2020 A\n// MIT licence\n\npackage x\n", "package x\n"),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# SPDX-License-Identifier: MIT\nx = 1\n",
         "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n"),
        ("/* Copyright\n * all */\n// what it is\nint x;\n", "// what it is\nint x;\n"),
        ("/* what it is */\n/* Copyright */\nint x;\n", "/* what it is */\n/* Copyright */\nint x;\n"),
        ("<?php\n/* Licensed to A */\necho 1;\n", "<?php\necho 1;\n"),
        ("-- License: MIT\nlocal x\n", "local x\n"), ("--[[ License ]]\nlocal x\n", "local x\n"),
        ("{- Copyright -}\nmain\n", "main\n"), ("(* Copyright *)\nlet x\n", "let x\n"),
        ("; Copyright\n(x)\n", "(x)\n"), ("% Copyright\nx.\n", "x.\n"), ("<!-- Copyright -->\n<p>\n", "<p>\n"),
        ('"""Copyright A."""\nx = 1\n', "x = 1\n"), ("/* Copyright, never closed\n", "/* Copyright, never closed\n"),
        ("x = 1  # Copyright\n", "x = 1  # Copyright\n"), ("", ""), ("# licence", ""),
    ],
)  # fmt: skip
def test_the_head_is_cut(program: str, left: str) -> None:
    data = program.encode()
    begin, end = span(heads(data))
    assert (data[:begin] + data[end:]).decode() == left


@pytest.mark.parametrize(
    ("opening", "line", "closing"), [("/*\n", " * ", " */\n"), ("", "// ", ""), ("", "# ", ""), ("--[[\n", "", "]]\n")]
)
def test_comments_that_recur_are_cut_and_what_stands_once_is_not(opening: str, line: str, closing: str) -> None:
    def program(year: int, more: str) -> bytes:
        said = f"This file is part of the Heron project, {year}.", "All contributors are named in the file AUTHORS."
        return f"{opening}{''.join(line + each + chr(10) for each in said)}{closing}\n{more}".encode()

    programs = [program(2000 + number, f"{line}what {number} is\nx = {number}\n") for number in range(3)]
    found = [heads(data) for data in programs]
    assert [span(each, recurring(found[:2])) for each in found] == [(0, 0)] * 3  # two are not several
    for data, each in zip(programs, found):
        begin, end = span(each, recurring(found))
        assert (data[:begin] + data[end:]).endswith(b"x = " + data[-2:])
        assert b"Heron" not in data[:begin] + data[end:]
        assert b"what" in data[:begin] + data[end:]


def test_a_mark_and_what_has_to_stand_first_stay_before_what_is_cut() -> None:
    data = b"\xef\xbb\xbf#!/bin/sh\n# Licence: MIT\nx\n"
    begin, end = span(heads(data))
    assert data[:begin] + data[end:] == b"\xef\xbb\xbf#!/bin/sh\nx\n"


def test_a_setting_of_every_codec_of_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").mkdir()
    head = "# Copyright 2020 A. All rights.\n"
    for name, text in {"a.py": head + "x = 1\n", "b.py": head + "y = 1\n", "c.md": "# Licence\nMIT\n"}.items():
        Path("x", name).write_text(text)
    assert run(["tokenize", "x", "-o", "x.tokens", "-P", "strip_licence", "true"]) == 0
    assert "Dropped: licence comment 2" in capsys.readouterr().err
    assert run(["decode", "x.tokens", "-o", "again"]) == 0
    found = {path.name: path.read_text() for path in Path("again/x").iterdir()}
    assert found == {"a.py": "x = 1\n", "b.py": "y = 1\n", "c.md": "# Licence\nMIT\n"}
    how = ["--steps", "1", "--seed", "1", "-P", "hidden", "8", "-P", "window", "8"]
    assert run(["train", "x", "-o", "r1", "-P", "strip_licence", "true", *how]) == 0
    assert run(["train", "x", "-o", "r2", *how]) == 0  # not the same stream from the cache
    lengths = [len(TokenStream.open(path).ids) for path in streams("r1", "r2")]
    assert lengths[1] - lengths[0] == 2 * len(head)
    for number in range(3):
        Path("x", f"{number}.js").write_text(
            f"// Part of the Heron project, see AUTHORS for names.\n\nvar a = {number};\n"
        )
    assert run(["tokenize", "x", "-o", "z.tokens", "-P", "strip_licence", "true", "--force"]) == 0
    assert "Dropped: licence comment 5" in capsys.readouterr().err
    assert run(["tokenize", "x", "-c", "byte", "-o", "y.tokens", "-P", "strip_licence", "true"]) == 2
    assert run(["tokenize", "x", "-o", "y.tokens", "-P", "strip_licence", "perhaps"]) == 2


def streams(*runs: str) -> list[str]:
    import json

    return [json.loads(Path(folder, "training.json").read_text())["stream"] for folder in runs]
