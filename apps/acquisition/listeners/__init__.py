"""What does not come by HTTP: syslog, NetFlow and IPFIX, files that are followed, a watched folder.

Pure: framing, senders, gathering, lessons, options, tailing. Effects: sockets, hub, keeping,
following, dropping; `process` is all of them together.
"""
