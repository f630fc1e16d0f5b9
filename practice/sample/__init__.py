"""Sample orders and customers, derived from the contracts: seeded, any size, in constant memory."""
