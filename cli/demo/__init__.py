"""The demonstration: two invented companies use one stack, and every claim made on the way is checked."""
