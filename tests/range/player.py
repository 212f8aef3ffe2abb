"""Plays one client inside a namespace: actions come in as JSON lines, results go out likewise.

One long-lived process for each address, so that hundreds of small visits cost no start-up.
Run as a file by `Client`; it needs only the standard library, and paramiko for `ssh`.
"""

from __future__ import annotations

import ftplib
import http.client
import io
import json
import random
import socket
import struct
import sys
import threading
import time
from typing import Any

LIMIT_SECONDS = 15
Action = dict[str, Any]


def http_visit(source: str, action: Action) -> dict[str, Any]:
    """Requests one after the other: over kept connections, or a new one each."""
    keep, statuses, connection = action.get("keep", True), [], None
    cookie = ""
    for step in action["requests"]:
        time.sleep(step.get("pause", 0))
        if connection is None:
            connection = http.client.HTTPConnection(
                action["host"], 80, timeout=LIMIT_SECONDS, source_address=(source, 0)
            )
        headers = {**action.get("headers", {}), **step.get("headers", {})}
        if cookie:
            headers["Cookie"] = cookie
        body = step["body"].encode("latin-1") if "body" in step else None
        try:
            connection.request(step.get("method", "GET"), step["path"], body, headers)
            reply = connection.getresponse()
            reply.read()
            statuses.append(reply.status)
            cookie = (reply.getheader("Set-Cookie") or cookie).split(";")[0]
        except (OSError, http.client.HTTPException):
            statuses.append(0)
            connection.close()
            connection = None
            continue
        if not keep or reply.will_close:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return {"statuses": statuses}


def http_flood(source: str, action: Action) -> dict[str, Any]:
    """`workers` threads send `requests` requests each as fast as the server answers."""
    sent = [0] * action["workers"]
    end = time.monotonic() + action["seconds"]

    def hammer(number: int) -> None:
        dice = random.Random(number)
        done = 0
        while done < action["requests"] and time.monotonic() < end:
            connection = http.client.HTTPConnection(
                action["host"], 80, timeout=5, source_address=(source, 0)
            )
            try:
                for _ in range(min(action.get("per_connection", 25), action["requests"] - done)):
                    path = f"{action['path']}?{dice.randrange(10**8)}"
                    connection.request("GET", path, headers=action["headers"])
                    connection.getresponse().read()
                    done += 1
            except (OSError, http.client.HTTPException):
                done += 1
            finally:
                connection.close()
        sent[number] = done

    threads = [threading.Thread(target=hammer, args=(n,)) for n in range(action["workers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"sent": sum(sent)}


def ssh_login(source: str, action: Action) -> dict[str, Any]:
    """Log in with a pinned host key; `mistyped` passwords come first, each on its own try."""
    import paramiko

    mistyped, outputs, refused = list(action.get("mistyped", [])), [], 0
    raw = socket.create_connection((action["host"], 22), LIMIT_SECONDS, (source, 0))
    transport = paramiko.Transport(raw)
    try:
        transport.start_client(timeout=LIMIT_SECONDS)
        key = transport.get_remote_server_key()
        if f"{key.get_name()} {key.get_base64()}" != action["host_key"]:
            raise ValueError("the host key is not the pinned one")
        for password in mistyped:
            try:
                transport.auth_password(action["user"], password, fallback=False)
            except paramiko.AuthenticationException:
                refused += 1
                time.sleep(action.get("pause", 0.5))
        if "key" in action:
            secret = paramiko.Ed25519Key.from_private_key_file(action["key"])
            transport.auth_publickey(action["user"], secret)
        elif "password" in action:
            transport.auth_password(action["user"], action["password"], fallback=False)
        for command in action.get("commands", []):
            time.sleep(action.get("pause", 0.5))
            channel = transport.open_session(timeout=LIMIT_SECONDS)
            channel.settimeout(LIMIT_SECONDS)
            channel.exec_command(command)
            outputs.append(channel.makefile("rb").read().decode("utf-8", "replace"))
            channel.close()
    finally:
        transport.close()
    return {"refused": refused, "outputs": outputs}


def ftp_visit(source: str, action: Action) -> dict[str, Any]:
    """Log in, list, fetch and store files, leave."""
    fetched = 0
    for password in [*action.get("mistyped", []), action["password"]]:
        ftp = ftplib.FTP(timeout=LIMIT_SECONDS, source_address=(source, 0))
        ftp.connect(action["host"], 21)
        try:
            ftp.login(action["user"], password)
        except ftplib.error_perm:
            ftp.close()
            continue
        for name in action.get("fetch", []):
            time.sleep(action.get("pause", 0.3))
            parts: list[bytes] = []
            ftp.retrbinary(f"RETR {name}", parts.append)
            fetched += sum(map(len, parts))
        for name, content in action.get("store", {}).items():
            ftp.storbinary(f"STOR {name}", io.BytesIO(content.encode()))
        ftp.quit()
        break
    return {"bytes": fetched}


def dns_ask(source: str, action: Action) -> dict[str, Any]:
    """One A question for each name, each from a port of its own."""
    answered = 0
    for name in action["names"]:
        time.sleep(action.get("pause", 0.05))
        labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
        head = struct.pack(">HHHHHH", random.getrandbits(16), 0x0100, 1, 0, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(2)
            asker.bind((source, 0))
            asker.sendto(head + labels + b"\0\0\1\0\1", (action["host"], 53))
            try:
                answered += bool(asker.recv(512))
            except TimeoutError:
                continue
    return {"answered": answered}


ACTIONS = {
    "http": http_visit,
    "http_flood": http_flood,
    "ssh": ssh_login,
    "ftp": ftp_visit,
    "dns": dns_ask,
}


def main(source: str) -> None:
    for line in sys.stdin:
        action = json.loads(line)
        started = time.time()
        try:
            result = ACTIONS[action["do"]](source, action)
        except Exception as error:  # a visit that fails must not end the visitor
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"start": started, "end": time.time(), **result}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
