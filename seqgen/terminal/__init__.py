"""The terminal and the standard streams: what may reach them, and how they are found. Knows no command."""
