"""The local cloud: MiniStack, with what it lacks filled in, one module per service."""
