"""Whether a first deployment can work, found out before it: each finding with its fix."""
