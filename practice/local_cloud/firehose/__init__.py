"""Firehose: streams that buffer, transform, convert and deliver."""
