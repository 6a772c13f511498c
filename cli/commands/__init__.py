"""The commands, one module each: arguments, work and output."""
