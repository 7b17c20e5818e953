"""The little of PostgreSQL's protocol that is needed here: a session without a password, and simple queries.

A session holds a connection, a lock or a place among those that the server admits, for as long as a case wants it to.
"""

import socket
import struct

PROTOCOL = 3 << 16
PATIENCE = 30


class Refused(RuntimeError):
    """The server said no."""


class Session:
    """One connection, as the superuser."""

    def __init__(self, port: int, database: str = "postgres"):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        try:
            parameters = f"user\0postgres\0database\0{database}\0application_name\0faults\0\0".encode()
            self._socket.sendall(struct.pack("!ii", len(parameters) + 8, PROTOCOL) + parameters)
            self._answers()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session; what it holds is free then."""
        self._socket.close()

    def rows(self, sql: str) -> list[list[str | None]]:
        """What the statements give, as text."""
        text = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
        return self._answers()

    def value(self, sql: str) -> str | None:
        """The first value that a statement gives, if it gives any."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def _answers(self) -> list[list[str | None]]:
        """Everything up to the sign that the server waits for the next question."""
        rows, refusal = [], None
        while True:
            kind, length = struct.unpack("!ci", self._exactly(5))
            content = self._exactly(length - 4)
            if kind == b"D":
                rows.append(_row(content))
            elif kind == b"E":
                fields = {field[:1]: field[1:].decode() for field in content.split(b"\0") if field}
                refusal = Refused(fields.get(b"M", "no reason given"))
                if fields.get(b"V") == "FATAL":
                    raise refusal
            elif kind == b"Z":
                if refusal:
                    raise refusal
                return rows

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise Refused("the server closed the connection")
            data += more
        return data


def _row(content: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!h", content)
    row, place = [], 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", content, place)
        place += 4
        row.append(None if length < 0 else content[place : place + length].decode())
        place += max(length, 0)
    return row
