"""The demonstration: two invented companies use one stack, and every claim is checked."""
