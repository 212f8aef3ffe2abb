"""What the platform fetches itself: one file a collector, found by itself."""
