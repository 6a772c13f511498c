"""The embedding model of the local cloud, computed by worker processes; this package imports nothing of the cloud."""
