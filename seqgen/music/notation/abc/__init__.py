"""ABC tunes, read and written."""
