# SPDX-License-Identifier: Apache-2.0
"""Where requests may go, and where the token goes with them."""
import re
import ssl
import subprocess

import pytest

import hubserver
from conftest import TOOLS, Place, environment, fails, hub_model, noise, ok, run, traced

TOKEN = "hf_CanaryCanaryCanaryCanaryCanary01"
DATA = noise(50000)


@pytest.fixture
def gated(place, hub, tmp_path):
    hub.token = TOKEN
    hub.add("org/name", {"w.bin": DATA, "small.json": b"{}"}, gated="auto")
    (tmp_path / "token").write_text(TOKEN + "\n")
    place.write({"m": hub_model(path="m")})
    ok(place.lock("--token-file", tmp_path / "token"))
    hub.log.clear()
    return place


def test_token_goes_to_the_hub_and_not_to_the_cdn(gated, hub, tmp_path):
    ok(gated.fetch("--token-file", tmp_path / "token"))
    assert all(request.headers["Authorization"] == "Bearer " + TOKEN
               for request in hub.requests(origin="hub"))
    assert hub.requests(origin="cdn")
    assert not any("Authorization" in request.headers for request in hub.requests(origin="cdn"))


def test_token_does_not_come_back_after_another_origin(gated, hub, tmp_path):
    """hub -> cdn -> hub: the last hop was chosen by the CDN."""
    hub.plain["/back"] = hubserver.File(DATA)
    hub.fault("xet-bridge", status=302, headers={"Location": hub.origin + "/back"})
    ok(gated.fetch("--token-file", tmp_path / "token"))
    [request] = hub.requests("^/back")
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("name, env", [
    ("HF_TOKEN", {"HF_TOKEN": TOKEN}), ("HF_TOKEN-padded", {"HF_TOKEN": f" {TOKEN}\n"}),
])
def test_token_from_the_environment(gated, name, env):
    ok(gated.fetch(env=env))


def test_token_from_its_path(gated, tmp_path):
    ok(gated.fetch(env={"HF_TOKEN_PATH": tmp_path / "token"}))


def test_token_file_comes_before_the_environment(gated, tmp_path):
    ok(gated.fetch("--token-file", tmp_path / "token", env={"HF_TOKEN": "hf_wrong"}))


@pytest.mark.parametrize("name, text, code, error", [
    ("line-break-inside", "hf_a\r\nX-Evil: 1", 65, "auth.token-format"),
    ("control", "hf_\x01", 65, "auth.token-format"), ("too-long", "x" * 5000, 65, None),
    ("blank-inside", "hf_a b", 65, "auth.token-format"),
])
def test_token_that_is_none(gated, tmp_path, name, text, code, error):
    (tmp_path / "bad").write_text(text)
    result = gated.fetch("--token-file", tmp_path / "bad")
    assert result.code == code and (error is None or result.errors[0][0] == error), result


def test_token_file_absent(gated, tmp_path):
    fails(gated.fetch("--token-file", tmp_path / "none"), 66, "fs.not-found")


def test_there_is_no_option_for_the_token_itself(gated):
    result = fails(gated.fetch("--token", TOKEN), 64, "usage.option")
    assert "--token-file" in result.err and TOKEN not in result.err


def test_token_is_nowhere_afterwards(gated, hub, tmp_path):
    """Not in what is said, not in what is written, not in the arguments of the process."""
    trace = tmp_path / "trace"
    hub.fault("xet-bridge", times=2, status=503)
    command, env = traced("write,pwrite64,writev,execve", "-s", "100000", "-o", trace)
    command += [TOOLS / "bake-fetch", "-l", gated.lock_path, "-d", gated.models, "--endpoint",
                hub.origin, "--allow-http", "-vvv", "--progress", "plain", "--json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          env={**env, "HF_TOKEN_PATH": str(tmp_path / "token")})
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert "write" in trace.read_text() and TOKEN not in trace.read_text()
    for path in gated.models.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


# Plain http.

def test_http_only_where_it_was_named(place, hub):
    hub.add("org/name", {"small.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    ok(run("bake-lock", place.manifest, "--endpoint", hub.origin))
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    ok(place.lock("--upgrade"))
    result = fails(run("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                       hub.origin), 22, "policy.http")
    assert hub.cdn in result.err and "--allow-http" in result.err
    assert not hub.requests(origin="cdn")


def test_http_to_a_url_nobody_named(place, hub):
    hub.plain["/x.gguf"] = hubserver.File(DATA)
    place.write({"m": {"source": {"url": hub.origin + "/x.gguf"}}})
    fails(run("bake-lock", place.manifest), 22, "policy.http")
    assert not hub.log


def test_another_port_of_a_named_host_is_another_origin(place, hub):
    hub.plain["/x.gguf"] = hubserver.File(DATA)
    place.write({"m": {"source": {"url": hub.origin + "/x.gguf"}}})
    fails(run("bake-lock", place.manifest, "--endpoint", hub.cdn), 22, "policy.http")


# Private addresses.

@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "0.0.0.0", "2130706433", "0x7f.1",
    "100.64.0.1", "[64:ff9b::7f00:1]",
])
def test_private_address_that_nobody_named(place, host):
    place.write({"m": {"source": {"url": f"https://{host}:9/x.gguf"}}})
    fails(run("bake-lock", place.manifest), 22, "policy.private-address")


def test_name_that_leads_to_a_private_address(place, tmp_path):
    """What counts is the address that is connected to, not the name."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 rebound.example\n")
    place.write({"m": {"source": {"url": "https://rebound.example:9/x.gguf"}}})
    command = ["unshare", "-m", "sh", "-c",
               f"mount --bind {hosts} /etc/hosts && exec \"$@\"", "sh",
               str(TOOLS / "bake-lock"), str(place.manifest), "--retries", "0"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if "unshare" in done.stderr:
        pytest.skip("no right to make a mount namespace")
    assert done.returncode == 22 and "policy.private-address" in done.stderr, done.stderr


def test_allow_private(place):
    place.write({"m": {"source": {"url": "https://127.0.0.1:1/x.gguf"}}})
    fails(run("bake-lock", place.manifest, "--allow-private", "--retries", 0), 75, "net.connect")


def test_a_private_url_beside_a_public_endpoint(place):
    """Naming one origin allows nothing for another."""
    place.write({"m": {"source": {"url": "https://10.1.2.3/x.gguf"}}})
    fails(run("bake-lock", place.manifest, "--endpoint", "https://hub.example.com"), 22,
          "policy.private-address")


# TLS.

@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, a good certificate, one for another host and one that has expired."""
    where = tmp_path_factory.mktemp("tls")

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=where)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    for name, host, days in (("good", "127.0.0.1", 2), ("other", "127.0.0.9", 2),
                             ("expired", "127.0.0.1", -1)):
        (where / f"{name}.ext").write_text(f"subjectAltName=IP:{host}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", "/CN=test")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.pem", "-days", days, "-extfile",
                f"{name}.ext")
    return where


def tls_hub(certificates, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return hubserver.Hub(context)


def tls_lock(place, hub, *args, **env):
    return run("bake-lock", place.manifest, "--endpoint", hub.origin, "--retries", 1, *args,
               env=env)


def test_https_with_a_ca_file(certificates, tmp_path):
    hub = tls_hub(certificates, "good")
    place = Place(tmp_path, hub)
    hub.add("org/name", {"w.bin": DATA, "small.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    env = {"SSL_CERT_FILE": certificates / "ca.pem"}
    ok(tls_lock(place, hub, **env))
    ok(run("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint", hub.origin,
           env=env))
    assert place.files() == {"m/w.bin": DATA, "m/small.json": b"{}"}
    hub.close()


@pytest.mark.parametrize("name, env", [
    ("other", True), ("expired", True), ("good", False),
], ids=["wrong-host", "expired", "unknown-authority"])
def test_certificate_that_cannot_be_trusted(certificates, tmp_path, name, env):
    hub = tls_hub(certificates, name)
    place = Place(tmp_path, hub)
    place.write({"m": hub_model(path="m")})
    result = tls_lock(place, hub, **({"SSL_CERT_FILE": certificates / "ca.pem"} if env else {}))
    fails(result, 76, "tls.verify")
    assert "SSL_CERT_FILE" in result.err and not hub.log
    hub.close()


def test_no_ca_file(certificates, tmp_path):
    hub = tls_hub(certificates, "good")
    place = Place(tmp_path, hub)
    place.write({"m": hub_model(path="m")})
    fails(tls_lock(place, hub, SSL_CERT_FILE=tmp_path / "none.pem"), 76, "tls.ca")
    hub.close()


def test_https_does_not_redirect_to_http(certificates, hub, tmp_path):
    """Not even where plain http is allowed."""
    tls = tls_hub(certificates, "good")
    place = Place(tmp_path, tls)
    hub.plain["/w.bin"] = hubserver.File(DATA)
    tls.add("org/name", {"w.bin": DATA})
    place.write({"m": hub_model(path="m")})
    env = {"SSL_CERT_FILE": certificates / "ca.pem"}
    ok(tls_lock(place, tls, **env))
    tls.fault("/resolve/", status=302, headers={"Location": hub.origin + "/w.bin"})
    result = run("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                 tls.origin, "--allow-http", "--retries", 0, env=env)
    fails(result, 22, "policy.downgrade")
    assert not hub.log
    tls.close()


@pytest.mark.parametrize("what", ["revision", "tree"])
def test_the_listing_does_not_go_on_in_plain_http(certificates, hub, tmp_path, what):
    """Pins that come over plain http would be anybody's."""
    tls = tls_hub(certificates, "good")
    place = Place(tmp_path, tls)
    tls.add("org/name", {"w.bin": DATA})
    place.write({"m": hub_model(path="m")})
    tls.fault(f"/api/models/.*/{what}", -1, status=307, headers={"Location": hub.origin + "/x"})
    fails(tls_lock(place, tls, "--allow-http", SSL_CERT_FILE=certificates / "ca.pem"), 22,
          "policy.downgrade")
    assert not hub.log and not place.lock_path.exists()
    tls.close()


def test_the_next_page_does_not_come_in_plain_http(certificates, hub, tmp_path):
    tls = tls_hub(certificates, "good")
    place = Place(tmp_path, tls)
    tls.add("org/name", {"w.bin": DATA})
    place.write({"m": hub_model(path="m")})
    tls.fault("/api/models/.*/tree", -1, status=200, body=b"[]", headers={
        "Content-Type": "application/json", "Link": f'<{hub.origin}/2>; rel="next"'})
    fails(tls_lock(place, tls, "--allow-http", SSL_CERT_FILE=certificates / "ca.pem"), 22,
          "policy.downgrade")
    assert not hub.log
    tls.close()


# Proxies.

def test_proxy_is_used_and_its_password_not_shown(place, hub):
    hub.add("org/name", {"small.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    result = place.lock("--retries", 0, env={"http_proxy": "http://user:hunter2@127.0.0.1:1"})
    fails(result, 75, "net.connect")
    assert "hunter2" not in result.err and not hub.log


@pytest.mark.parametrize("exceptions", ["*", "127.0.0.1", "example.com,127.0.0.0/8", ".0.0.1"])
def test_no_proxy(place, hub, exceptions):
    hub.add("org/name", {"small.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    ok(place.lock("--retries", 0,
                  env={"http_proxy": "http://127.0.0.1:1", "no_proxy": exceptions}))


def test_upper_case_http_proxy_is_ignored(place, hub):
    """A CGI's HTTP_PROXY comes from a request header."""
    hub.add("org/name", {"small.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    ok(place.lock("--retries", 0, env={"HTTP_PROXY": "http://127.0.0.1:1"}))


# What is shown of what servers say.

def test_server_text_is_escaped_and_cut(place, hub):
    hub.add("org/name", {"small.json": b"{}"})
    hub.fault("/revision/", times=9, status=418,
              headers={"X-Error-Message": "\x1b]0;evil\x07" + "A" * 5000})
    place.write({"m": hub_model(path="m")})
    result = fails(place.lock(), 76, "net.status")
    assert "\x1b" not in result.err and "\\x1b]0;evil\\x07" in result.err
    assert max(map(len, result.err.splitlines())) < 700
    assert not re.search("A{250}", result.err)
