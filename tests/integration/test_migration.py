# SPDX-License-Identifier: Apache-2.0
"""docs/MIGRATION.md promises commands: each of them is run, with the data they are about."""
import json
import re
import shlex

import pytest

from conftest import ROOT, hub_model, ok, run
from test_estimate import llama
from test_registry import entry
from weights import model as image_model, write_st

TEXT = (ROOT / "docs/MIGRATION.md").read_text()
# The second cell of each row, when it is a command.
COMMANDS = [match[1] for match in re.finditer(r"^\|[^|]*\| `((?:bake|verify_models)[^`]*)` \|", TEXT, re.M)]
NOT_RUN = ["bake"]  # the menu: test_menu.py


def shipped(name, model):
    return json.loads((ROOT / f"manifests/{name}.json").read_text())["models"][model]


@pytest.fixture
def place(tmp_path, hub):
    """A directory as the table has it: manifests with locks, models, files to convert and import."""
    sdxl, chat = shipped("comfyui", "sdxl-base-1.0"), shipped("lumara", "llama-3.2-3b-instruct")
    weights = write_st(tmp_path / "sdxl.safetensors", image_model("sdxl")).read_bytes()
    hub.add("org/sdxl", {"sd_xl_base_1.0.safetensors": weights})
    hub.add("org/llama", {"llama.gguf": llama()})
    hub.add("org/fast", {"chroma.gguf": llama(context_length=2048)})
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    for name, models in {
            "comfyui": {"sdxl-base-1.0": hub_model(
                "org/sdxl", path="sdxl", category="checkpoints", aliases=sdxl["aliases"]),
                "chroma": hub_model("org/fast", path="chroma", category="checkpoints", title="Chroma")},
            "lumara": {"llama-3.2-3b-instruct": hub_model(
                "org/llama", path="llama", category="chat", default=True, aliases=chat["aliases"])}}.items():
        (manifests / f"{name}.json").write_text(json.dumps(
            {"schema": "bake.manifest/1", "name": name, "models": models}))
        ok(run("bake-lock", manifests / f"{name}.json", "--endpoint", hub.origin, "--allow-http"))
    return tmp_path


def settings(place, hub):
    return {"MODEL_CACHE_DIR": place / "models", "HF_ENDPOINT": hub.origin, "BAKE_STATE_DIR": place / "state"}


def bake(place, hub):
    """Everything of both manifests in one models directory, with an index."""
    env = settings(place, hub)
    for name in ("comfyui", "lumara"):
        ok(run("bake-fetch", "-l", f"manifests/{name}.lock.json", "--all", "--allow-http", env=env, cwd=place))
    merged = {"schema": "bake.manifest/1", "name": "all", "models": {}}
    for name in ("comfyui", "lumara"):
        merged["models"] |= json.loads((place / f"manifests/{name}.json").read_text())["models"]
    (place / "all.json").write_text(json.dumps(merged))
    ok(run("bake-lock", "all.json", "--endpoint", hub.origin, "--allow-http", cwd=place))
    ok(run("bake-index", "build", "-l", "all.lock.json", env=env, cwd=place))


def supply(place, command):
    """The files that a command names."""
    model = (place / "sdxl.safetensors").read_bytes()
    if "models_dir" in command:
        (place / "models_dir").mkdir()
        (place / "models_dir/model.safetensors").write_bytes(model)
    if "model.safetensors" in command:
        (place / "model.safetensors").write_bytes(model)
    if "model.gguf" in command:
        (place / "model.safetensors").write_bytes(model)
        ok(run("bake-convert", "model.safetensors", "-q", "Q8_0", "-o", "model.gguf", cwd=place))
        (place / "model.safetensors").unlink()
    if "registry.json" in command:
        (place / "registry.json").write_text(json.dumps([entry("one", str(place / "models/llama"))]))
    if "metrics.jsonl" in command:
        (place / "metrics.jsonl").write_text(json.dumps(
            {"timestamp": 1, "model": "llama-3.2-3b-instruct", "backend": "vllm",
             "payload": {"source": "vllm-manager", "metrics": {"configured_max_model_len": 8192}}}) + "\n")
    if "download_history.json" in command:
        (place / "download_history.json").write_text(json.dumps({"downloads": [
            {"model_name": "SDXL", "url": "https://example.org/x", "destination": "/x", "size_bytes": 5,
             "download_time": 1.5, "timestamp": "2025-08-31T10:00:00", "status": "completed"}],
            "statistics": {"total_downloads": 0, "successful_downloads": 1, "failed_downloads": 0,
                           "total_bytes_downloaded": 5}}))
    if "models_catalog.json" in command:
        (place / "models_catalog.json").write_text(json.dumps({"categories": {"vae": {
            "description": "VAE", "storage_priority": 1, "models": {"sdxl_vae": {"safetensors": {
                "name": "SDXL VAE", "url": "https://huggingface.co/stabilityai/sdxl-vae/resolve/main/sdxl_vae.safetensors",
                "format": "safetensors", "size": "335 MB", "size_bytes": 351272960, "category": "vae",
                "description": "", "tags": [], "use_case": [], "recommended": True}}}}}}))


def test_the_table_is_read():
    assert len(COMMANDS) > 25 and not set(NOT_RUN) - set(COMMANDS)
    documented = (ROOT / "docs/MIGRATION.md").read_text()
    for option in ("--interactive", "--search", "--list", "--category", "--format", "--recommended", "--download",
                   "--storage-info", "--create-symlinks", "--bandwidth-limit", "--max-concurrent", "--info",
                   "--batch", "--optimize", "download-defaults", "migrate-architecture", "reconcile-architecture"):
        assert option in documented, option


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in NOT_RUN])
def test_command(place, hub, command):
    words = shlex.split(command)
    if not words[1:2] or words[1] not in ("download", "fetch", "download-defaults", "convert", "import"):
        bake(place, hub)
    supply(place, command)
    if words == ["bake", "download-defaults"]:
        words.append("-y")  # nobody answers here; test_bake.py asks on a terminal
    if words[1:2] and words[1] in ("download", "download-defaults", "fetch"):
        words.append("--allow-http")
    result = run(*words, env=settings(place, hub), cwd=place)
    if words[1:2] == ["import"] and result.code == 24:
        return  # what is doubtful was told
    ok(result)
