"""What Tocsin knows, as content: expert records, rules, trained networks, recordings."""
