# SPDX-License-Identifier: Apache-2.0
"""Locks that lack models: they say so, and nobody takes them for the whole."""
import pytest

from conftest import fails, hub_model, noise, ok, run

MODELS = {
    "chat": hub_model("org/chat", path="chat", aliases=["talk"]),
    "draw": hub_model("org/draw", path="draw", role="base", group="pictures"),
    "more": hub_model("org/more", path="more", required=False, default=True),
}


@pytest.fixture
def three(place, hub):
    for index, name in enumerate(("chat", "draw", "more")):
        hub.add(f"org/{name}", {"w.bin": noise(5000, index)})
    return place.write(MODELS)


def test_a_new_lock_of_one_model_is_partial(three, hub):
    result = ok(three.lock("chat"))
    assert "partial" in result.err and "2 models" in result.err
    assert list(three.lock_json["models"]) == ["chat"]
    assert three.lock_json["unlocked"] == {
        "draw": {"layer": 1, "group": "pictures", "required": True},
        "more": {"layer": 3, "required": False, "default": True}}
    assert not hub.requests("org/draw") and not hub.requests("org/more")
    assert ok(three.lock("chat", "--json")).json["unlocked"] == 2


@pytest.mark.parametrize("selection", [[], ["--all"], ["draw"], ["chat", "draw"], ["--defaults"],
                                       ["--group", "pictures"], ["--layer", 1]])
def test_what_it_lacks_is_not_fetched_in_silence(three, hub, selection):
    ok(three.lock("talk"))
    hub.log.clear()
    result = fails(three.fetch(*selection), 78, "lock.partial")
    assert "draw" in result.err or "more" in result.err
    assert "run bake-lock on the manifest" in result.err
    assert not hub.log and not three.models.exists()


def test_what_it_has_is_fetched(three):
    ok(three.lock("chat"))
    ok(three.fetch("chat"))
    ok(three.fetch("--layer", 2, "chat"))
    assert list(three.files()) == ["chat/w.bin"]
    ok(three.verify("-l", three.lock_path, "chat"))
    fails(three.verify("-l", three.lock_path), 78, "lock.partial")


def test_the_index_of_it_says_what_is_missing(three):
    ok(three.lock("chat"))
    ok(three.fetch("chat"))
    result = ok(three.index())
    assert "draw is required and not in the lock" in result.err
    fails(three.verify(), 20, "integrity.missing")


def test_a_profile_with_what_it_lacks(three):
    three.write(MODELS, profiles={"default": ["chat", "talk"], "both": ["chat", "draw"]})
    ok(three.lock("chat"))
    fails(three.fetch("--profile", "both"), 78, "lock.partial")
    ok(three.fetch())


def test_its_slices_lack_the_same(three, tmp_path):
    three.write(MODELS, profiles={"default": ["chat", "draw"]})
    ok(three.lock("chat"))
    for layer, there in ((1, False), (2, False), (3, True), (4, True)):
        three.lock_path.with_name("slice.json").write_text(
            ok(run("bake-lock", "--slice", layer, three.lock_path)).out)
        result = run("bake-fetch", "-l", three.path / "slice.json", "-d", tmp_path / "m",
                     "--endpoint", three.hub.origin, "--allow-http")
        if layer == 1:
            fails(result, 78, "lock.partial")
        else:
            ok(result)


def test_the_rest_makes_it_whole(three):
    ok(three.lock("chat"))
    result = ok(three.lock())
    assert "unlocked" not in three.lock_json and "partial" not in result.err
    assert list(three.lock_json["models"]) == ["chat", "draw", "more"]
    ok(three.lock("--check"))
    ok(three.fetch("--all"))


def test_locking_one_keeps_the_pins_of_the_others(three, hub):
    three.locked()
    before = three.lock_json
    for name in ("chat", "draw", "more"):
        hub.add(f"org/{name}", {"w.bin": noise(6000)})
    ok(three.lock("--upgrade", "chat"))
    assert three.lock_json["models"]["draw"] == before["models"]["draw"]
    assert three.lock_json["models"]["chat"] != before["models"]["chat"]
    assert "unlocked" not in three.lock_json


def test_keep_going_says_what_failed(three, hub):
    hub.fault("org/draw", -1, status=404, headers={"X-Error-Code": "RepoNotFound"})
    result = fails(three.lock("--keep-going"), 69, "hub.repository-not-found")
    assert "partial: 1 models" in result.err
    assert list(three.lock_json["unlocked"]) == ["draw"]
    fails(three.fetch(), 78, "lock.partial")
    hub.faults.clear()
    ok(three.lock())
    assert "unlocked" not in three.lock_json


def test_an_optional_model_that_failed_stops_nobody(three, hub):
    hub.fault("org/more", -1, status=404, headers={"X-Error-Code": "RepoNotFound"})
    fails(three.lock("--keep-going"), 69, "hub.repository-not-found")
    ok(three.fetch())
    assert sorted(three.files()) == ["chat/w.bin", "draw/w.bin"]
    fails(three.fetch("--all"), 78, "lock.partial")


def test_what_was_pinned_before_it_failed_stays_known(three, hub):
    """A changed model that cannot be locked now goes on from its commit later."""
    three.locked()
    commit = three.lock_json["models"]["draw"]["source"]["commit"]
    hub.add("org/draw", {"w.bin": noise(7000)})
    three.write({**MODELS, "draw": {**MODELS["draw"], "exclude": ["*.md"]}})
    hub.fault("org/draw", -1, status=404, headers={"X-Error-Code": "RepoNotFound"})
    fails(three.lock("--keep-going"), 69, "hub.repository-not-found")
    assert three.lock_json["unlocked"]["draw"]["was"]["commit"] == commit
    fails(three.lock("--keep-going"), 69, "hub.repository-not-found")
    assert three.lock_json["unlocked"]["draw"]["was"]["commit"] == commit
    hub.faults.clear()
    ok(three.lock())
    assert three.lock_json["models"]["draw"]["source"]["commit"] == commit
    assert three.lock_json["models"]["draw"]["files"][0]["size"] == 5000


def test_check_says_which(three):
    ok(three.lock("chat"))
    result = three.lock("--check", "--json")
    report = fails(result, 78, "lock.stale").json
    assert report["lock"] == str(three.lock_path)
    assert report["fresh"] is False and report["stale"] == ["draw", "more"]
    assert "and 1 more" in result.err
