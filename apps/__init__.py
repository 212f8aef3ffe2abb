"""The seven modules of the paper behind Tocsin, and the words they share."""
