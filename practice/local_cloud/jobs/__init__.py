"""What the jobs of every service have in common: files, processes and logs."""
