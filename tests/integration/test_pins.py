# SPDX-License-Identifier: Apache-2.0
"""What is pinned stays pinned, and what is missing is said: partial failures and hostile helpers."""
import json
import shutil

import hubserver
from conftest import fails, hub_model, noise, ok


def two(place, hub, **second):
    hub.add("org/a", {"w.bin": noise(8192)})
    hub.add("org/b", {"x/w.bin": noise(9000, 2)})
    place.locked({"a": hub_model("org/a", path="aa"),
                  "b": hub_model("org/b", path="bb", **second)})


def test_a_pin_of_a_small_file_is_compared(place, hub):
    hub.add("org/name", {"config.json": b'{"a":1}'})
    place.write({"m": hub_model(files=[{"name": "config.json", "sha256": "11" * 32}])})
    fails(place.lock(), 78, "pin.conflict")
    assert not place.lock_path.exists()


def test_a_failed_upgrade_keeps_the_former_pins(place, hub):
    two(place, hub)
    before = place.lock_json
    hub.fault("org/b", -1, status=404)
    result = place.lock("--upgrade", "--keep-going")
    assert result.code != 0
    assert place.lock_json["models"]["b"] == before["models"]["b"]
    hub.faults.clear()
    ok(place.fetch())
    assert "bb/x/w.bin" in place.files()


def test_the_worst_of_several_failures_decides(place, hub):
    hub.add("org/b", {"config.json": b'{"a":1}'})
    place.write({"a": hub_model("org/none"), "b": hub_model("org/b")})
    hub.fault("config.json", -1, status=200, body=b'{"a":2}')
    result = place.lock("--keep-going")
    assert result.code == 20, result


def test_an_optional_file_that_fails_leaves_24(place, hub, tmp_path):
    two(place, hub, required=False)
    hub.fault("org/b/resolve", -1, status=404)
    result = place.fetch("--all", "--keep-going", "--cache", tmp_path / "cache")
    assert result.code == 24, result
    assert list(place.files()) == ["aa/w.bin"]


def test_offline_keeps_going(place, hub, tmp_path):
    two(place, hub, required=False)
    ok(place.fetch("a", "--cache", tmp_path / "cache"))
    shutil.rmtree(place.models)
    result = place.fetch("--all", "--offline", "--keep-going", "--cache", tmp_path / "cache")
    assert result.code == 24, result
    assert list(place.files()) == ["aa/w.bin"]


def test_nothing_to_verify_is_no_success(place, hub):
    hub.add("org/a", {"w.bin": noise(8192), "v.bin": noise(8192, 5)})
    place.locked({"a": hub_model("org/a", path="aa", required=False)})
    place.models.mkdir()
    fails(place.verify("-l", place.lock_path), 66, "verify.nothing")
    assert json.loads(place.verify("-l", place.lock_path, "--json").out)["ok"] is False


def test_half_an_optional_model_is_wrong(place, hub):
    hub.add("org/a", {"w.bin": noise(8192), "v.bin": noise(8192, 5)})
    place.locked({"a": hub_model("org/a", path="aa", required=False)})
    ok(place.fetch("--all"))
    (place.models / "aa/w.bin").unlink()
    fails(place.verify("-l", place.lock_path), 20, "integrity.missing")


def test_bytes_that_came_before_are_no_progress(place, hub):
    """A server without ranges that always breaks off: retried so often, not for ever."""
    hub.add("org/a", {"w.bin": noise(6 << 20)})
    place.locked({"a": hub_model("org/a", path="aa")})
    hub.fault("xet-bridge", -1, ignore_range=True, cut=2 << 20)
    fails(place.fetch("--retries", 1), 75, "net.short")
    assert len(hub.requests("xet-bridge")) <= 4


def test_a_piece_is_not_pinned_as_the_file(place, hub):
    hub.plain["/f.bin"] = hubserver.File(noise(1000))
    place.write({"m": {"source": {"url": hub.origin + "/f.bin"}}})
    hub.fault("f.bin", -1, status=206, body=noise(100),
              headers={"Content-Range": "bytes 0-99/1000"})
    fails(place.lock(), 76, "net.bad-range")


def test_a_mirror_with_a_password_is_refused(place, hub):
    hub.plain["/f.bin"] = hubserver.File(noise(1000))
    place.write({"m": {"source": {"url": hub.origin + "/f.bin"},
                       "mirrors": ["https://u:hunter2@h.example/"]}})
    result = place.lock()
    fails(result, 22, "policy.secret-in-url")
    assert "hunter2" not in result.err and not place.lock_path.exists()


def test_a_token_does_not_come_back_to_the_listing(place, hub):
    other = hubserver.Hub()
    try:
        hub.add("org/name", {"w.bin": noise(9000)})
        place.write({"m": hub_model(path="m")})
        token = place.path / "token"
        token.write_text("hf_secret")
        hub.fault("/api/models/.*/revision", 1, status=307,
                  headers={"Location": other.origin + "/x"})
        other.fault("/x", 1, status=307, headers={"Location": hub.origin + "/chosen"})
        hub.fault("/chosen", 1, status=200,
                  body=json.dumps({"sha": hub.repos["org/name"]["branches"]["main"]}).encode())
        place.lock("--token-file", token, "--retries", 0)
        assert hub.requests("/api/models/.*/revision")[0].headers.get("Authorization")
        for request in other.log + hub.requests("/chosen"):
            assert not request.headers.get("Authorization"), request
    finally:
        other.close()
