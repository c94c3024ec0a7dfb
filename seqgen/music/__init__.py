"""Music as a `Score`, and the files that one comes from and goes to. Knows no tokens.

`read` makes a Score of any file of music, `write` makes a MIDI file of one, `convert` any format; `notation` holds
MusicXML and ABC.
"""
