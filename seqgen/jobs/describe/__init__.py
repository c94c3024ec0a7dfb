"""What a file is and what it holds: facts as plain data, and as rows for people."""
