"""One module a command: its arguments, its work, what it prints."""
