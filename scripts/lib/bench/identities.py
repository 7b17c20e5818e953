"""An issuer for the length of a run: keys, the set that shows their public halves, and tokens."""

import base64
import json
import subprocess
import time
from pathlib import Path

from service.template import ORGANISATIONS

ISSUER = "https://issuer.bench.example"
AUDIENCE = "prediction-api-bench"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Issuer:
    """Signs with RS256 and ES256 (RFC 7518, section 3.1)."""

    def __init__(self, folder: Path):
        self._keys = {"RS256": folder / "rsa.pem", "ES256": folder / "ec.pem"}
        rsa, ec = map(str, self._keys.values())
        _openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
        _openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", ec)
        modulus = bytes.fromhex(_openssl("rsa", "-in", rsa, "-noout", "-modulus").decode().partition("=")[2])
        point = _openssl("pkey", "-in", ec, "-pubout", "-outform", "DER")[-64:]
        self.key_set = folder / "keys.json"
        x, y = _text(point[:32]), _text(point[32:])
        keys = [
            {"use": "sig", "kty": "RSA", "kid": "RS256", "alg": "RS256", "n": _text(modulus), "e": "AQAB"},
            {"use": "sig", "kty": "EC", "kid": "ES256", "alg": "ES256", "crv": "P-256", "x": x, "y": y},
        ]
        self.key_set.write_text(json.dumps({"keys": keys}))

    def token(self, algorithm: str) -> str:
        """A token like those of the local identity, good for a day."""
        now = int(time.time())
        header = {"alg": algorithm, "typ": "at+jwt", "kid": algorithm}
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "bench",
            "scope": "catalog:write jobs:read jobs:write",
            "organisations": ORGANISATIONS,
            "iat": now,
            "exp": now + 86_000,
        }
        signed = ".".join(_text(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        signature = _openssl("dgst", "-sha256", "-sign", str(self._keys[algorithm]), data=signed.encode())
        return f"{signed}.{_text(_fixed_size(signature) if algorithm == 'ES256' else signature)}"


def _fixed_size(der: bytes) -> bytes:
    """An ECDSA signature as JSON Web Tokens have it: both numbers in 32 bytes, instead of a sequence in DER."""
    numbers, rest = [], der[2:]
    while rest:
        length = rest[1]
        numbers.append(int.from_bytes(rest[2 : 2 + length], "big").to_bytes(32, "big"))
        rest = rest[2 + length :]
    return b"".join(numbers)
