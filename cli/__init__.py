"""The `onggi` command: tenants, documents and questions of one stack, on this machine or on AWS."""
