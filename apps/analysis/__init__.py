"""Risk analysis and processing: verdicts, incidents, clue trees, remedies, handovers."""
