"""Stops training jobs outside the sandbox's bounds."""
