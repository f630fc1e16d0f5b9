"""Step Functions: what executions start, and what is kept of them."""
