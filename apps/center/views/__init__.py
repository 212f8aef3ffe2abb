"""The dashboard's pages: thin doors for people."""
