"""The rooms of the studio, each a module with a ROOM, and nothing else."""
