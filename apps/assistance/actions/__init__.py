"""One file a repair action: facts in, commands out. See `docs/repair-actions.md`."""
