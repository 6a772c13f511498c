"""The `onggi` command: tenants, documents and questions of one stack, on this machine or on AWS."""

VERSION = "0.1.0"
"""The version of the project, the same as in pyproject.toml."""
