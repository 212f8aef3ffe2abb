"""Data protection: sealing, masking, permissions, audit."""
