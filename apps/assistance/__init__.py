"""Remote connection: hosts, SSH, repair actions, delivery to responders."""
