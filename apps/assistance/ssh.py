"""One SSH connection to one host, whose key was pinned by a person beforehand.

Nothing else is trusted or tried: no known_hosts, no agent, no key files, no passwords. Each
command is words, quoted one by one for the login shell; time and output are bounded.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import shlex
import socket
import time
from binascii import Error as NotBase64
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import AuthenticationException, SSHException

from apps.assistance.action import Output
from apps.contracts import Command
from apps.protection import outbound

CONNECT, BANNER, AUTHENTICATE, EXECUTE = 10.0, 10.0, 15.0, 30.0  # seconds
MOST_OUTPUT = 1024 * 1024  # bytes of each stream of a command
TIMED_OUT = 124  # status of a command that did not end in time, as timeout(1) has it

KEY_TYPES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Host key type → the signature algorithms a host may prove it with. SHA-1 is not among them."""

WEAK = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
    "kex": [
        "diffie-hellman-group1-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group-exchange-sha256",
    ],
    "pubkeys": ["ssh-rsa", "ssh-dss"],
    "keys": ["ssh-rsa", "ssh-dss"],
}

OVERLAYS = outbound.networks_of(["100.64.0.0/10"])
"""Shared addresses, as some VPNs give to hosts: neither private nor public, and allowed too."""


class Unreachable(Exception):
    """A host cannot be worked on, and why: one clear sentence."""


class WrongHostKey(Unreachable):
    """Whoever answered is not the host whose key was pinned."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key. `line` is `TYPE BASE64`, as in `ssh_host_*_key.pub`."""

    type: str
    blob: bytes

    @classmethod
    def parse(cls, line: str) -> HostKey:
        """Raises `ValueError` with a sentence where the line is no key of a supported type."""
        words = line.split()
        if len(words) < 2 or words[0] not in KEY_TYPES:
            raise ValueError(f"A host key starts with one of: {', '.join(KEY_TYPES)}.")
        try:
            blob = base64.b64decode(words[1], validate=True)
            paramiko.PKey.from_type_string(words[0], blob)
        except (NotBase64, ValueError, SSHException) as wrong:
            raise ValueError("The host key is damaged.") from wrong
        return cls(words[0], blob)

    @property
    def line(self) -> str:
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as ssh-keygen -l prints it: what a person compares."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a host's SSH is: address and port, or a unix socket (`relay`) that leads there."""

    address: str
    port: int = 22
    relay: str = ""

    def open(self) -> socket.socket:
        """A connection to where the address was judged to lead. Raises `Unreachable`."""
        try:
            if self.relay:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                sock.settimeout(CONNECT)
                sock.connect(self.relay)
                return sock
            found = outbound.judged(self.address, self.port, private=True, networks=OVERLAYS)
            return outbound.connect(found, self.port, CONNECT)
        except outbound.NotFound as wrong:
            raise Unreachable(str(wrong)) from wrong
        except outbound.Forbidden as wrong:
            raise Unreachable(f"{wrong}.") from wrong
        except OSError as wrong:
            raise Unreachable(f"{self} does not answer: {wrong.strerror or wrong}.") from wrong

    def __str__(self) -> str:
        return self.relay or f"{self.address}:{self.port}"


def private_key(pem: str) -> paramiko.PKey:
    """An Ed25519, ECDSA or RSA private key from its text. Raises `ValueError` with a sentence."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            key: paramiko.PKey = kind.from_private_key(io.StringIO(pem))
        except paramiko.PasswordRequiredException as wrong:
            raise ValueError("The private key has a passphrase; give one without.") from wrong
        except (SSHException, ValueError, TypeError, IndexError, AttributeError):
            continue
        return key
    raise ValueError("The private key is not an Ed25519, ECDSA or RSA key that can be read.")


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Lets in the one pinned key; every other is refused before anything is said to the host."""

    def __init__(self, pinned: HostKey) -> None:
        self.pinned = pinned

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        offered = f"{key.get_name()} ".encode() + key.asbytes()
        expected = f"{self.pinned.type} ".encode() + self.pinned.blob
        if not hmac.compare_digest(offered, expected):
            seen = HostKey(key.get_name(), key.asbytes()).fingerprint
            raise WrongHostKey(
                f"The host answered with the key {seen}, not the pinned {self.pinned.fingerprint}."
            )


class Connection:
    """An open connection; a context manager. `run` answers commands one at a time."""

    def __init__(
        self, endpoint: Endpoint, *, user: str, host_key: HostKey, key: paramiko.PKey
    ) -> None:
        """Connects. Raises `Unreachable`, or `WrongHostKey`, with a sentence for people."""
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(_Pinned(host_key))
        accepted = KEY_TYPES[host_key.type]
        others = [name for names in KEY_TYPES.values() for name in names if name not in accepted]
        sock = endpoint.open()
        try:
            self._client.connect(
                endpoint.address or "relay",
                endpoint.port,
                username=user,
                pkey=key,
                sock=sock,
                timeout=CONNECT,
                banner_timeout=BANNER,
                auth_timeout=AUTHENTICATE,
                channel_timeout=CONNECT,
                allow_agent=False,
                look_for_keys=False,
                # Asked for its pinned type only, so that a host with several keys shows that one.
                disabled_algorithms={**WEAK, "keys": [*WEAK["keys"], *others]},
            )
        except BaseException as wrong:
            self._client.close()
            sock.close()
            if isinstance(wrong, Unreachable):
                raise
            if isinstance(wrong, AuthenticationException):
                raise Unreachable(f"{endpoint} does not accept the key of {user}.") from wrong
            if isinstance(wrong, (SSHException, OSError, EOFError)):
                raise Unreachable(f"{endpoint} does not speak SSH with us: {wrong}.") from wrong
            raise
        transport = self._client.get_transport()
        assert transport is not None
        self._transport = transport

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def run(self, command: Command, *, timeout: float = EXECUTE, most: int = MOST_OUTPUT) -> Output:
        """Runs one command to its end, `timeout` seconds at most.

        A command that takes longer, or says more than `most` bytes, is cut off and
        answers with status `TIMED_OUT`. Raises `Unreachable` where the connection breaks.
        """
        line = shlex.join(command.argv)
        if "\0" in line:
            raise ValueError("a word of a command holds a NUL character")
        end = time.monotonic() + timeout
        try:
            channel = self._transport.open_session(timeout=CONNECT)
            try:
                channel.settimeout(CONNECT)
                channel.exec_command(line)
                channel.sendall(command.stdin.encode())
                channel.shutdown_write()
                return _listen(channel, end, most)
            finally:
                channel.close()
        except (SSHException, OSError, EOFError) as wrong:
            raise Unreachable(f"The connection broke while a command ran: {wrong}.") from wrong


def _listen(channel: paramiko.Channel, end: float, most: int) -> Output:
    out, err = bytearray(), bytearray()
    while True:
        quiet = True
        for ready, receive, kept in (
            (channel.recv_ready, channel.recv, out),
            (channel.recv_stderr_ready, channel.recv_stderr, err),
        ):
            if ready():
                kept += receive(65536)
                quiet = False
        if len(out) > most or len(err) > most:
            return Output(TIMED_OUT, "", f"cut off: more than {most} bytes of output")
        if quiet:
            if channel.exit_status_ready() and channel.eof_received:
                if not (channel.recv_ready() or channel.recv_stderr_ready()):
                    break
            elif channel.closed:
                raise SSHException("the host closed it")
            elif time.monotonic() > end:
                return Output(TIMED_OUT, "", "cut off: it did not end in time")
            else:
                time.sleep(0.002)
    return Output(channel.recv_exit_status(), _text(out), _text(err))


def _text(said: bytearray) -> str:
    return said.decode("utf-8", "replace").replace("\0", "\ufffd")  # NUL cannot be stored


def scan_host_key(address: str, port: int = 22, *, relay: str = "") -> HostKey:
    """The key a host shows to a stranger, for a person to compare with what the host's owner says.

    It is not trusted by being seen: only a person's confirmation pins it. Raises `Unreachable`.
    """
    endpoint = Endpoint(address, port, relay)
    sock = endpoint.open()
    transport = None
    try:
        transport = paramiko.Transport(sock, disabled_algorithms=WEAK)
        transport.banner_timeout = BANNER
        transport.start_client(timeout=CONNECT)
        key = transport.get_remote_server_key()
        return HostKey(key.get_name(), key.asbytes())
    except (SSHException, OSError, EOFError) as wrong:
        raise Unreachable(f"{endpoint} does not speak SSH with us: {wrong}.") from wrong
    finally:
        if transport is not None:
            transport.close()
        sock.close()
