"""EC2: networks, endpoints and flow logs, as far as templates name them."""
