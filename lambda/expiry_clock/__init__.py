"""Starts the clock of a sandbox that deletes itself."""
