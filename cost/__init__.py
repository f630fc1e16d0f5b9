"""What a sandbox costs, read from its synthesized templates and one dated list of published prices."""
