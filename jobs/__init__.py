"""What AWS runs for us."""
