"""MusicXML, read and written."""
