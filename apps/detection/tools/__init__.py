"""Detection tools, one file each: see `apps.detection.tool.Tool`."""
