# SPDX-License-Identifier: Apache-2.0
"""What bake-lock is asked is done or refused, and what it does is said."""
import os

import pytest

from conftest import fails, hub_model, noise, ok, run


@pytest.fixture
def small(place, hub):
    hub.add("org/name", {"x.txt": b"x", "w.bin": noise(5000)})
    return place.write({"m": hub_model(path="m")})


@pytest.mark.parametrize("args", [
    ["--copy-files", "d"], ["--check", "--upgrade"], ["--check", "--keep-going"],
    ["--check", "-o", "-"], ["--check", "--slice", 1], ["--slice", 1, "--upgrade"],
    ["--slice", 1, "--keep-going"], ["--check", "--copy-files", "d"],
    ["--upgrade", "--offline"], ["--upgrade", "-o", "-"],
], ids=lambda args: "".join(map(str, args)))
def test_options_that_exclude_each_other(small, hub, tmp_path, args):
    ok(small.lock())
    before = small.lock_path.read_bytes()
    hub.log.clear()
    fails(run("bake-lock", small.manifest, "--endpoint", hub.origin, *args, cwd=tmp_path), 64,
          "usage.conflict")
    assert not hub.log and small.lock_path.read_bytes() == before
    assert not (tmp_path / "d").exists()


def test_the_manifest_is_not_written_over(small, tmp_path):
    before = small.manifest.read_bytes()
    os.link(small.manifest, tmp_path / "link.json")
    for out in (small.manifest, tmp_path / "link.json"):
        fails(small.lock("-o", out), 64, "usage.conflict")
        assert small.manifest.read_bytes() == before


def test_a_lock_is_not_written_over_by_its_slice(small):
    ok(small.lock())
    before = small.lock_path.read_bytes()
    fails(run("bake-lock", "--slice", 1, small.lock_path, "-o", small.lock_path), 64,
          "usage.conflict")
    assert small.lock_path.read_bytes() == before


def test_another_document_as_lock_is_not_to_be_removed(small, tmp_path):
    (tmp_path / "other.json").write_bytes(small.manifest.read_bytes())
    result = fails(small.lock("-o", tmp_path / "other.json"), 65, "schema.name")
    assert "remove" not in result.err


def test_check_answers(small):
    result = small.lock("--check", "--json")
    assert fails(result, 78, "lock.missing").json["fresh"] is False
    ok(small.lock())
    result = ok(small.lock("--check", "--json"))
    assert result.json == {"ok": True, "lock": str(small.lock_path), "fresh": True, "stale": []}
    assert "answers the manifest" in ok(small.lock("--check")).err
    assert ok(small.lock("--check", "-q")).err == ""
    small.write({"m": hub_model(path="n")})
    assert fails(small.lock("--check", "--json"), 78, "lock.stale").json["stale"] == ["m"]
    small.write({"m": hub_model(path="m", title="T")})
    stale = fails(small.lock("--check", "--json"), 78, "lock.stale")
    [(error, message)] = stale.errors
    report = stale.json
    assert f"hint: {report.pop('hint')}" in stale.err
    assert report == {"ok": False, "error": error, "message": message, "exit_code": 78,
                      "lock": str(small.lock_path), "fresh": False, "stale": []}


@pytest.mark.parametrize("quiet", [False, True])
def test_retries_are_said(small, hub, quiet):
    hub.fault("/revision/", times=1, status=503, body=b"")
    hub.fault("/tree/", times=1, status=429, body=b"", headers={"Retry-After": "0"})
    hub.fault("resolve-cache", times=1, status=502, body=b"")
    result = ok(small.lock(*(["-q"] if quiet else [])))
    lines = [line for line in result.err.splitlines() if line.startswith("bake-lock: retry ")]
    assert len(lines) == (0 if quiet else 3), result
    if not quiet:
        assert "org/name" in lines[0] and "503" in lines[0] and "m/x.txt" in lines[2]


def test_retries_are_counted(small, hub):
    hub.fault("/revision/", -1, status=503, body=b"")
    result = fails(small.lock("--retries", 2), 75, "net.server")
    assert len(hub.requests("/revision/")) == 3
    assert result.err.count("bake-lock: retry ") == 2


def test_asking_for_a_size_is_retried(place, hub):
    import hubserver
    data = noise(9000)
    hub.plain["/x.bin"] = hubserver.File(data)
    hub.fault("/x.bin", times=1, status=503, body=b"")
    place.write({"m": {"source": {"url": hub.origin + "/x.bin"},
                       "files": [{"name": "x.bin", "sha256": hubserver.sha256(data)}]}})
    result = ok(place.lock())
    assert "bake-lock: retry " in result.err
    assert place.lock_json["models"]["m"]["files"][0]["size"] == 9000


# What cannot be done is said with what, where and what to do.

def hint(result):
    lines = [line for line in result.err.splitlines() if line.startswith("hint: ")]
    assert len(lines) == 1, result
    return lines[0]


def test_hint_offline(place, hub):
    place.write({"m": hub_model()})
    assert "where there is a network" in hint(fails(place.lock("--offline"), 69, "net.offline"))


def test_hint_a_commit_that_is_gone(small, hub):
    ok(small.lock())
    entry = hub.repos["org/name"]
    entry["commits"].clear()
    hub.add("org/name", {"x.txt": b"other"})
    small.write({"m": hub_model(path="m", exclude=["*.md"])})
    result = fails(small.lock(), 69, "hub.revision-not-found")
    assert "--upgrade pins what 'main' is now" in hint(result)
    ok(small.lock("--upgrade"))


def test_hint_nothing_included(small):
    small.write({"m": hub_model(path="m", include=["*.gguf"])})
    assert "'w.bin'" in hint(fails(small.lock(), 69, "hub.no-match"))


def test_hint_no_network(small):
    result = fails(run("bake-lock", small.manifest, "--endpoint", "http://127.0.0.1:1",
                       "--retries", 0), 75, "net.connect")
    assert "--endpoint" in hint(result)


def test_hint_no_such_host(small):
    result = run("bake-lock", small.manifest, "--endpoint", "http://hub.invalid", "--retries", 0)
    assert result.errors[0][0] == "net.dns", result
    assert "$https_proxy" in hint(result)


def test_hint_proxy_wants_a_password(small, hub):
    hub.fault("http://hub.example", -1, status=407, body=b"")
    result = fails(run("bake-lock", small.manifest, "--endpoint", "http://hub.example",
                       env={"http_proxy": hub.origin}), 77, "auth.proxy")
    assert "http://USER:PASSWORD@HOST:PORT" in hint(result)


def test_a_proxy_that_does_not_connect(small, hub):
    """A server without CONNECT: it says 501."""
    result = fails(run("bake-lock", small.manifest, "--endpoint", "https://hub.example",
                       "--retries", 0, env={"https_proxy": hub.origin}), 75, "net.proxy")
    assert "https://hub.example" in result.err and "501" in result.err


def test_hint_a_url_for_a_repository(place):
    place.write({"m": hub_model("https://user:hunter2@huggingface.co/org/name")})
    result = fails(place.lock(), 65, "hub.repository")
    assert "org/name" in hint(result) and "hunter2" not in result.err


def test_hint_no_name_in_url(place, hub):
    place.write({"m": {"source": {"url": hub.origin + "/a%20b.bin"}}})
    assert '"files"' in hint(fails(place.lock(), 65, "url.name"))


# Secrets that were put where they do not belong.

@pytest.mark.parametrize("proxy", [
    "http://user:hunter2@:bad", "http://user:hun/hunter2@h:1", "user:hunter2@h:bad",
    "http://user:hunter2@h:99999", "ftp://user:hunter2@127.0.0.1:1", "http://user:hunter2@[::1",
])
def test_a_bad_proxy_is_not_quoted(small, proxy):
    result = small.lock("--retries", 0, env={"http_proxy": proxy})
    assert result.code in (69, 75) and len(result.errors) == 1, result
    assert "hunter2" not in result.err


@pytest.mark.parametrize("url", [
    "http://user:hunter2@:bad", "https://user:hun ter hunter2@h/x", "ftp://user:hunter2@h/x",
    "http:/user:hunter2@h/x", "user:hunter2@h/x", "https://user:a/hunter2@h/x",
    "https://user:a?hunter2@h/x",
])
def test_a_bad_url_is_not_quoted(place, hub, url):
    place.write({"m": {"source": {"url": url}, "files": [
        {"name": "x", "size": 1, "sha256": "ab" * 32}]}})
    for result in (place.lock("--offline"),
                   place.write({"m": hub_model(mirrors=[url])}).lock("--offline"),
                   place.write({"m": hub_model()}).lock("--mirror", url, "--offline"),
                   run("bake-lock", place.manifest, "--endpoint", url)):
        assert result.code in (22, 65, 69) and len(result.errors) == 1, result
        assert "hunter2" not in result.err + result.out
        assert not place.lock_path.exists()


def test_what_reads_as_a_path_but_may_be_a_password_is_not_quoted(place):
    place.write({"m": hub_model()})
    result = fails(run("bake-lock", place.manifest, "--endpoint",
                       "https://localhost:1/hunter2@h", "--retries", 0), 75, "net.connect")
    assert "hunter2" not in result.err


def test_a_mirror_of_a_repository_with_a_password(small, hub):
    small.write({"m": hub_model(mirrors=["https://user:hunter2@h.example/"])})
    fails(small.lock(), 22, "policy.secret-in-url")
    assert not hub.log and not small.lock_path.exists()


@pytest.mark.parametrize("token", ["hf_abcDEF0123456789", "0123456789abcdef0123456789abcdef01"])
def test_a_token_for_the_name_of_its_file(small, token):
    result = fails(small.lock("--token-file", token), 66, "auth.token-file")
    assert token not in result.err and "revoke" in hint(result)


def test_a_token_file_that_is_called_like_a_token(small, tmp_path):
    (tmp_path / "hf_token").write_text("hf_x")
    result = run("bake-lock", small.manifest, "--endpoint", small.hub.origin, "--token-file",
                 "hf_token", cwd=tmp_path)
    assert result.errors == [] or result.errors[0][0] == "auth.denied" or result.code == 0
    assert small.hub.requests("/revision/")[0].headers["Authorization"] == "Bearer hf_x"
