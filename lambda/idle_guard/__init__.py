"""Stops endpoints that nobody invokes, and notebooks that run for too long."""
