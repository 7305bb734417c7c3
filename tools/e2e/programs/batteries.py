# SPDX-License-Identifier: MIT
"""Runs in a container: Python's ssl (a certificate that validates, with openssl as a subprocess), sqlite3 and threads."""

import os
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading

directory = tempfile.mkdtemp()
key, certificate, database = (os.path.join(directory, name) for name in ("key", "cert", "db"))

made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                       "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                       "-addext", "subjectAltName=DNS:localhost"], capture_output=True, text=True, check=False)
print("subprocess", made.returncode, made.stderr if made.returncode else "")

listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()  # the thread takes its descriptor
SIZE = 1 << 20


def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with context.wrap_socket(listener, server_side=True) as server:
        connection, _ = server.accept()
        with connection:
            connection.sendall(os.urandom(SIZE))


thread = threading.Thread(target=serve)
thread.start()
trust = ssl.create_default_context(cafile=certificate)
with socket.create_connection(address) as raw:
    with trust.wrap_socket(raw, server_hostname="localhost") as client:
        received, version = 0, client.version()
        while data := client.recv(65536):
            received += len(data)
        print("ssl", version, received)
thread.join()

with sqlite3.connect(database) as connection:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, square INTEGER)")
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", ((n, n * n) for n in range(2000)))
with sqlite3.connect(database) as connection:
    print("sqlite3", connection.execute("SELECT count(*), sum(square) FROM numbers").fetchone())
