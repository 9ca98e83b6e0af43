# SPDX-License-Identifier: Apache-2.0
"""The network on a bad day: cases 1 to 43, each against a server that does just that.

Every fetch is checked against the invariants of harness.py; after each failure the fault is taken
away and the same command must end well. What is said here of a case is what it is to lead to.
"""
import gzip
import re
import subprocess
import sys
import time
from email.utils import formatdate

import pytest

from faults import PROGRAM, partial, plain, redirect, whole
from harness import ROOT, TOOLS, Bed, data_of, offers, sha256, wait_until, watched

HTML = b"<!DOCTYPE html><html><title>Log in</title></html>"

PROXY_REFUSALS = {"403": (77, "auth.proxy"), "502": (75, "net.proxy"), "503": (75, "net.proxy"),
                  "504": (75, "net.proxy")}

def refuse(bed, steps, code, *errors, part=None, content=True, times=-1, args=(), **options):
    """The fault, for ever; the failure it leads to; the recovery. Returns the failure."""
    name = bed.server.kept[0][1] if content else None
    bed.server.fault("w.bin", steps, times=times, content=name)
    result = bed.fails(bed.fetch(*args, **options), code, *errors)
    if part is not None:
        assert bed.has_part() == part
    bed.recovers(**options)
    return result


def survive(bed, steps, times=1, **options):
    """The fault, a few times, in a run that ends well."""
    bed.server.fault("w.bin", steps, times=times, content=bed.server.kept[0][1])
    return bed.succeeds(bed.fetch("--retries", "5", **options))


# Connections and lengths.

@pytest.mark.parametrize("sent", [0, 15000], ids=["at-once", "in-the-body"])
def test_01_reset(bed, sent):
    refuse(bed, partial(f"body {{first}} {sent}", "rst"), 75, "net.reset", part=sent > 0)


def test_01_reset_once(bed):
    survive(bed, partial("body {first} 15000", "rst"))


def test_02_shorter_than_its_length(bed):
    refuse(bed, partial("body {first} 15000", "close"), 75, "net.short", part=True)


@pytest.mark.parametrize("start", [partial, lambda *steps, length: whole(
    *steps, length=length)], ids=["206", "200"])
def test_03_no_length_and_an_early_close(bed, start):
    offset = "{first}" if start is partial else "0"
    refuse(bed, start(f"body {offset} 15000", "close", length=None), 75, "net.short", part=True)


TOO_LONG = {
    "chunked": whole("chunk 0 {total}", "chunk 0 1000", "text 0%0D%0A%0D%0A", length=None,
                     headers=["Transfer-Encoding: chunked"]),
    "no-length": whole("body 0 {total}", "zeros 1000", "close", length=None),
    "endless": whole("body 0 {total}", "zeros 10000000000", "close", length=None),
}


@pytest.mark.parametrize("steps", TOO_LONG.values(), ids=TOO_LONG)
def test_04_more_than_was_pinned(bed, steps):
    refuse(bed, steps, 76, "net.too-long")


def test_05_another_length(bed):
    result = refuse(bed, plain(200, b"x" * 1000), 76, "net.size-mismatch", part=False)
    assert str(len(bed.data)) in result.errors[0][1] and "1000" in result.errors[0][1]


# Ranges.

def test_06_range_ignored(bed):
    bed.server.fault("w.bin", whole("body 0 {total}"), content=bed.server.kept[0][1])
    bed.succeeds(bed.fetch())


def test_06_range_ignored_when_resuming(bed):
    bed.server.fault("w.bin", partial("body {first} 15000", "close"), times=1,
                     content=bed.server.kept[0][1])
    bed.server.fault("w.bin", whole("body 0 {total}"), content=bed.server.kept[0][1])
    bed.succeeds(bed.fetch())


LIES = {
    "start": ("bytes {first+5}-{last}/{total}", "net.bad-range"),
    "end": ("bytes {first}-{last+1}/*", "net.bad-range"),
    "end-behind-total": ("bytes {first}-{total}/{total}", "net.bad-range"),
    "total": ("bytes {first}-{last}/{total+7}", "net.size-mismatch"),  # as case 12
    "reversed": ("bytes {last}-{first-1}/{total}", "net.bad-range"),
    "garbage": ("bytes x-y/z", "net.bad-range"),
    "too-large-for-a-number": ("bytes 0-99999999999999999999/99999999999999999999",
                               "net.bad-range"),
    "unit": ("lines {first}-{last}/{total}", "net.bad-range"),
    "unsatisfied": ("bytes */{total}", "net.bad-range"),
}


@pytest.mark.parametrize("span, error", LIES.values(), ids=LIES)
def test_07_lying_range(bed, span, error):
    refuse(bed, partial("body {first} {count}", span=span), 76, error, part=False)


def test_07_lying_range_leaves_the_part_as_it_was(bed):
    name = bed.server.kept[0][1]
    bed.server.fault("w.bin", partial("body {first} 15000", "close"), content=name)
    bed.fails(bed.fetch(), 75, "net.short")
    before = {path.name: path.read_bytes() for path in bed.parts()}
    bed.server.behave()
    refuse_again = partial("zeros {count}", span="bytes {first+5}-{last}/{total}")
    bed.server.fault("w.bin", refuse_again, content=name)
    bed.fails(bed.fetch(), 76, "net.bad-range")
    assert {path.name: path.read_bytes() for path in bed.parts()} == before and before
    bed.recovers()


def test_08_range_without_content_range(bed):
    refuse(bed, partial("body {first} {count}", span=None), 76, "net.bad-range", part=False)


def test_09_multipart_ranges(bed):
    head = "%0D%0A--x%0D%0AContent-Range: bytes {first}-{last}/{total}%0D%0A%0D%0A"
    steps = partial(f"text {head}", "body {first} {count}", "text %0D%0A--x--%0D%0A", "close",
                    span=None, length=None,
                    headers=["Content-Type: multipart/byteranges; boundary=x"])
    refuse(bed, steps, 76, "net.bad-range", part=False)


def test_10_another_version_under_way(bed):
    """What came of the former version is dropped, and the file fetched once from zero."""
    former = bed.server.content(data_of(len(bed.data), 5))
    bed.server.fault("w.bin", partial("body {first} 15000", "close", headers=['ETag: "former"']),
                     times=1, content=former)
    bed.succeeds(bed.fetch("--retries", "5"))


def test_10_another_version_each_time(bed):
    steps = partial("body {first} 15000", "close", headers=['ETag: "{nth}"'])
    refuse(bed, steps, 76, "net.changed", part=False, args=["--retries", "2"])


def whole_part(bed):
    """A part with every byte in it: the run that made it was killed when it was to be published."""
    under = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", bed.models / "m", "-e",
             "trace=rename,renameat,renameat2", "-e",
             "inject=rename,renameat,renameat2:signal=SIGKILL"]
    assert bed.fetch(under=under).code != 0
    [part] = bed.parts()
    assert part.read_bytes() == bed.data
    return part


GONE = plain(416, headers=["Content-Range: bytes */{total}"])


def test_11_unsatisfiable_although_all_is_there(bed):
    whole_part(bed)
    bed.server.fault("w.bin", GONE, content=bed.server.kept[0][1])
    bed.succeeds(bed.fetch())


def test_11_unsatisfiable_and_what_is_there_is_bad(bed):
    with open(whole_part(bed), "r+b") as stream:
        stream.seek(len(bed.data) // 2)
        stream.write(b"no!")
    bed.succeeds(bed.fetch())


def test_12_unsatisfiable_and_of_another_size(bed):
    steps = plain(416, headers=["Content-Range: bytes */{total+7}"])
    result = refuse(bed, steps, 76, "net.size-mismatch", part=False)
    assert str(len(bed.data) + 7) in result.errors[0][1]


# Redirects.

def test_13_redirect_loop(bed1):
    refuse(bed1, redirect(bed1.url()), 76, "net.redirects", part=False)
    assert len(bed1.server.log().requests()) < 20


def test_13_eleven_hops(bed1):
    bed1.server.always("/hop", redirect("/hop{nth}"))
    refuse(bed1, redirect("/hop"), 76, "net.redirects", part=False)


def test_13_ten_hops_are_followed(bed1):
    bed1.server.good("/last", bed1.data)
    bed1.server.fault("/hop", redirect("/hop{nth}"), times=8)
    bed1.server.fault("/hop", redirect("/last"))
    bed1.server.fault("w.bin", redirect("/hop"))
    bed1.succeeds(bed1.fetch())


def beside(bed, address="127.0.0.1", host="127.0.0.1", **options):
    """Another origin that has the file; everything of the first leads there."""
    scheme = "https" if "tls" in options else "http"
    bed.server.listen("b", address, **options)
    bed.server.good("/other", bed.data, listener="b")
    where = f"{scheme}://{host}:{bed.server.port['b']}/other"
    bed.server.fault("w.bin", redirect(where))
    return where


def only_the_first_saw_the_token(bed):
    log = bed.server.log()
    assert log.requests("a") and all(asked.authorization for asked in log.requests("a"))
    assert log.requests("b")
    for asked in log.requests("b"):
        assert not bed.canary.found_in(asked.head) and "cookie" not in asked.head.lower(), asked


def test_14_token_does_not_go_to_another_host(bed):
    beside(bed, "127.0.0.2", "127.0.0.2")
    bed.succeeds(bed.fetch())
    only_the_first_saw_the_token(bed)


def test_15_token_does_not_go_to_another_port(bed):
    beside(bed)
    bed.succeeds(bed.fetch())
    only_the_first_saw_the_token(bed)


def test_15_token_does_not_go_to_another_scheme(bed, certificates):
    beside(bed, tls=certificates["good"])
    bed.succeeds(bed.fetch(env={"SSL_CERT_FILE": certificates["ca"]}))
    only_the_first_saw_the_token(bed)


def test_15_token_does_not_come_back(bed1):
    """First a, then b, then what b chose of a."""
    beside(bed1)
    bed1.server.good("/back", bed1.data, listener="a")
    bed1.server.fault("/other", redirect(bed1.origin + "/back"), listener="b")
    bed1.succeeds(bed1.fetch())
    [back] = bed1.server.log().requests("a", "/back")
    assert not back.authorization and not bed1.canary.found_in(back.head)


def test_16_no_downgrade(tmp_path, server, certificates):
    server.listen("a", tls=certificates["good"])
    server.listen("b")
    bed = Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", scheme="https")
    bed.env = {"SSL_CERT_FILE": certificates["ca"]}
    bed.one()
    refuse(bed, redirect(bed.origin_of("b") + bed.url()), 22, "policy.downgrade", part=False)
    assert not server.log().connections("b")


@pytest.mark.parametrize("location", [
    "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "unix:/run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/x", "data:text/plain,x", "dict://127.0.0.1/x", "FILE:/x",
])
def test_17_schemes(bed1, location):
    refuse(bed1, redirect(location), 22, "policy.scheme", part=False)


# Private addresses. The server is at 9.9.9.9, in a network of its own.

PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]",
           "[fd00:1::1]", "localhost", "2130706433", "0x7f000001", "127.1"]


@pytest.mark.parametrize("host", PRIVATE)
def test_18_private_addresses(elsewhere, host):
    """The first server is public: it names no private one."""
    for name, address in (("lo", "127.0.0.1"), ("ten", "10.1.2.3"), ("meta", "169.254.169.254"),
                          ("lo6", "::1"), ("fd", "fd00:1::1")):
        elsewhere.server.listen(name, address)
    names = {"10.1.2.3": "ten", "169.254.169.254": "meta", "[::1]": "lo6", "[fd00:1::1]": "fd"}
    port = elsewhere.server.port[names.get(host, "lo")]
    elsewhere.server.good("/other", elsewhere.data)
    refuse(elsewhere, redirect(f"http://{host}:{port}/other"), 22, "policy.private-address",
           part=False)
    log = elsewhere.server.log()
    assert {asked.listener for asked in log.requests()} == {"a"}
    assert not set(log.connections()) - set(log.connections("a"))
    elsewhere.models.rename(elsewhere.models.with_name("gone"))
    for path in (elsewhere.models.with_name("gone") / "m").iterdir():
        path.unlink()
    (elsewhere.models.with_name("gone") / "m").rmdir()
    elsewhere.models.with_name("gone").rmdir()
    elsewhere.old = {}
    elsewhere.server.fault("w.bin", redirect(f"http://{host}:{port}/other"))
    elsewhere.succeeds(elsewhere.fetch("--allow-private"))


def test_18_link_local(elsewhere):
    refuse(elsewhere, redirect("http://[fe80::1]:1/other"), 22, "policy.private-address",
           part=False)


def test_18_a_name_that_leads_there(elsewhere):
    elsewhere.server.listen("b")
    elsewhere.namespace.say_hosts("127.0.0.1 inside.example")
    where = f"http://inside.example:{elsewhere.server.port['b']}/other"
    refuse(elsewhere, redirect(where), 22, "policy.private-address", part=False)
    assert not elsewhere.server.log().connections("b")


def test_19_rebinding(elsewhere):
    """A name is public when it is first asked for, and private when it matters."""
    server, space = elsewhere.server, elsewhere.namespace
    server.listen("b")
    space.say_hosts("9.9.9.9 moving.example")
    elsewhere.origin = f"http://moving.example:{server.port['a']}"
    server.fault("w.bin", ["gate moved", *redirect(
        f"http://moving.example:{server.port['b']}/other")])
    process = subprocess.Popen(elsewhere.command(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    wait_until(lambda: server.log(complete=False).requests())
    space.say_hosts("127.0.0.1 moving.example")
    server.tell("open moved")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 22 and "error[policy.private-address]" in err, err
    assert not server.log().connections("b")
    elsewhere.nothing_wrong_is_published()
    space.say_hosts("9.9.9.9 moving.example")
    elsewhere.recovers()


# What servers refuse.

@pytest.mark.parametrize("status", [401, 403])
def test_20_denied(bed, status):
    result = refuse(bed, plain(status, b"who are you"), 77, "auth.denied", part=False)
    assert "127.0.0.1" in result.errors[0][1] and "token" in result.err
    refused = [asked for asked in bed.server.log().requests() if asked.status == status]
    assert len(refused) <= bed.connections  # nobody asks again


def test_21_gated(bed1):
    steps = plain(403, HTML, ["X-Error-Code: GatedRepo", "Content-Type: text/html"])
    result = refuse(bed1, steps, 77, "hub.gated", part=False)
    assert bed1.origin + "/org/name" in result.err


@pytest.mark.parametrize("status", [404, 410])
def test_22_not_found(bed, status):
    result = refuse(bed, plain(status), 69, "net.not-found", part=False)
    assert bed.url() in result.errors[0][1] and "w.bin" in result.errors[0][1]
    assert len([asked for asked in bed.server.log().requests() if asked.status == status]) <= \
        bed.connections


def test_23_retry_after_is_waited_for(bed1):
    survive(bed1, plain(429, headers=["Retry-After: 1"]))
    first, second = bed1.server.log().requests()
    assert second.ms - first.ms >= 1000


def test_23_retry_after_longer_than_anybody_waits(bed):
    name = bed.server.kept[0][1]
    bed.server.fault("w.bin", partial("body {first} 15000", "close"), times=1, content=name)
    bed.server.fault("w.bin", plain(429, headers=["Retry-After: 86400"]), content=name)
    result = bed.fails(bed.fetch("--retries", "5"), 75, "net.rate-limit")
    assert bed.has_part() and "86400" in result.err
    bed.recovers()


@pytest.mark.parametrize("value", [
    formatdate(time.time() - 86400, usegmt=True), formatdate(0, usegmt=True), "-5", "soon", "",
    "1.5", "Wed, 99 Nov 2093 99:99:99 GMT", "0x10", "0", "\t1", "9" * 400,
])
def test_24_retry_after_of_every_kind(bed1, value):
    """In the past, or no date and no number: the usual pause."""
    if value == "9" * 400:
        refuse(bed1, plain(429, headers=[f"Retry-After: {10 ** 12}"]), 75, "net.rate-limit")
    survive(bed1, plain(503, headers=[f"Retry-After: {value}"]))


def test_24_retry_after_in_a_far_future(bed1):
    far = formatdate(time.time() + 10 ** 7, usegmt=True)
    refuse(bed1, plain(429, headers=[f"Retry-After: {far}"]), 75, "net.rate-limit", part=False)


@pytest.mark.parametrize("status, error", [
    (500, "net.server"), (502, "net.server"), (503, "net.server"), (504, "net.server"),
    (408, "net.timeout")])
def test_25_server_errors(bed, status, error):
    refuse(bed, plain(status, b"oops"), 75, error, part=False)
    failed = [asked for asked in bed.server.log().requests() if asked.status == status]
    assert 2 <= len(failed) <= 2 * bed.connections


def test_25_server_errors_for_a_while(bed):
    survive(bed, plain(503), times=2)


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_26_trickle(kind, tmp_path, server, certificates):
    server.listen("a", tls=certificates["good"] if kind == "tls" else None)
    bed = Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", scheme="https" if kind == "tls" else "http")
    bed.env = {"SSL_CERT_FILE": certificates["ca"]}
    bed.one()
    steps = partial("body {first} 5000", "rate 1", "body {first+5000} 100")
    refuse(bed, steps, 75, "net.stalled", part=True,
           args=["--stall-timeout", "1", "--retries", "0"])


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_27_accepted_and_nothing_said(bed, kind):
    bed.server.listen("mute", mute=True)
    good, scheme = bed.origin, "https" if kind == "tls" else "http"
    bed.origin = bed.origin_of("mute", scheme=scheme)
    args = ["--timeout", "1", "--stall-timeout", "1", "--retries", "0"]
    bed.fails(bed.fetch(*args), 75, "net.timeout")
    assert not bed.has_part()
    bed.origin = good
    bed.recovers()


def test_27_silence_in_the_middle(bed):
    refuse(bed, partial("body {first} 15000", "stall"), 75, "net.stalled", part=True,
           args=["--stall-timeout", "1", "--retries", "0"])


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip", "x" * 5000])
def test_28_encoded_although_not_asked_to(bed, encoding):
    refuse(bed, partial("body {first} {count}", headers=[f"Content-Encoding: {encoding}"]), 76,
           "net.encoding", part=False)


def lock_from(bed, *args):
    """bake-lock of a repository that the server is to list."""
    manifest = bed.root.parent / "manifest.json"
    manifest.write_text('{"schema": "bake.manifest/1", "name": "test", "models": {"m": {"source":'
                        ' {"hub": "org/name", "revision": "main"}, "path": "m"}}}')
    return watched([TOOLS / "bake-lock", manifest, "-o", bed.root.parent / "new.lock.json",
                    "--endpoint", bed.origin, "--token-file", bed.token_path, "--retries", "0",
                    *args])


def test_29_compressed_bomb_for_a_listing(bed1, tmp_path):
    bomb = gzip.compress(bytes(64 << 20))
    name = bed1.server.content(bomb)
    bed1.server.fault("/api/", whole("body 0 {total}", headers=[
        "Content-Encoding: gzip", "Content-Type: application/json"]), content=name)
    result = bed1.fails(lock_from(bed1), 76, "net.encoding")
    assert result.peak < 64 * 1024 and not (tmp_path / "new.lock.json").exists()


def test_29_listing_without_end(bed1, tmp_path):
    bed1.server.fault("/api/", whole("text [", "zeros 10000000000", length=None,
                                     headers=["Content-Type: application/json"]))
    result = bed1.fails(lock_from(bed1), 76, "net.too-large")
    assert result.peak < 96 * 1024 and not (tmp_path / "new.lock.json").exists()


CHUNKED = ["Transfer-Encoding: chunked"]


def test_30_chunked_without_length(bed):
    bed.server.fault("w.bin", whole("chunk 0 100000", "chunk 100000 {total-100000}",
                                    "text 0%0D%0A%0D%0A", length=None, headers=CHUNKED),
                     content=bed.server.kept[0][1])
    bed.succeeds(bed.fetch())


@pytest.mark.parametrize("chunk", [
    "FFFFFFFFFFFFFFFFFF", "-5", "zz", "", "8000000000000000", "7FFFFFFFFFFFFFFF", "0x10",
], ids=lambda text: text or "empty")
def test_30_chunk_sizes_that_are_none(bed1, chunk):
    """75 or 76, as libcurl sees it."""
    bed1.server.fault("w.bin", whole("chunk 0 1000", f"text {chunk}%0D%0Axxxxxxxx%0D%0A", "close",
                                     length=None, headers=CHUNKED),
                      content=bed1.server.kept[0][1])
    result = bed1.fetch()
    bed1.fails(result, 76 if result.code == 76 else 75, "net.reset", "net.short", "net.http",
               "net.transfer")
    bed1.recovers()


def test_30_cut_chunk(bed):
    refuse(bed, whole("chunk 0 15000", "text FFFF%0D%0A", "body 15000 5000", "close", length=None,
                      headers=CHUNKED), 75, "net.short", "net.reset", part=True)


@pytest.mark.parametrize("junk", ["junk 100000 20", "junk 1 1048576", "junk 5 100000"], ids=lambda text: text.replace(" ", "-"))
@pytest.mark.parametrize("status", [206, 302, 404])
def test_31_headers_without_end(bed1, junk, status):
    steps = [f"status {status}", "header Location: /other", junk,
             "header Content-Range: bytes {first}-{last}/{total}",
             "header Content-Length: {count}", "end", "body {first} {count}"]
    refuse(bed1, steps, 76, "net.headers", part=False)


# TLS and proxies.

@pytest.mark.parametrize("name, ca, error", [
    ("self", "ca", "tls.verify"), ("expired", "ca", "tls.verify"), ("other", "ca", "tls.verify"),
    ("sha1", "ca", "tls.verify"), ("good", "self", "tls.verify"), ("good", "empty", "tls.ca")])
def test_32_certificates(tmp_path, server, certificates, name, ca, error):
    server.listen("a", tls=certificates[name])
    server.listen("g", tls=certificates["good"])
    bed = Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", scheme="https")
    bed.one()
    trusted = certificates[ca] if ca != "self" else certificates["self"][0]
    result = bed.fails(bed.fetch(env={"SSL_CERT_FILE": trusted}), 76, error)
    assert not bed.has_part() and not server.log().requests() and "SSL_CERT_FILE" in result.err
    bed.origin = bed.origin_of("g", scheme="https")
    bed.recovers(env={"SSL_CERT_FILE": certificates["ca"]})


@pytest.mark.parametrize("option", ["-k", "--insecure", "--no-check-certificate"])
def test_32_nothing_turns_verification_off(bed1, option):
    bed1.fails(bed1.fetch(option), 64, "usage.option")


@pytest.fixture
def proxied(tmp_path, server, certificates):
    """A server that is only reached through a proxy, which has a password."""
    server.listen("a", tls=certificates["good"])
    server.listen("proxy")
    bed = Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", scheme="https")
    bed.one()
    bed.env = {"SSL_CERT_FILE": certificates["ca"]}
    where = f"http://user:{bed.canary.text[3:]}@127.0.0.1:{server.port['proxy']}"
    bed.proxy = {**bed.env, "https_proxy": where, "http_proxy": where}
    return bed


PASSWORD_SHOWN = "the proxy's password is shown"


def through(bed, steps, code, *errors):
    bed.server.fault("", steps, listener="proxy")
    command = bed.command()
    result = watched(command, bed.proxy)
    bed.fails(result, code, *errors)
    assert bed.canary.text[3:] not in result.out + result.err, PASSWORD_SHOWN
    assert not bed.server.log().requests("a")
    assert bed.server.log().requests("proxy") or "dead" in bed.proxy
    bed.recovers()


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_33_proxy_wants_a_password(proxied, scheme):
    proxied.server.listen("b")
    origin = proxied.origin
    if scheme == "http":
        proxied.origin = proxied.origin_of("b")
    proxied.server.fault("", plain(407, b"who", ["Proxy-Authenticate: Basic realm=x"]),
                         listener="proxy")
    result = watched(proxied.command(), proxied.proxy)
    proxied.fails(result, 77, "auth.proxy")
    assert proxied.canary.text[3:] not in result.out + result.err, PASSWORD_SHOWN
    assert not proxied.server.log().requests("a") and not proxied.server.log().requests("b")
    proxied.origin = origin
    proxied.recovers()


@pytest.mark.parametrize("status", PROXY_REFUSALS)
def test_33_proxy_does_not_connect(proxied, status):
    through(proxied, plain(status, b"no"), *PROXY_REFUSALS[status])


def test_33_proxy_breaks_off(proxied):
    through(proxied, ["rst"], 75, "net.proxy", "net.reset")


def test_33_proxy_is_not_there(proxied):
    password = proxied.canary.text[3:]
    where = f"http://user:{password}@127.0.0.1:1"
    result = watched(proxied.command(), {**proxied.env, "https_proxy": where})
    proxied.fails(result, 75, "net.proxy", "net.connect")
    assert password not in result.out + result.err, PASSWORD_SHOWN
    proxied.recovers()


@pytest.fixture
def names(elsewhere):
    """A resolver in the network of the bed."""
    process = subprocess.Popen([*elsewhere.prefix, sys.executable,
                                str(ROOT / "tests/hostile/resolver.py")],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "ready\n"
    yield elsewhere
    process.kill()
    process.communicate()


@pytest.mark.parametrize("name, code", [("nothing", 69), ("broken", 75), ("silent", 75)])
def test_34_names(names, name, code):
    good = names.origin
    names.origin = f"http://{name}.example:{names.server.port['a']}"
    result = names.fails(names.fetch("--retries", "0"), code, "net.dns")
    assert f"{name}.example" in result.errors[0][1] and not names.server.log().connections()
    names.origin = good
    names.recovers()


# What comes instead.

@pytest.mark.parametrize("body, error", [
    (HTML, "integrity.size"), (b"\n\n  <html lang=en>" + HTML, "integrity.size")])
def test_35_page_instead_of_the_file(bed, body, error):
    result = refuse(bed, plain(200, body, ["Content-Type: text/html"]), 20, error, part=False)
    assert "looks like HTML" in result.err


def test_35_page_of_the_right_size(bed):
    page = bed.server.content(HTML.ljust(len(bed.data)))
    bed.server.fault("w.bin", whole("body 0 {total}"), content=page)
    result = bed.fails(bed.fetch(), 20, "integrity.sha256")
    assert "looks like HTML" in result.err and not bed.has_part()
    bed.recovers()


@pytest.mark.parametrize("where", ["{0}", "{total-1}", "200000"], ids=["first", "last", "middle"])
def test_36_one_bit(bed, where):
    at = {"{0}": 0, "{total-1}": len(bed.data) - 1}.get(where, 200000)
    result = refuse(bed, [f"flip {at}", "good"], 20, "integrity.sha256", part=False)
    wrong = bytearray(bed.data)
    wrong[at] ^= 1
    message = result.errors[0][1]
    assert sha256(bed.data) in message and sha256(bytes(wrong)) in message


# Several connections, several places.

@pytest.mark.parametrize("most", [1, 4])
def test_37_limit_of_connections(tmp_path, server, most):
    """What is one too many is reset: fewer will do."""
    server.listen("a", max=most)
    bed = Bed(tmp_path, server, 8)
    bed.lock({f"{name}.bin": data_of(3 << 20, 10 + index) for index, name in enumerate("abcd")})
    bed.succeeds(bed.fetch("--retries", "5", "-j", "4"))
    assert server.log().most_connections() <= most + 8


BAD_MIRRORS = {
    "wrong-bytes": (["flip 1000", "good"], "integrity.sha256"),
    "server-error": (plain(500), "net.server"),
    "not-there": (plain(404), "net.not-found"),
    "reset": (["rst"], "net.reset"),
    "lying-range": (partial("body {first} {count}", span="bytes {first+1}-{last}/{total}"),
                    "net.bad-range"),
    "page": (plain(200, HTML), "integrity.size"),
}


@pytest.mark.parametrize("steps, error", BAD_MIRRORS.values(), ids=BAD_MIRRORS)
def test_38_next_mirror(bed, steps, error):
    """The bad one is told of, with its reason."""
    bed.server.listen("b")
    bed.server.fault("w.bin", steps, content=bed.server.kept[0][1], listener="a")
    result = bed.succeeds(bed.fetch("--mirror", bed.origin_of("b"), "-v", "--progress", "plain"))
    log = bed.server.log()
    assert log.requests("a") and log.requests("b")
    assert not any(bed.canary.found_in(asked.head) for asked in log.requests("b"))
    assert error in result.err or bed.origin in result.err, result


def test_39_ipv6_leads_nowhere(elsewhere):
    space = elsewhere.namespace
    space.address("2620:fe::9/128")
    elsewhere.server.listen("deaf", "2620:fe::9", port=elsewhere.server.port["a"], deaf=True)
    space.say_hosts("2620:fe::9 two.example", "9.9.9.9 two.example")
    elsewhere.origin = f"http://two.example:{elsewhere.server.port['a']}"
    elsewhere.succeeds(elsewhere.fetch("--retries", "0"))


SECRETS = {
    "userinfo": "https://user:{token}@example.com",
    "user": "https://{token}@example.com",
    "query": "https://example.com/?token={token}",
    "signature": "https://example.com/x?a=b&X-Amz-Signature={token}",
}


@pytest.mark.parametrize("url", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("option", ["--endpoint", "--mirror", "lock"])
def test_40_secret_in_a_url(bed1, url, option):
    secret = "s3cr3t" + bed1.canary.text[3:]
    url = url.format(token=secret)
    args = [option, url]
    if option == "lock":
        args = []
        file = {"path": "m/w.bin", "name": "w.bin", "size": len(bed1.data),
                "sha256": sha256(bed1.data)}
        bed1.write_lock([file], mirrors=[url])
    result = watched(bed1.command(*args))
    bed1.fails(result, 22, "policy.secret-in-url")
    assert secret not in result.out + result.err
    assert not bed1.server.log().connections()


def test_41_realm_elsewhere(bed1):
    bed1.server.listen("b", "127.0.0.2")
    realm = f"http://127.0.0.2:{bed1.server.port['b']}/token"
    headers = [f'WWW-Authenticate: Bearer realm="{realm}",service="x",scope="y"']
    refuse(bed1, plain(401, b"", headers), 77, "auth.denied", part=False)
    assert not bed1.server.log().connections("b")


def test_42_bandwidth_limit(bed):
    """With a resume and several connections: never faster than was allowed, as the server sees it
    (which has at most what is in its socket buffers ahead)."""
    size, rate = len(bed.data), len(bed.data) // 3
    bed.server.fault("w.bin", partial("body {first} 15000", "close"),
                     content=bed.server.kept[0][1])
    bed.fails(bed.fetch("--retries", "0"), 75, "net.short")
    assert bed.has_part()
    bed.server.forget()
    bed.server.behave()
    bed.succeeds(bed.fetch("--bandwidth-limit", str(rate)))
    log = bed.server.log()
    begin = min(asked.ms for asked in log.requests())
    end = max(entry["ms"] for entry in log if entry["event"] == "closed")
    assert log.sent() <= size
    assert end - begin >= 0.9 * 1000 * (size - 8 * 15000 - (1 << 20)) / rate


CLOCKJUMP = PROGRAM.with_name("clockjump")


def test_43_the_clock_does_jump_here():
    """Else the test below would show nothing."""
    look = "import time; print(*(int(time.time()) for _ in range(4)))"
    shown = subprocess.run([CLOCKJUMP, sys.executable, "-c", look], capture_output=True, text=True,
                           check=True).stdout.split()
    assert max(map(int, shown)) - min(map(int, shown)) > 3600


def test_43_clock_jumps(bed):
    """The wall clock goes hours back and years ahead: nothing times out, and no rate and no time
    left is nonsense."""
    content = bed.server.kept[0][1]
    bed.server.fault("w.bin", partial("body {first} 15000", "close"), times=1, content=content)
    bed.server.fault("w.bin", plain(503, headers=["Retry-After: 0"]), times=1)
    # Slow enough for the bar to be drawn, however many connections there are.
    bed.server.fault("w.bin", [f"rate {len(bed.data) // bed.connections}", "good"], content=content)
    result = bed.succeeds(bed.fetch("--retries", "5", "--progress", "bar", under=[CLOCKJUMP],
                                     env={"ASAN_OPTIONS": "detect_leaks=0"}))
    assert re.search(r"\r.*\d%.*\b\d+m?s\b", result.err), result
    assert not re.search(r"-\d+(\.\d+)? ?(ms|s|m|h|d|[kMG]?B/s)\b", result.err), result
    assert not re.search(r"\b\d+[hd]\b", result.err), result
