"""The `onggi` command: tenants, documents and questions of one stack, on this machine or on AWS."""

VERSION = "0.1.0"
"""That of the project, as pyproject.toml has it."""
