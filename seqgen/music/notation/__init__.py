"""Written and printed music: MusicXML and ABC, read and written, and what both share.

Reading: `bars` plays written bars, `lines` and `meters` find parts and meters. Writing: `printing` cuts a score into
bars, parts and voices with the values that a printer has, `spelling` names its notes.
"""
