"""What turns a network's output into a verdict worth acting on."""
