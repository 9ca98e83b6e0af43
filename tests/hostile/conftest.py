# SPDX-License-Identifier: Apache-2.0
"""Servers and beds for the hostile tests."""
import subprocess

import pytest

import faults
import harness


def pytest_collection_modifyitems(items):
    """A module's KNOWN_FAILING names tests that fail for a known reason; one that passes although
    it is named there is an error."""
    for item in items:
        known = getattr(item.module, "KNOWN_FAILING", {})
        reason = known.get(item.name) or known.get(item.originalname)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture
def server(tmp_path):
    where = tmp_path / "server"
    where.mkdir()
    server = faults.Server(where)
    yield server
    server.close()


@pytest.fixture(params=[1, 8], ids=["1-connection", "8-connections"])
def bed(request, tmp_path, server):
    """One large file to fetch, over one connection and over eight."""
    server.listen()
    return harness.Bed(tmp_path, server, request.param).one()


@pytest.fixture
def bed1(tmp_path, server):
    """The same, where the number of connections does not matter."""
    server.listen()
    return harness.Bed(tmp_path, server, 1).one()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority, a good certificate, and bad ones. (certificate, key) by name."""
    where = tmp_path_factory.mktemp("tls")

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=where)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out",
            "self.pem", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
            "subjectAltName=IP:127.0.0.1")
    for name, host, days, digest in (("good", "127.0.0.1", 2, "sha256"),
                                     ("other", "127.0.0.9", 2, "sha256"),
                                     ("expired", "127.0.0.1", -1, "sha256"),
                                     ("sha1", "127.0.0.1", 2, "sha1")):
        (where / f"{name}.ext").write_text(f"subjectAltName=IP:{host}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", "/CN=test")
        openssl("x509", "-req", f"-{digest}", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey",
                "ca.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", days, "-extfile",
                f"{name}.ext")
    pairs = {name: (where / f"{name}.pem", where / f"{name}.key")
             for name in ("self", "good", "other", "expired", "sha1")}
    (where / "empty.pem").write_text("")
    return {**pairs, "ca": where / "ca.pem", "empty": where / "empty.pem"}


@pytest.fixture
def namespace(tmp_path):
    """A network namespace; making one needs root, as mounting does."""
    namespace = harness.Namespace(tmp_path)
    yield namespace
    namespace.close()


@pytest.fixture
def elsewhere(tmp_path, namespace):
    """A bed in a network where 9.9.9.9 and 8.8.8.8 are ours: the server at a public address."""
    namespace.address("9.9.9.9/32", "8.8.8.8/32", "10.1.2.3/32", "169.254.169.254/32",
                      "fe80::1/64", "fd00:1::1/128")
    where = tmp_path / "server"
    where.mkdir()
    server = faults.Server(where, namespace.prefix)
    server.listen("a", "9.9.9.9")
    bed = harness.Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", "9.9.9.9")
    bed.prefix = namespace.prefix
    bed.namespace = namespace
    yield bed.one()
    server.close()
