"""Redis over TLS, as the end of redis.conf says."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address
from tests.deploy.guarded_redis import GuardedRedis
from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here"),
]


class EncryptedRedis:
    """The same server; the plain port stays for the test's own admin."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "server.pem"
        key = folder / "server.key"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-keyout", str(key), "-out", str(self.certificate),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
        self.tls_port = free_port()
        self.server = GuardedRedis(
            folder,
            "--tls-port", str(self.tls_port), "--tls-cert-file", str(self.certificate),
            "--tls-key-file", str(key), "--tls-ca-cert-file", str(self.certificate),
            "--tls-auth-clients", "no",
        )  # fmt: skip

    def url(self, role: str) -> str:
        plain = self.server.url(role).replace("redis://", "rediss://")
        return plain.replace(f":{self.server.port}/", f":{self.tls_port}/")


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[EncryptedRedis]:
    redis = EncryptedRedis(tmp_path)
    redis.server.start()
    yield redis
    redis.server.kill()


async def check(url: str) -> None:
    address = Address.parse(url)
    client = address.client()
    try:
        await address.check(client)
    finally:
        await client.aclose()


@pytest.mark.parametrize("role", ["media", "worker", "ops"])
async def test_a_known_certificate_is_accepted(encrypted: EncryptedRedis, role: str) -> None:
    await check(f"{encrypted.url(role)}?ssl_ca_certs={encrypted.certificate}")


async def test_an_unknown_certificate_is_refused_in_one_line(encrypted: EncryptedRedis) -> None:
    with pytest.raises(RuntimeFailure, match="certificate is not accepted") as caught:
        await check(encrypted.url("media"))
    assert "\n" not in str(caught.value)
    assert "secret-media" not in str(caught.value)


async def test_a_file_of_the_url_that_is_not_there_is_said(encrypted: EncryptedRedis) -> None:
    with pytest.raises(RuntimeFailure, match="a file that the URL names, as with ssl_ca_certs,"):
        await check(f"{encrypted.url('media')}?ssl_ca_certs={encrypted.certificate}.gone")
