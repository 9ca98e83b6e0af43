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
from conftest import TOOLS, hub, hub_model, noise, ok, place, run, start  # noqa: E402,F401
from test_estimate import CONFIG, llama, safetensors  # noqa: E402

import standin  # noqa: E402

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
def walk(browser, site):
    """Runs a scenario. Whatever it is about: no error in the console, nothing asked elsewhere."""
    def run_scenario(scenario, **args):
        browser.stdin.write(json.dumps({"scenario": scenario, "origin": site.origin,
                                        "args": args}) + "\n")
        browser.stdin.flush()
        seen = json.loads(browser.stdout.readline())
        assert "failed" not in seen["result"], seen["result"]["failed"]
        assert seen["complaints"] == []
        assert seen["foreign"] == []
        return seen["result"]

    return run_scenario


def three_models(place, hub):
    hub.add("org/chat", {"chat-Q8_0.gguf": llama(context_length=4096)})
    hub.add("org/big", {"config.json": json.dumps(CONFIG).encode(),
                        "model.safetensors": safetensors(1 << 16)})
    hub.add("org/late", {"late.bin": noise(6000000)})
    return place.locked({
        "chat": hub_model("org/chat", path="chat", title="Small chat", role="chat", default=True,
                          tags=["tiny"], license="mit"),
        "big": hub_model("org/big", path="big", title="A transformer", role="chat"),
        "late": hub_model("org/late", path="late", title="Comes later", role="audio",
                          required=False)})


@pytest.fixture
def site(place, hub):
    three_models(place, hub)
    ok(place.fetch("chat", "big"))
    ok(place.index())
    site = standin.Site(place.models, TOOLS)
    yield site
    site.close()


def cli(site, model, *args):
    result = run("bake-index", "estimate", model, "-d", site.models, "--json", *args)
    return json.loads(result.out)


def test_models_are_those_of_the_index(walk, site):
    seen = walk("models")
    index = {model["id"]: model for model in site.index()["models"]}
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
def test_estimates_are_those_of_the_command_line(walk, site, name, model, asked, args):
    seen = walk("memory", hash=f"#memory/{model}", **asked)
    report = cli(site, model, *args)
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
    solved = cli(site, model, *args[2:], "--solve", "context")["solve"]
    best = solved["sure"] or solved["perhaps"]
    assert f"{best:,}".replace(",", "\u202f") in seen["fit"] if best else "Not even" in seen["fit"]
    assert len(seen["pictures"]) == 2 and "weights" in seen["pictures"][0]
    assert len(seen["table"]) > 2 and seen["overflow"] <= 0
    assert all(note in seen["notes"] for note in report["assumptions"])


def test_the_calculator_is_that_of_the_command_line(walk, site):
    seen = walk("memory", hash="#memory/chat", profile="ada_16gb", context="2048", gpu="16")
    report = cli(site, "chat", "--profile", "ada_16gb", "-c", "2048", "--parallel", "1")
    for part, key in (("weights", "weights_gib"), ("kv cache", "kv_gib"), ("vision", "vision_gib"),
                      ("overhead", "overhead_gib"), ("total", "total_gib")):
        assert seen["parts"][part]["max"] == pytest.approx(report[key] * GIB)


def test_fields_are_locked_and_say_where_they_come_from(walk, site):
    fields = {field["label"].replace("\n", " "): field
              for field in walk("memory", hash="#memory/chat")["fields"]}
    assert fields["Layers GGUF"] == {"label": "Layers GGUF", "value": "2", "locked": True}
    fields = walk("memory", hash="#memory/big")["fields"]
    assert all(field["locked"] for field in fields)
    assert any(field["label"] == "Layers config" for field in fields)


def test_a_download_is_seen_while_it_runs(walk, site, place, hub):
    hub.fault("xet-bridge", times=-1, rate=1000000)
    fetch = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint", hub.origin,
                  "--allow-http", "-x", "1", "late")
    while not (place.models / ".bake/state.json").exists():
        assert fetch.poll() is None, fetch.communicate()
        time.sleep(0.02)
    seen = walk("progress", id="late")["seen"]
    fetch.communicate()
    assert fetch.returncode == 0
    assert seen[-1]["text"] == "missing"  # nobody made the index anew
    values = [step["value"] for step in seen if step["value"] >= 0]
    assert len(set(values)) > 3 and values == sorted(values)
    assert any("/s" in step["text"] and "6.0 MB" in step["text"] for step in seen)


def test_a_failed_download_says_why(walk, site):
    (site.models / ".bake").mkdir(exist_ok=True)
    (site.models / ".bake/state.json").write_text(json.dumps({"models": {"late": {
        "state": "failed", "bytes": 0, "total": 5, "message": "the server answered 404"}}}))
    late = next(row for row in walk("models")["all"] if row["id"] == "late")
    assert "failed" in late["cells"][-1] and "the server answered 404" in late["cells"][-1]


def test_what_is_applied_is_what_was_shown(walk, site):
    site.overrides["chat"] = {"vllm": {"extra_args": ["--max-model-len", "1024"]}}
    seen = walk("apply", hash="#memory/chat", token=site.token)
    assert seen["before"] == 0 and seen["disabled"]
    assert seen["shown"] == ["--max-model-len 3072", "--max-num-seqs 4"]
    assert ("POST", "/apply/chat", {"engine": "vllm", "context": 3072, "parallel": 4}) in site.asked
    written = site.overrides["chat"]["vllm"]["extra_args"]
    assert standin.lines(written) == seen["shown"]
    assert seen["after"] == [["same", line] for line in seen["shown"]]
    assert "8\u202f192" in seen["runtime"] and "9.5 of 24 GiB" in seen["runtime"]


def test_a_wrong_token_is_told_and_forgotten(walk, site):
    seen = walk("apply", hash="#memory/chat", token=site.token, wrong="wr0ng", expected="401")
    assert seen == {"said": "the token is not right", "buttons": 1}


def test_a_check_is_run(walk, site):
    seen = walk("checks", hash="#checks", token=site.token)
    assert seen["without"] == 0 and "All files are right" in seen["text"]
    assert site.token not in seen["stored"]
    (site.models / "chat/chat-Q8_0.gguf").write_bytes(b"short")
    seen = walk("checks", hash="#checks", token=site.token)
    assert "1 wrong" in seen["text"] and "chat/chat-Q8_0.gguf" in seen["text"]


def test_storage(walk, site):
    seen = walk("storage", hash="#storage")
    assert "free of" in seen["text"] and "Small chat" in seen["text"]
    assert "free: " in seen["picture"]


HOSTILE = {
    "markup": "<b>bold</b><img src=x onerror='window.ran=1'><script>window.ran=1</script>",
    "long": "x" * 10000,
    "bidi": "safe\u202egpj.exe\u2066\u200b\u0007 end",
    "marks": "Z" + "\u0335\u0321\u0489" * 300,
    "entity": "&lt;b&gt;\"'`${window.ran=1}{{7*7}}",
}


@pytest.mark.parametrize("width", [1280, 360])
def test_texts_from_files_are_inert(walk, site, width):
    path = site.models / "model-info.json"
    index = json.loads(path.read_text())
    base = next(model for model in index["models"] if model["id"] == "chat")
    for name, text in HOSTILE.items():
        index["models"].append({**base, "id": name, "title": text, "role": text, "format": text,
                                "quantization": text, "license": text, "description": text,
                                "tags": [text], "status": "missing",
                                "source": {"hub": text, "url": "javascript:window.ran=1"}})
    site.index = lambda: index
    site.estimate = lambda query, real=site.estimate: real({**query, "model": "chat"})
    seen = walk("hostile", width=width)
    assert len(seen["rows"]) == 3 + len(HOSTILE)
    assert not seen["ran"] and not seen["bidi"] and seen["images"] == 0
    titles = {row["id"]: row["title"] for row in seen["rows"]}
    assert titles["markup"] == HOSTILE["markup"]
    assert titles["bidi"] == "safe\\u202egpj.exe\\u2066\\u200b\\u0007 end"
    assert len(titles["long"]) == 301
    assert max(row["height"] for row in seen["rows"]) < 400
    assert (seen["overflow"], seen["storage"], seen["memory"]) == (0, 0, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(walk, site, scheme):
    site.overrides["chat"] = {"llama.cpp": {"extra_args": ["-c", "1024"]}}
    seen = walk("accessible", scheme=scheme, motion="reduce")
    assert seen["found"] == []
    assert seen["back"] == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 18, 22)"}[scheme]


def test_keyboard_alone(walk, site):
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


def test_narrow_screens(walk, site):
    assert walk("narrow", width=360, height=740) == \
        {"models": 0, "memory": 0, "storage": 0, "checks": 0}


def test_theme(walk, site):
    seen = walk("theme")
    light, dark = "rgb(246, 247, 249)", "rgb(15, 18, 22)"
    assert seen == {"seen": [light, light, dark, light], "afterReload": dark}


def test_a_server_without_an_index_is_told(walk, site):
    (site.models / "model-info.json").write_text("{}")
    site.index = lambda: 1 / 0
    seen = walk("down", expected="ERR_EMPTY_RESPONSE|ERR_CONNECTION|Failed to load")
    assert "The index cannot be shown" in seen["text"]
