"""The local cloud: an AWS that runs on one machine, without Docker, for development and integration tests."""
