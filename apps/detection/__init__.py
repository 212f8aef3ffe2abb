"""Risk detection tools: what looks abnormal in a batch of records."""
