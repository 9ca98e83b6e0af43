# SPDX-License-Identifier: Apache-2.0
"""bake-catalog: lists, searches, plans and profiles, as a person and as a program sees them.

golden/catalog has what each command prints, at two widths and as JSON. BAKE_GOLDEN=write writes it anew:
then read the difference before it is committed.
"""
import json
import os
import pathlib
import random
import re
import threading

import pytest

from conftest import ROOT, TOOLS, environment, fails, noise, ok, run
from terminal import Session

GOLDEN = pathlib.Path(__file__).parent / "golden/catalog"
SHA = "ab" * 32

# What must not reach a terminal: colours, a link (OSC 8), a title (OSC 0), C1 controls, bidi marks.
HOSTILE = ("red\x1b[31mred \x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\ \x1b]0;title\x07 "
           "\x9b31m \u202egpj.exe\u202c \u2066isolated\u2069 \u200bhidden\r\b")
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def model(name, size=None, sha256=None, **fields):
    file = {"name": name, **({"size": size} if size is not None else {}),
            **({"sha256": sha256} if sha256 else {})}
    return {"source": {"hub": "org/name", "revision": "main"}, "files": [file],
            "required": False, **fields}


TALK = {"schema": "bake.manifest/1", "name": "talk", "title": "Models that talk", "models": {
    "llama-3.2-3b-instruct": model(
        "llama-3.2-3b-instruct-q4_k_m.gguf", 2019373920, SHA, title="Llama 3.2 3B Instruct (Q4_K_M)",
        description="Recommended: fast, efficient, 4-bit quantized", role="chat", category="chat",
        default=True, priority=1, min_ram="4GB", tags=["chat", "recommended"],
        aliases=["llama3_2_3b_instruct"], path="chat"),
    "qwen2.5-vl-3b-instruct": model(
        "Qwen2.5-VL-3B-Instruct-Q5_K_M.gguf", title="Qwen2.5-VL 3B Instruct",
        description="Vision-language model for image understanding", role="vision",
        category="vision-language", default=True, priority=1, min_ram="6GB",
        tags=["vision", "image"], path="vision"),
    "qwen3-embedding-0.6b": model(
        "Qwen3-Embedding-0.6B-Q8_0.gguf", 639150592, SHA, title="Qwen3 Embedding 0.6B (Q8_0)",
        role="embedding", category="embedding", priority=1, min_ram="2GB",
        tags=["embedding", "essential"], path="embedding"),
    "shared": model("shared.gguf", 1000, title="Shared id, of talk", category="code", path="code"),
}, "profiles": {"default": ["llama-3.2-3b-instruct", "qwen2.5-vl-3b-instruct"],
                "small": ["qwen3-embedding-0.6b"]}}

DRAW = {"schema": "bake.manifest/1", "name": "draw", "models": {
    "sdxl-base-1.0": model(
        "sd_xl_base_1.0.safetensors", 6938078334, SHA, title="Stable Diffusion XL Base 1.0",
        description="General purpose checkpoint", role="base", category="checkpoints", default=True,
        priority=1, aliases=["SDXL Base"], path="checkpoints"),
    "sdxl-vae": model("sdxl_vae.safetensors", 334641164, SHA, title="SDXL VAE", role="vae",
                      category="vae", default=True, priority=2, path="vae"),
    "t5-xxl-fp16": model("t5xxl_fp16.safetensors", 9787841024, title="T5-XXL FP16",
                         category="text_encoders", priority=3, path="text_encoders"),
    "t5-xxl-q4-k-s": model("t5-v1_1-xxl-encoder-Q4_K_S.gguf", 2740000000, title="T5-XXL Q4_K_S",
                           category="text_encoders", priority=3, path="text_encoders"),
    "a-style": model("style.safetensors", title="A style", category="loras", path="loras"),
    "canny": model("canny.safetensors", 5004167864, title="ControlNet Canny", category="controlnet",
                   path="controlnet"),
    "odd": model("odd.bin", 12, title="Something else", category="Tools & Toys", path="odd"),
    "shared": model("shared.bin", 2000, title="Shared id, of draw", category="motion", path="motion"),
}, "profiles": {"default": ["sdxl-base-1.0", "sdxl-vae"]}}


class Desk:
    """A working directory with manifests and a models directory."""

    def __init__(self, path):
        self.path, self.models = path, path / "models"
        (path / "manifests").mkdir()

    def write(self, *manifests):
        for manifest in manifests:
            (self.path / f"manifests/{manifest['name']}.json").write_text(json.dumps(manifest))
        return self

    def put(self, name, size):
        path = self.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)

    def run(self, *args, **env):
        return run("bake-catalog", *args, cwd=self.path, env={"MODEL_CACHE_DIR": "models", **env})

    def ids(self, *args):
        return [one["key"] for one in ok(self.run(*args, "--json")).json["models"]]


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path).write(TALK, DRAW)
    desk.put("chat/llama-3.2-3b-instruct-q4_k_m.gguf", 2019373920)
    desk.put("vae/sdxl_vae.safetensors", 1000)
    return desk


COMMANDS = {
    "list": ["list"],
    "list-verbose": ["list", "-v", "--recommended"],
    "search": ["search", "sdxl"],
    "recommend": ["recommend", "--disk", "20GB", "--quota", "50GB"],
    "recommend-device": ["recommend", "--disk", "40GB", "--tier", "mid", "--all"],
    "profiles": ["profiles"],
    "profile": ["profiles", "draw/default"],
}


def compare(name, text):
    path = GOLDEN / name
    if os.environ.get("BAKE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("columns", [80, 132])
@pytest.mark.parametrize("name", COMMANDS)
def test_golden(desk, name, columns):
    out = ok(desk.run(*COMMANDS[name], COLUMNS=columns)).out
    assert max(map(len, out.splitlines())) <= columns
    compare(f"{name}-{columns}.txt", out)


@pytest.mark.parametrize("name", COMMANDS)
def test_golden_json(desk, name):
    result = ok(desk.run(*COMMANDS[name], "--json"))
    assert result.json["ok"] is True
    compare(f"{name}.json", result.out)


# ---- list

@pytest.mark.parametrize("args, found", [
    (["--category", "VAE"], ["sdxl-vae"]),
    (["--category", "text encoders"], ["t5-xxl-fp16", "t5-xxl-q4-k-s"]),
    (["--category", "tools-and-toys"], None),
    (["--category", "tools toys"], ["odd"]),
    (["--format", "GGUF", "--use", "chat"], ["llama-3.2-3b-instruct"]),
    (["--tag", "Vision"], ["qwen2.5-vl-3b-instruct"]),
    (["--use", "rag"], ["qwen3-embedding-0.6b"]),
    (["--recommended"], ["llama-3.2-3b-instruct", "qwen2.5-vl-3b-instruct", "qwen3-embedding-0.6b",
                         "sdxl-base-1.0", "sdxl-vae"]),
    (["--installed"], ["llama-3.2-3b-instruct"]),
    (["--installed", "--use", "image"], []),
], ids=lambda value: " ".join(value or ["-"]))
def test_list_filters(desk, args, found):
    if found is None:
        fails(desk.run("list", *args), 64, "usage.value")
    else:
        assert desk.ids("list", *args) == found


def test_a_slip_in_a_filter_is_an_error_with_a_hint(desk):
    assert "checkpoints" in fails(desk.run("list", "--category", "chekpoints"), 64, "usage.value").err
    assert "gguf" in fails(desk.run("list", "--format", "gugf"), 64, "usage.value").err
    fails(desk.run("recommend", "--use", "nothing"), 64, "usage.value")


def test_groups_come_in_the_order_of_people(desk):
    out = ok(desk.run("list")).out
    assert re.findall(r"^(\S[^:\n]*): \d+ model", out, re.M) == [
        "chat", "code", "vision-language", "embedding", "checkpoints", "VAE", "text encoders",
        "LoRA", "ControlNet", "motion", "Tools & Toys"]


def test_one_id_in_two_manifests_is_called_by_both(desk):
    assert {"talk/shared", "draw/shared"} <= set(desk.ids("list"))
    assert desk.ids("list", "-m", "manifests/talk.json").count("shared") == 1


GROUPS_OF_MANY = ["chat", "embedding", "vae", "loras"]


def many(name, count):
    """Models whose ids, titles and priorities come in no order; each seventh id is one of all manifests."""
    generator = random.Random(name)
    models = {}
    for number in generator.sample(range(count), count):
        own = f"all-{number:05d}" if number % 7 == 0 else f"{name}-{number:05d}"
        title = f"{generator.choice(['Model', 'model', 'MODEL of', 'Other'])} {generator.randint(1, 300)}"
        models[own] = model(f"{own}.Q4_K_M.gguf", generator.randint(1, 10**10), SHA, title=title,
                            category=generator.choice(GROUPS_OF_MANY), path=name, tags=[f"tag{number}"],
                            priority=generator.randint(1, 9), default=generator.random() < 0.1)
    return {"schema": "bake.manifest/1", "name": name, "models": models}


def in_order(*manifests):
    """Keys as the list has them: by group, priority, default first, title, key."""
    ids = [own for manifest in manifests for own in manifest["models"]]
    rows = [(GROUPS_OF_MANY.index(one["category"]), one["priority"], not one["default"], one["title"].lower(),
             f"{manifest['name']}/{own}" if ids.count(own) > 1 else own)
            for manifest in manifests for own, one in manifest["models"].items()]
    return [row[-1] for row in sorted(rows)]


def test_thousands_are_listed_and_found(tmp_path):
    """More than is read, sorted, searched and printed in one piece, for each of these."""
    manifests = many("first", 2700), many("second", 2900)
    desk = Desk(tmp_path).write(*manifests)
    expected = in_order(*manifests)
    assert desk.ids("list") == expected
    rows = re.findall(r"^[*+ ] ((?:first/|second/)?\w+-\d{5})  ", ok(desk.run("list", COLUMNS="200")).out, re.M)
    assert rows == expected
    for manifest in manifests:
        for number in (1, 2559, 2560, 2561, 2699):
            own = next(own for own in manifest["models"] if own.endswith(f"-{number:05d}"))
            name = f"{manifest['name']}/{own}" if own.startswith("all-") else own
            assert name in desk.ids("search", "-n", "65536", f"tag{number}")
            assert desk.ids("search", f"{manifest['name']} {number:05d}")[0] == name
    found = ok(desk.run("search", "--json", "-n", "65536", "q4")).json["models"]
    assert sorted(one["key"] for one in found) == sorted(expected)
    ranks = [(-one["score"], expected.index(one["key"])) for one in found]
    assert ranks == sorted(ranks)


def test_a_size_nobody_pinned_is_not_known(desk):
    [style] = [one for one in ok(desk.run("list", "--json")).json["models"] if one["id"] == "a-style"]
    assert "bytes" not in style and style["pins"] == "none"
    assert re.search(r"^  a-style .* \? .* -$", ok(desk.run("list")).out, re.M)


def test_what_is_here_has_its_size_and_is_no_link(desk):
    def state(name):
        return {one["id"]: one for one in ok(desk.run("list", "--json")).json["models"]}[name]["status"]

    assert state("sdxl-vae") == "partial"
    desk.put("vae/sdxl_vae.safetensors", 334641164)
    assert state("sdxl-vae") == "installed"
    (desk.models / "vae").rename(desk.models / "elsewhere")
    (desk.models / "vae").symlink_to("elsewhere")
    assert state("sdxl-vae") == "absent"
    (desk.models / "canny.safetensors").mkdir()
    assert state("canny") == "absent"


def test_without_a_models_directory_nothing_is_here(desk):
    assert desk.ids("list", "--installed", "-d", "none") == []


# ---- where the documents are

def test_manifests_are_named_or_found(desk, tmp_path):
    (tmp_path / "manifests/other.json").write_text('{"schema": "bake.events/1"}')
    (tmp_path / "manifests/.hidden.json").write_text("nothing")
    assert len(desk.ids("list")) == 12
    assert len(desk.ids("list", "-m", "manifests/draw.json")) == 8
    assert len(desk.ids("list", "-m", "manifests/draw.json", "-m", "manifests")) == 12
    # The same bytes count once, whatever the file is called; as many other bytes are another document.
    draw = (tmp_path / "manifests/draw.json").read_text()
    copy = tmp_path / "manifests/copy.json"
    copy.write_text(draw)
    assert len(desk.ids("list")) == 12
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[draw], daemon=True)
    writer.start()
    assert len(desk.ids("list", "-m", "pipe", "-m", "manifests/draw.json")) == 8  # read once, as a pipe is
    writer.join()
    copy.write_text(draw.replace("SDXL VAE", "SDXL vae"))
    assert len(desk.ids("list")) == 20
    copy.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = run("bake-catalog", "list", "--json", cwd=elsewhere,
              env={"MODEL_CACHE_DIR": "models", "BAKE_MANIFESTS": tmp_path / "manifests"})
    assert len(ok(out).json["models"]) == 12
    nothing = run("bake-catalog", "list", cwd=elsewhere, env={"MODEL_CACHE_DIR": "models"})
    fails(nothing, 66, "catalog.nothing")


def test_what_is_wrong_with_a_manifest_is_said(desk, tmp_path):
    fails(desk.run("list", "-m", "none.json"), 66, "fs.not-found")
    (tmp_path / "manifests/broken.json").write_text('{"schema": "bake.manifest/1", "name": ')
    assert "broken.json" in fails(desk.run("list"), 65, "json.syntax").err
    fails(desk.run("list", "-m", "manifests/talk.json", "-l", "none"), 66, "fs.not-found")
    fails(desk.run("list", "-m", "manifests/talk.json", "--index", "none"), 66, "fs.not-found")


def test_a_damaged_lock_or_index_says_less_and_warns(desk, tmp_path):
    (tmp_path / "manifests/talk.lock.json").write_text("{")
    result = desk.run("list", "--json")
    assert result.code == 0 and "warning: manifests/talk.lock.json" in result.err
    assert len(result.json["models"]) == 12
    (tmp_path / "manifests/talk.lock.json").unlink()
    (desk.models / "model-info.json").write_text("{")
    assert "warning: models/model-info.json" in desk.run("list", "--json").err


def test_pins_count_as_long_as_they_answer_the_manifest(place):
    place.hub.add("org/name", {"w-Q4_K_M.gguf": noise(3000)})
    models = {"m": {"source": {"hub": "org/name", "revision": "main"}, "path": "m"}}
    place.locked(models)

    def entry(*args):
        [one] = ok(run("bake-catalog", "list", "--json", "-m", place.manifest, "-d", place.models,
                       *args)).json["models"]
        return one

    assert entry()["pins"] == "lock" and entry()["bytes"] == 3000
    assert entry()["quantization"] == "Q4_K_M" and entry()["status"] == "absent"
    ok(place.fetch())
    assert entry()["status"] == "installed" and entry()["local_bytes"] == 3000
    moved = place.lock_path.rename(place.path / "elsewhere.json")
    assert entry()["pins"] == "none" and "bytes" not in entry()
    assert entry("-l", moved)["pins"] == "lock" and entry("-l", moved)["lock_path"] == str(moved)
    models["m"]["include"] = ["*.gguf"]  # other bytes may answer that
    place.write(models)
    assert entry("-l", moved)["pins"] == "none"


def test_in_an_image_the_index_is_the_catalog(place):
    place.hub.add("org/name", {"w-Q4_K_M.gguf": noise(3000)})
    place.baked({"m": {"source": {"hub": "org/name", "revision": "main"}, "path": "m",
                       "title": "The model", "category": "chat"}}, profiles={"p": ["m"]})
    empty = place.path / "empty"
    empty.mkdir()
    result = run("bake-catalog", "list", "--json", "-d", place.models, cwd=empty)
    [entry] = ok(result).json["models"]
    assert entry["title"] == "The model" and entry["status"] == "installed"
    assert entry["bytes"] == 3000 and entry["manifest"] == "test"
    assert "m" in ok(run("bake-catalog", "search", "model", "-d", place.models, cwd=empty)).out
    ok(run("bake-catalog", "profiles", "-d", place.models, cwd=empty))


# ---- search

@pytest.mark.parametrize("query, first", [
    ("SDXL Base", "sdxl-base-1.0"), ("sdxl", "sdxl-base-1.0"), ("qwen vl", "qwen2.5-vl-3b-instruct"),
    ("lama 3.2", "llama-3.2-3b-instruct"), ("llama3_2_3b_instruct", "llama-3.2-3b-instruct"),
    ("real-esrgan", "real-esrgan-x4plus"), ("canny", "controlnet-canny-sdxl"),
    ("t5 fp8", "t5-xxl-fp8-scaled"), ("chroma", "chroma-v48"), ("moondrem", "moondream2"),
    ("code llama", "codellama-13b-instruct"), ("mistral 7b", "mistral-7b-instruct-v0.2"),
    ("flux schnell gguf", "flux-1-schnell-q4-0"), ("easy negative", "easynegative-v2"),
    ("ip adapter plus", "ip-adapter-plus-sdxl"), ("nunchaku 8 steps", "nunchaku-int4-r128-8steps"),
])
def test_search_finds_what_a_person_means(query, first):
    """In the manifests that are shipped."""
    result = run("bake-catalog", "search", *query.split(), "--json", "-d", "none", cwd=ROOT)
    assert ok(result).json["models"][0]["id"] == first


def test_nothing_found_is_69_with_the_nearest_names(desk):
    result = fails(desk.run("search", "sdxl", "refiner"), 69, "catalog.not-found")
    assert "sdxl-base-1.0" in result.err and result.out == ""
    assert "bake-catalog list" in fails(desk.run("search", "xyzzy"), 69, "catalog.not-found").err
    report = desk.run("search", "xyzzy", "--json").json
    assert report["error"] == "catalog.not-found" and report["exit_code"] == 69
    fails(desk.run("search"), 64, "usage.arguments")
    fails(desk.run("search", *"abcdefghijklmnopqrs"), 64, "usage.value")
    fails(desk.run("search", "x" * 3000), 64, "usage.value")


def test_search_is_limited_and_filtered(desk):
    assert "and 1 more: --limit N" in ok(desk.run("search", "sdxl", "-n", "1")).out
    assert desk.ids("search", "sdxl", "--category", "vae") == ["sdxl-vae"]
    assert desk.run("search", "sdxl", "-n", "1", "--json").json["found"] == 2


# ---- recommend

def plan(desk, *args):
    report = ok(desk.run("recommend", "--json", *args)).json
    return report, {one["key"]: one for one in report["models"]}


def test_a_quota_counts_what_is_there(desk):
    report, models = plan(desk, "--disk", "100GB", "--quota", "10GB")
    assert report["used"] == 2019373920 + 1000
    assert report["available"] == 10_000_000_000 - report["used"]
    assert report["budget"] == report["available"] * 80 // 100
    assert models["llama-3.2-3b-instruct"]["verdict"] == "here"
    assert models["sdxl-base-1.0"]["verdict"] == "space"
    assert models["sdxl-vae"]["in"] and models["sdxl-vae"]["fetch_bytes"] == 334641164 - 1000
    report, models = plan(desk, "--disk", "0", "--quota", "10GB")
    assert report["chosen"] == 0 and report["budget"] == 0


def test_free_space_is_that_of_the_directory_above(desk):
    report, _ = plan(desk, "-d", "none/of/these")
    here = os.statvfs(desk.path)
    assert abs(report["free"] - here.f_bavail * here.f_frsize) < 1 << 30


def test_a_tier_is_memory(desk):
    _, models = plan(desk, "--disk", "100GB", "--tier", "budget", "--use", "vision")
    assert models["qwen2.5-vl-3b-instruct"]["verdict"] == "ram"
    report, _ = plan(desk, "--disk", "100GB", "--ram", "8GB")
    assert report["device"]["tier"] == "mid" and report["device"]["context"] == 4096
    fails(desk.run("recommend", "--tier", "mid", "--ram", "8GB"), 64, "usage.conflict")
    fails(desk.run("recommend", "--yes"), 64, "usage.conflict")
    fails(desk.run("recommend", "--share", "0"), 64, "usage.value")


def test_a_context_needs_memory_of_what_is_known(place):
    """The demo's chat model has its architecture in the index once it is baked."""
    lock = ROOT / "manifests/demo.lock.json"
    ok(run("bake-fetch", "-q", "-l", lock, "-d", place.models))
    ok(run("bake-index", "build", "-l", lock, "-d", place.models))
    index = json.loads((place.models / "model-info.json").read_text())
    [chat] = [one for one in index["models"] if one["id"] == "demo-chat"]
    longest = chat["architecture"]["context_length"]
    (place.models / "chat/demo-chat-Q8_0.gguf").unlink()

    def judged(*args):
        report = ok(run("bake-catalog", "recommend", "--json", "--disk", "1GB", "--use", "chat",
                        "-m", ROOT / "manifests/demo.json", "-d", place.models, *args)).json
        [one] = report["models"]
        return one

    assert judged("--context", longest)["in"]
    assert judged("--context", longest)["memory_bytes"] > judged()["memory_bytes"]
    assert judged("--context", longest + 1)["verdict"] == "context"


# ---- fetching

@pytest.fixture
def demo(tmp_path):
    def recommend(*args, **options):
        return run("bake-catalog", "recommend", "-m", ROOT / "manifests/demo.json", "-d",
                   tmp_path / "models", "--disk", "1GB", *args, **options)
    recommend.chat = tmp_path / "models/chat/demo-chat-Q8_0.gguf"
    recommend.models = tmp_path / "models"
    return recommend


def test_fetch_goes_on_to_fetch(demo):
    result = ok(demo("--fetch", "--yes"))
    assert "in    demo-chat" in result.out and "bake-fetch" not in result.out
    assert demo.chat.stat().st_size > 1000
    assert "here  demo-chat" in ok(demo("--fetch", "--yes")).out


def test_fetch_as_json_is_one_document(demo):
    report = ok(demo("--fetch", "-y", "--json", "--all")).json
    assert report["fetched"] is True and report["chosen"] == 3
    assert ok(run("bake-verify", "-l", ROOT / "manifests/demo.lock.json", "-d", demo.models))


def test_fetch_asks_nobody_when_nobody_is_there(demo):
    assert "--yes" in fails(demo("--fetch"), 64, "catalog.unconfirmed").err
    report = demo("--fetch", "--json").json
    assert report["error"] == "catalog.unconfirmed" and report["fetched"] is False
    assert not demo.models.exists()


@pytest.mark.parametrize("answer, fetched", [("y", True), ("yes", True), ("n", False), ("", False),
                                             ("yess", False)])
def test_fetch_asks_on_a_terminal(demo, answer, fetched):
    command = [TOOLS / "bake-catalog", "recommend", "-m", ROOT / "manifests/demo.json", "-d",
               demo.models, "--disk", "1GB", "--fetch"]
    session = Session(command, environment(TERM="dumb"))
    session.wait_for(r"Fetch 1 model, 17\.0 kB\? \[y/N\]", seconds=20)
    os.write(session.fd, f"{answer}\n".encode())
    assert session.end() == 0
    assert demo.chat.exists() == fetched


def test_fetch_needs_pins(desk):
    result = fails(desk.run("recommend", "--fetch", "--yes", "--disk", "100GB"), 78, "catalog.unlocked")
    assert "bake-lock manifests/" in result.err


def test_a_failed_fetch_is_a_failure(place):
    place.hub.add("org/name", {"w.gguf": noise(3000)})
    place.locked({"m": {"source": {"hub": "org/name", "revision": "main"}, "path": "m",
                        "default": True}})
    args = ["-m", place.manifest, "-d", place.models, "--fetch", "--yes"]
    result = run("bake-catalog", "recommend", *args, env={"HF_HUB_OFFLINE": "1"})
    assert result.code == run("bake-fetch", "-l", place.lock_path, "-d", place.models,
                              env={"HF_HUB_OFFLINE": "1"}).code != 0
    assert [name for name, _ in result.errors][-1] == "catalog.fetch"


# ---- profiles

def test_profiles_say_what_of_them_is_here(desk):
    report = ok(desk.run("profiles", "--json")).json
    profiles = {one["key"]: one for one in report["profiles"]}
    assert list(profiles) == ["draw/default", "talk/default", "small"]
    assert profiles["talk/default"]["installed"] == 1 and profiles["talk/default"]["unknown_sizes"] == 1
    assert profiles["draw/default"]["partial"] == 1
    assert ok(desk.run("profiles", "small", "--json")).json["bytes"] == 639150592


def test_a_profile_that_is_not_there(desk):
    assert "small" in fails(desk.run("profiles", "smal"), 69, "catalog.not-found").err
    assert "default" in fails(desk.run("profiles", "default"), 64, "usage.arguments").err


# ---- hostile text

@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("args", [["list"], ["list", "-v"], ["search", "evil", "-v"],
                                  ["search", "m\x1b[31m\u202e"],
                                  ["recommend", "--disk", "1GB"], ["recommend", "--use", "\x1b[2J\u202e"],
                                  ["profiles"], ["profiles", "p", "-v"], ["list", "--tag", "\x1b[2J\u202e"]],
                         ids=lambda args: "-".join(args).encode("ascii", "replace").decode())
def test_hostile_text_is_inert(tmp_path, args, locale):
    desk = Desk(tmp_path).write({
        "schema": "bake.manifest/1", "name": "evil", "title": HOSTILE, "profiles": {"p": ["m"]},
        "models": {"m": model("w.gguf", 10, SHA, title=HOSTILE, description=HOSTILE, default=True,
                              category=HOSTILE, role=HOSTILE, tags=[HOSTILE], aliases=[HOSTILE],
                              license=HOSTILE, path="m")}})
    for columns in (80, 200):
        result = desk.run(*args, COLUMNS=columns, LC_ALL=locale)
        assert not HARMFUL.search(result.out) and not HARMFUL.search(result.err), result
    result = desk.run(*args, "--json", LC_ALL=locale)
    # In JSON a character of no width may stand for itself.
    assert not HARMFUL.search(result.out.replace("\u200b", "")), result.raw
    for one in result.json.get("models", []):
        if isinstance(one, dict):
            assert one["title"] == HOSTILE  # the same text, written without the characters


def test_lines_fit_whatever_the_texts(tmp_path):
    wide = "\u901a\u4e49 \U0001f600 e\u0301 " * 60
    desk = Desk(tmp_path).write({
        "schema": "bake.manifest/1", "name": "n", "models": {
            f"m{n}" + "-long" * n: model("w.gguf", 10, title=wide, description=wide, category="chat",
                                         path=f"m{n}") for n in range(24)}})
    for columns in (80, 100, 140, 300):
        for args in (["list", "-v"], ["search", "long", "-v"]):
            for line in ok(desk.run(*args, COLUMNS=columns)).out.splitlines():
                width = sum(0 if char == "\u0301" else 2 if ord(char) > 0x1100 else 1 for char in line)
                assert width <= columns, line
