# SPDX-License-Identifier: Apache-2.0
"""The page in a browser: what it shows is what the tools say, it does what it shows, and nothing
that comes from a file can do anything to it. Needs Chromium, Node.js and `npm ci` in tests/page."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

# pylint: disable=wrong-import-position
from conftest import Place, hub, hub_model, noise, ok, place, run, start  # noqa: E402,F401
import hubserver  # noqa: E402
from serving import TOKEN, serving  # noqa: E402
from test_estimate import CONFIG, llama, safetensors  # noqa: E402
from test_registry import line  # noqa: E402

BROWSER = pathlib.Path(os.environ.get("BAKE_CHROMIUM", "/usr/bin/chromium"))
GIB = 1 << 30

if not BROWSER.exists() or not shutil.which("node") or not (HERE / "node_modules").is_dir():
    pytest.skip("no Chromium, no Node.js, or no `npm ci` in tests/page", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    process = subprocess.Popen(["node", HERE / "driver.mjs"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.stdin.close()
    process.wait(timeout=60)


@pytest.fixture
def walk(browser, request):
    """Runs a scenario. Whatever it is about: no error in the console, nothing asked elsewhere. steps:
    what to do when the scenario says so. expected: what the console may say nevertheless."""
    def tell(value):
        browser.stdin.write(json.dumps(value) + "\n")
        browser.stdin.flush()

    def run_scenario(scenario, at=None, steps=None, **args):
        server = at or (request.getfixturevalue("site") if "baked" in request.fixturenames
                        else request.getfixturevalue("still").server)
        tell({"scenario": scenario, "origin": f"http://127.0.0.1:{server.port}", "args": args})
        seen = json.loads(browser.stdout.readline())
        while "step" in seen:
            steps[seen["step"]]()
            tell("go on")
            seen = json.loads(browser.stdout.readline())
        assert "failed" not in seen["result"], (seen["result"]["failed"], server.log)
        assert seen["complaints"] == []
        assert seen["foreign"] == []
        return seen["result"]

    return run_scenario


def bake(place, hub):
    """Two models are there, one is not."""
    hub.add("org/chat", {"chat-Q8_0.gguf": llama(context_length=4096)})
    hub.add("org/big", {"config.json": json.dumps(CONFIG).encode(),
                        "model.safetensors": safetensors(1 << 16)})
    hub.add("org/late", {"late.bin": noise(3000000)})
    place.locked({
        "chat": hub_model("org/chat", path="chat", title="Small chat", role="chat", default=True,
                          tags=["tiny"], license="mit"),
        "big": hub_model("org/big", path="big", title="A transformer", role="chat"),
        "late": hub_model("org/late", path="late", title="Comes later", role="audio",
                          required=False)})
    ok(place.fetch("chat", "big"))
    ok(place.index())
    return place


@pytest.fixture
def baked(place, hub):
    return bake(place, hub)


def options(place):
    """Of a server on which everything can be asked for."""
    (place.path / "fallback").mkdir(exist_ok=True)
    (place.path / "token").write_text(TOKEN)
    return ["--admin-token-file", place.path / "token", "--fallback", place.path / "fallback",
            "--lock", place.lock_path, "--fetch-option=--allow-http",
            f"--fetch-option=--endpoint={place.hub.origin}", "--state",
            place.path / "fallback/.bake/state.json", "--metrics", place.path / "metrics.jsonl"]


@pytest.fixture
def site(baked):
    with serving(baked.models, *options(baked)) as server:
        yield server


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """The same for those that only look."""
    own = hubserver.Hub()
    place = bake(Place(tmp_path_factory.mktemp("still"), own), own)
    with serving(place.models, *options(place)) as server:
        place.server = server
        yield place
    own.close()


def change_index(place, change):
    """Puts another index in its place, at once."""
    index = place.index_json
    change(index)
    new = place.models / ".new.json"
    new.write_text(json.dumps(index))
    new.rename(place.models / "model-info.json")


def cli(place, model, *args):
    result = run("bake-index", "estimate", model, "-d", place.models, "--json", *args)
    return json.loads(result.out)


def test_models_are_those_of_the_index(walk, still):
    seen = walk("models")
    index = {model["id"]: model for model in still.index_json["models"]}
    assert [row["id"] for row in seen["all"]] == ["big", "late", "chat"]  # by title
    assert {row["id"]: row["title"] for row in seen["all"]} == \
        {name: model["title"] for name, model in index.items()}
    cells = {row["id"]: " | ".join(row["cells"]) for row in seen["all"]}
    assert "GGUF" in cells["chat"] and "baked" in cells["chat"] and "missing" in cells["late"]
    assert [row["id"] for row in seen["found"]] == ["chat"]
    assert [row["id"] for row in seen["bySize"]][0] == "late"
    assert "No model is like that" in seen["none"] and seen["said"] == "0 of 3 models shown"
    assert index["late"]["aggregate_sha256"] in seen["detail"]
    assert index["late"]["files"][0]["sha256"] in seen["detail"]
    assert index["late"]["source"]["commit"] in seen["detail"]
    assert "2 of 3 models" in seen["summary"].replace("\n", " ") and seen["overflow"] <= 0


@pytest.mark.parametrize("name, model, asked, args", [
    ("as the file says", "chat", {}, ["-c", "4096", "--parallel", "1", "--gpu-memory", "24GiB"]),
    ("llama.cpp", "chat", {"context": "2048", "parallel": "3", "kv": "q8_0", "gpu": "8"},
     ["-c", "2048", "--parallel", "3", "--kv-dtype", "q8_0", "--gpu-memory", "8GiB"]),
    ("ollama", "chat", {"engine": "ollama", "context": "2048", "parallel": "2", "gpu": "8"},
     ["-c", "2048", "--engine", "ollama", "--parallel", "2", "--gpu-memory", "8GiB"]),
    ("vllm", "big", {"context": "1024", "gpu": "1"},
     ["-c", "1024", "--parallel", "1", "--gpu-memory", "1GiB", "--gpu-memory-utilization", "0.9"]),
    ("no fit", "chat", {"gpu": "0.1"}, ["-c", "4096", "--parallel", "1", "--gpu-memory",
                                        str(round(0.1 * GIB))]),
    ("unlocked", "chat", {"layers": "40", "gpu": "8"},
     ["-c", "4096", "--parallel", "1", "--layers", "40", "--gpu-memory", "8GiB"]),
])
def test_estimates_are_those_of_the_command_line(walk, still, name, model, asked, args):
    seen = walk("memory", hash=f"#memory/{model}", **asked)
    report = cli(still, model, *args)
    shown = seen["parts"]
    for part in report["parts"]:
        if part["known"]:
            assert (shown[part["name"]]["min"], shown[part["name"]]["max"]) == \
                (part["min_bytes"], part["max_bytes"])
        else:
            assert "unknown" in shown[part["name"]]["text"]
    assert shown["total"]["min"] == report["min_bytes"]
    assert shown["total"]["max"] == report["max_bytes"]
    assert len(shown) == len(report["parts"]) + 1
    heads = {"fits": "Fits", "may-fit": "May fit", "does-not-fit": "Does not fit"}
    assert seen["verdict"].startswith(heads[report["verdict"]] + ":")
    solved = cli(still, model, *args[2:], "--solve", "context")["solve"]
    best = solved["sure"] or solved["perhaps"]
    assert f"{best:,}".replace(",", "\u202f") in seen["fit"] if best else "Not even" in seen["fit"]
    assert len(seen["pictures"]) == 2 and "weights" in seen["pictures"][0]
    assert len(seen["table"]) > 2 and seen["overflow"] <= 0
    assert all(note in seen["notes"] for note in report["assumptions"])


def test_the_calculator_is_that_of_the_command_line(walk, still):
    seen = walk("memory", hash="#memory/chat", profile="ada_16gb", context="2048", gpu="16")
    report = cli(still, "chat", "--profile", "ada_16gb", "-c", "2048", "--parallel", "1")
    for part, key in (("weights", "weights_gib"), ("kv cache", "kv_gib"), ("vision", "vision_gib"),
                      ("overhead", "overhead_gib"), ("total", "total_gib")):
        assert seen["parts"][part]["max"] == pytest.approx(report[key] * GIB)
    solved = cli(still, "chat", "--profile", "ada_16gb", "--parallel", "1", "--solve", "context",
                 "--gpu-memory", "16GiB")
    assert f"{int(solved['context_tokens']):,}".replace(",", "\u202f") in seen["fit"]
    assert len(seen["pictures"]) == 2


def test_fields_are_locked_and_say_where_they_come_from(walk):
    fields = {field["label"].replace("\n", " "): field
              for field in walk("memory", hash="#memory/chat")["fields"]}
    assert fields["Layers GGUF"] == {"label": "Layers GGUF", "value": "2", "locked": True}
    fields = walk("memory", hash="#memory/big")["fields"]
    assert all(field["locked"] for field in fields)
    assert any(field["label"] == "Layers config" for field in fields)


def rises(seen):
    """A bar that went from left to right, with its rate and what is left."""
    values = [step["value"] for step in seen if step["value"] >= 0]
    assert len(set(values)) > 3 and values == sorted(values), seen
    assert any("/s" in step["text"] and "3.0 MB" in step["text"] and "left" in step["text"]
               for step in seen), seen


def test_a_download_is_seen_while_it_runs(walk, baked, hub):
    """One that somebody else began, into the models directory."""
    hub.fault("xet-bridge", times=-1, rate=1000000)
    fetch = []

    def begin():
        fetch.append(start("bake-fetch", "-l", baked.lock_path, "-d", baked.models, "--endpoint",
                           hub.origin, "--allow-http", "-x", "1", "late"))

    with serving(baked.models) as server:
        seen = walk("progress", at=server, id="late", steps={"shown": begin})["seen"]
    _, err = fetch[0].communicate()
    assert fetch[0].returncode == 0, err
    rises(seen)
    assert seen[-1]["text"].startswith(("baked", "missing")), "as soon as it is told"


def test_a_download_is_begun_on_the_page(walk, baked, hub):
    hub.fault("xet-bridge", times=-1, rate=1000000)
    before = baked.files()
    seen = walk("fetching", id="late", token=TOKEN, ends="fallback")
    assert "Unlock actions" in seen["before"]
    rises(seen["seen"])
    assert seen["last"] == {"value": -1, "text": "fallback"} and "3 of 3 models" in seen["summary"]
    assert (baked.path / "fallback/late/late.bin").read_bytes() == noise(3000000)
    assert baked.files() == before and seen["focus"] == "late"


def test_a_download_is_cancelled_on_the_page(walk, baked, hub, site):
    hub.fault("xet-bridge", times=-1, rate=200000)
    seen = walk("fetching", id="late", token=TOKEN, cancel=True, ends="missing Cancelled")
    assert "Fetch" in seen["detail"] and not (baked.path / "fallback/late/late.bin").exists()
    assert site.post("/cancel/late", token=TOKEN).status == 409


def test_a_failed_download_says_why(walk, baked, hub):
    hub.fault("late.bin", status=404, times=-1)
    seen = walk("fetching", id="late", token=TOKEN, ends="failed")
    assert "answers 404" in seen["last"]["text"] and "?" not in seen["last"]["text"]
    assert "Fetch" in seen["detail"]


def test_a_download_that_failed_before(walk, baked):
    """And its message is text only."""
    state = baked.path / "state.json"
    state.write_text(json.dumps({"schema": "bake.state/1", "models": {"late": {
        "state": "failed", "bytes": 0, "total": 5, "message": "<i>\u202edisk full"}}}))
    with serving(baked.models, "--state", state) as server:
        late = next(row for row in walk("models", at=server)["all"] if row["id"] == "late")
    assert late["cells"][-1].startswith("failed <i>\\u202edisk full")


def test_a_replaced_index_is_shown_and_a_bad_one_is_not(walk, baked):
    def replace():
        change_index(baked, lambda index: index["models"][0].update(title="Renamed"))

    def spoil():
        change_index(baked, lambda index: index["models"][0].update(title="y" * 10000))

    seen = walk("replaced", title="Renamed", steps={"shown": replace, "spoilt": spoil})
    assert "Renamed" not in seen["before"] and "Renamed" in seen["after"]
    assert "cannot be read" in seen["problem"] and "Renamed" in seen["last"]


def test_a_file_that_goes_away_is_told(walk, baked, site):
    (baked.models / "chat/chat-Q8_0.gguf").unlink()
    site.wait("/model-info/chat", lambda reply: reply.json["status"] == "missing")
    seen = walk("models")
    chat = next(row for row in seen["all"] if row["id"] == "chat")
    assert "missing" in chat["cells"][-1] and "index says baked, files absent" in chat["cells"][-1]


def test_a_server_that_goes_away_and_comes_back(walk, baked):
    servers = [serving(baked.models)]
    first = servers[0].__enter__()

    def again():
        change_index(baked, lambda index: index["models"][0].update(title="Meanwhile"))
        servers.append(serving(baked.models, listen=f"127.0.0.1:{first.port}"))
        servers[1].__enter__()

    try:
        seen = walk("restarted", at=first, title="Meanwhile", expected="ERR_|Failed to load",
                    steps={"stop": first.stop, "start": again})
    finally:
        for server in servers:
            server.__exit__(None, None, None)
    assert len(seen["still"]) == 3


def test_a_server_without_a_token_has_no_buttons(walk, baked):
    with serving(baked.models) as server:
        seen = walk("bare", at=server)
    assert not seen["button"] and "bake-verify --quick" in seen["checked"]
    assert "without an administrator's token" in seen["memory"] and "--metrics" in seen["memory"]


ODD = ["--max_model_len", 1024, "--trust-remote-code", "--max-num-seqs", "-x", "--max-model-len=5",
       "--swap-space", "4"]


@pytest.mark.parametrize("engine, before, asked, after", [
    ("vllm", [], {"context": "3072", "parallel": "4", "ticks": ["context", "parallel"]},
     ["--max-model-len", "3072", "--max-num-seqs", "4"]),
    ("vllm", ODD, {"context": "3072", "parallel": "4", "share": "1",
                   "ticks": ["context", "parallel", "gpu_memory_utilization"]},
     ["--max-model-len", "3072", "--trust-remote-code", "--max-num-seqs", "4", "-x", "--swap-space",
      "4", "--gpu-memory-utilization", "1.0"]),
    ("ollama", ["--num-ctx", "5"], {"context": "2048", "parallel": "1", "ticks": ["context"]},
     ["--num-ctx", "2048"]),
    ("llama.cpp", ["-ngl", "99", "--ctx-size", "8"],
     {"context": "2048", "parallel": "2", "ticks": ["parallel", "context"]},
     ["-ngl", "99", "--ctx-size", "2048", "-np", "2"]),
])
def test_what_is_applied_is_what_was_shown(walk, baked, engine, before, asked, after):
    runtime = baked.models / "model-info.runtime.json"
    if before:
        ok(run("bake-index", "apply", "chat", "-d", baked.models, "--engine", engine, "--context",
               1))
        document = json.loads(runtime.read_text())
        document["models"]["chat"]["overrides"][engine]["extra_args"] = before
        runtime.write_text(json.dumps(document))
    seen = walk("apply", hash="#memory/chat", token=TOKEN, engine=engine, **asked)
    assert seen["before"]["write"] == 0 and seen["disabled"]
    assert seen["said"] == "Written."
    written = json.loads(runtime.read_text())["models"]["chat"]["overrides"][engine]["extra_args"]
    assert written == after
    shown = [text for kind, text in seen["shown"] if kind != "minus"]
    assert " ".join(shown) == " ".join(after)
    assert seen["after"] == [["same", text] for text in shown]


def test_what_cannot_be_written_is_told(walk, baked):
    (baked.models / "model-info.runtime.json").mkdir()
    seen = walk("apply", hash="#memory/chat", token=TOKEN, engine="vllm", context="1024",
                parallel="1", ticks=["context"], expected="Failed to load resource")
    assert seen["said"] != "Written." and str(baked.path) not in seen["said"]


def test_a_wrong_token_is_told_and_forgotten(walk):
    seen = walk("wrongToken", hash="#memory/chat", token="x" * 20, expected="401")
    assert seen == {"said": "The token is not right. Actions are locked again.", "buttons": 0,
                    "label": "Unlock actions"}


def test_what_a_runtime_measured_comes_from_its_log(walk, baked):
    (baked.path / "metrics.jsonl").write_text(line(
        "chat", runtime_context_tokens=2048, configured_max_model_len=2048,
        gpu_memory_gib={"index": 0, "used": 9.5, "total": 24}))
    seen = walk("reconcile", hash="#memory/chat", token=TOKEN)
    assert "Nothing was measured yet" in seen["before"]["text"] and seen["before"]["context"] == "4096"
    assert "2\u202f048" in seen["after"] and "9.5 of 24 GiB" in seen["after"]
    assert (seen["context"], seen["badge"]) == ("2048", "runtime log")
    written = json.loads((baked.models / "model-info.runtime.json").read_text())
    assert written["models"]["chat"]["runtime"]["runtime_context_tokens"] == 2048


def test_a_check_is_run(walk, baked):
    seen = walk("checks", hash="#checks", token=TOKEN)
    assert seen["without"] == 0 and seen["focus"] == "check-run" and "All files are right" in seen["text"], seen
    assert "late" not in seen["text"] and TOKEN not in seen["stored"]
    (baked.models / "chat/chat-Q8_0.gguf").write_bytes(b"short")
    seen = walk("checks", hash="#checks", token=TOKEN)
    assert "1 wrong" in seen["text"] and "chat/chat-Q8_0.gguf" in seen["text"], seen


def test_storage(walk):
    seen = walk("storage", hash="#storage")
    assert "free of" in seen["text"] and "Small chat" in seen["text"]
    assert "free: " in seen["picture"]


HOSTILE = {
    "markup": "<b>bold</b><img src=x onerror='window.ran=1'><script>window.ran=1</script>",
    "long": "x" * 10000,
    "bidi": "safe\u202egpj.exe\u2066\u200b\u0007 end",
    "marks": "Z" + "\u0335\u0321\u0489" * 300,
    "jamo": "\u1100" * 300,
    "entity": "&lt;b&gt;\"'`${window.ran=1}{{7*7}}",
}


def hostile_models(index, texts):
    base = next(model for model in index["models"] if model["id"] == "chat")
    for name, text in texts.items():
        index["models"].append({**base, "id": name, "title": text, "license": text, "default": False,
                                "description": text, "tags": [text], "required": False,
                                "path": f"{name}/m.gguf", "status": "missing",
                                "files": [{**base["files"][0], "path": f"{name}/m.gguf"}]})


def is_inert(seen, texts):
    assert len(seen["rows"]) == 3 + len(texts)
    assert not seen["ran"] and not seen["bidi"] and seen["images"] == 0
    assert max(row["height"] for row in seen["rows"]) < 400
    assert (seen["overflow"], seen["storage"], seen["memory"]) == (0, 0, 0)


@pytest.mark.parametrize("width", [1280, 360])
def test_texts_from_files_are_inert(walk, baked, width):
    """Those that bake-serve takes: it refuses an index with the others."""
    texts = {"markup": HOSTILE["markup"], "long": "x" * 128, "marks": HOSTILE["marks"][:60],
             "jamo": HOSTILE["jamo"][:40], "entity": HOSTILE["entity"]}
    change_index(baked, lambda index: hostile_models(index, texts))
    with serving(baked.models) as server:
        seen = walk("hostile", at=server, width=width, shot=f"hostile-{width}")
    is_inert(seen, texts)
    titles = {row["id"]: row["title"] for row in seen["rows"]}
    assert {name: titles[name] for name in texts} == texts


@pytest.mark.parametrize("width", [1280, 360])
def test_texts_of_another_server_are_inert(walk, still, width):
    """What stands in between, or answers instead of bake-serve, refuses nothing."""
    index = still.index_json
    hostile_models(index, HOSTILE)
    for model in index["models"][3:]:
        text = model["title"]
        model.update(role=text, format=text, quantization=text, problem=text,
                     source={"hub": text, "url": "javascript:window.ran=1"})
    seen = walk("hostile", width=width, index=index, shot=f"foreign-{width}")
    is_inert(seen, HOSTILE)
    titles = {row["id"]: row["title"] for row in seen["rows"]}
    assert titles["markup"] == HOSTILE["markup"]
    assert titles["bidi"] == "safe\\u202egpj.exe\\u2066\\u200b\\u0007 end"
    assert len(titles["long"]) == 301


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(walk, still, scheme):
    ok(run("bake-index", "apply", "chat", "-d", still.models, "--engine", "llama.cpp", "--context",
           1024))
    seen = walk("accessible", scheme=scheme, motion="reduce", shot=f"accessible-{scheme}")
    assert seen["found"] == []
    assert seen["back"] == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 18, 22)"}[scheme]


def test_keyboard_alone(walk):
    seen = walk("keyboard")
    ids = [step["id"] for step in seen["walk"]]
    assert ids[:7] == ["skip", "models", "memory", "storage", "checks", "token-button",
                       "theme-button"]
    assert {"filter-text", "filter-role", "filter-format", "status-all", "sort-title",
            "expand-0"} <= set(ids)
    assert all(step["outlined"] for step in seen["walk"]), seen["walk"]
    assert seen["opened"] == "true" and seen["kept"] == "expand-0"
    assert seen["unlocked"] and seen["keptLock"] == "lock-num_layers"
    assert seen["inDialog"] == "token-input" and seen["back"] == "token-button"


def test_narrow_screens(walk):
    assert walk("narrow", width=360, height=740) == \
        {"models": 0, "memory": 0, "storage": 0, "checks": 0}


def test_theme(walk):
    seen = walk("theme")
    light, dark = "rgb(246, 247, 249)", "rgb(15, 18, 22)"
    assert seen == {"seen": [light, light, dark, light], "afterReload": dark}


def test_the_policy_lets_nothing_else_in(still):
    page = still.server.ask("/")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    for path in HERE.parents[1].joinpath("page").iterdir():
        if path.name != "index.html":
            reply = still.server.ask(f"/page/{path.name}")
            assert reply.status == 200 and reply.body == path.read_bytes()
            assert reply.headers["content-security-policy"] == page.headers["content-security-policy"]
