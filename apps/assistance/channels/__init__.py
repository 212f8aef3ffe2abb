"""One file a way to deliver a package to a responder. See `docs/responders.md`."""
