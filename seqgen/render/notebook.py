"""Samples in a notebook: text on colours that tell how surprised the model was, music as a picture and a player."""

import base64
import codecs
import html
from collections.abc import Sequence

from seqgen.errors import MidiError
from seqgen.render.escaping import visible

FULL = 8.0  # nats at which a colour is full: a token of one chance in three thousand
RATE = 22_050  # samples a second of the sound
STYLE = "white-space: pre-wrap; overflow-wrap: anywhere; font-family: ui-monospace, monospace; line-height: 1.5"


def coloured(prompt: bytes, pieces: Sequence[bytes], nats: Sequence[float]) -> str:
    """Text, each piece of it on a ground that is the deeper the more the model was surprised by it.

    Args:
        prompt: What the text begins with.
        pieces: (N,) what follows; together with the prompt they are UTF-8, or nearly.
        nats: (N,) the surprise of each.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    out = [f'<span style="opacity: .55">{visible(decoder.decode(prompt))}</span>']
    for place, (piece, surprise) in enumerate(zip(pieces, nats, strict=True), 1):
        shown = visible(decoder.decode(piece, place == len(pieces)))
        depth = min(max(surprise / FULL, 0.0), 1.0)
        title = html.escape(f"{surprise:.2f} nats")
        out.append(f'<span title="{title}" style="background: rgba(224, 108, 40, {depth:.2f})">{shown}</span>')
    return f'<div style="{STYLE}">{"".join(out)}</div>'


def heard(data: bytes) -> str:
    """A piano roll and a player of a MIDI file; a sentence where there is nothing to show."""
    from seqgen.music.read import read_score  # text needs none of these
    from seqgen.render import audio, piano_roll

    try:
        score = read_score(data)
        png = piano_roll.png_bytes(score)
        wav = audio.wav_bytes(audio.synthesize(score, rate=RATE), RATE)
    except MidiError as error:
        return f"<p>{visible(error.message)}</p>"
    picture = f'<img alt="Piano roll" style="max-width: 100%" src="{_data_url("image/png", png)}">'
    return f'<div>{picture}<br><audio controls src="{_data_url("audio/wav", wav)}"></audio></div>'


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
