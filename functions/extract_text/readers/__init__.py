"""Readers turn uploaded files into normalised text, one module a family of formats."""
