# SPDX-License-Identifier: Apache-2.0
"""Registries of model loaders, what servers measured, and how engines are to run a model."""
import copy
import json
import struct

import jsonschema
import pytest

from conftest import ROOT, fails, hub_model, ok, run

CONFIG = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 2560, "head_dim": 128,
    "intermediate_size": 9728, "max_position_embeddings": 40960, "rope_theta": 1000000,
    "vocab_size": 151936, "torch_dtype": "bfloat16",
}


def safetensors(tensors):
    header, data = {}, b""
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data),
                                                                        len(data) + size]}
        data += bytes(size)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def gguf(architecture, **keys):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()
    pairs = [("general.architecture", architecture)]
    pairs += [(f"{architecture}.{key}", value) for key, value in keys.items()]
    out = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs))
    for key, value in pairs:
        out += text(key)
        out += (struct.pack("<I", 8) + text(value) if isinstance(value, str)
                else struct.pack("<II", 4, value))
    out += text("token_embd.weight") + struct.pack("<IQIQ", 1, 8, 0, 0)
    return out + bytes(-len(out) % 32) + bytes(32)


WEIGHTS = safetensors({"model.embed_tokens.weight": ("BF16", [4, 8], 64)})
GGUF = gguf("qwen2", block_count=24, embedding_length=896, context_length=32768,
            **{"attention.head_count": 14, "attention.head_count_kv": 2})


def entry(name, path, **more):
    """An entry as the loader writes it; many of its keys are nothing to us."""
    return {
        "name": name, "display_name": name.title(), "backend": "vllm",
        "backend_config": {"port": 8001, "model_path": None, "extra_args": [
            "--max-model-len", "4096", "--tensor-parallel-size", "1"], "host": "localhost",
            "base_url": None},
        "capabilities": {"vision": False, "text": True}, "generation_defaults": {
            "temperature": 0.1, "top_p": 1e-05, "stop_sequences": ["\u00e9\u4e2d", "</s>"]},
        "artifacts": {"aggregate_sha256": "", "files": []}, "probes": {"vision": None},
        "metadata": {"family": "qwen", "big": 9007199254740993}, "roles": ["caption"],
        "x-unknown": {"b": 1, "a": [1, 2.5, None, True]}, "download_path": path,
        "last_accessed": None, **more}


@pytest.fixture
def models(tmp_path):
    config = tmp_path / "store/qwen3"
    config.mkdir(parents=True)
    (config / "config.json").write_text(json.dumps(CONFIG))
    (config / "model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "store/chat").mkdir()
    (tmp_path / "store/chat/chat-q4.gguf").write_bytes(GGUF)
    return tmp_path / "store"


@pytest.fixture
def registry(tmp_path, models):
    path = tmp_path / "model_registry.json"
    write(path, [entry("qwen3", str(models / "qwen3")), entry("chat", "store/chat"),
                 entry("gone", str(tmp_path / "nowhere")), entry("api", None)])
    return path


def write(path, value):
    path.write_text(json.dumps(value, indent=2))


def read(path):
    return json.loads(path.read_text())


def without_architecture(entries):
    entries = copy.deepcopy(entries)
    for item in entries:
        item["metadata"].pop("architecture", None)
    return entries


def order(value):
    """The names of all members, in their order."""
    if isinstance(value, dict):
        return [(key, order(item)) for key, item in value.items()]
    return [order(item) for item in value] if isinstance(value, list) else None


# migrate


def test_migrate_fills_architectures_and_keeps_the_rest(registry):
    before = read(registry)
    result = ok(run("bake-index", "migrate", registry))
    after = read(registry)
    assert without_architecture(after) == before
    assert order(without_architecture(after)) == order(before)
    architecture = after[0]["metadata"]["architecture"]
    assert architecture["num_layers"] == 36
    assert architecture["head_dim"] == 128  # not 2560 / 32
    assert architecture["num_kv_heads"] == 8
    assert architecture["field_sources"]["num_layers"].startswith("config:config.json")
    assert architecture["collected_at"].endswith("Z")
    assert str(registry.parent) not in json.dumps(architecture)
    chat = after[1]["metadata"]["architecture"]
    assert (chat["num_layers"], chat["context_length"]) == (24, 32768)  # qwen2.*, not llama.*
    assert "architecture" not in after[2]["metadata"]
    lines = {line.split()[1]: line.split()[0] for line in result.out.splitlines()[:4]}
    assert lines == {"qwen3": "updated", "chat": "updated", "gone": "missing", "api": "unplaced"}


def test_migrate_twice_writes_once(registry):
    ok(run("bake-index", "migrate", registry))
    text, stat = registry.read_bytes(), registry.stat()
    result = ok(run("bake-index", "migrate", registry))
    assert registry.read_bytes() == text
    assert registry.stat().st_ino == stat.st_ino
    assert "stays as it is" in result.out


def test_migrate_dry_run_is_right(registry):
    text = registry.read_bytes()
    dry = ok(run("bake-index", "migrate", registry, "--dry-run", "--json")).json
    assert registry.read_bytes() == text
    assert dry["changed"] and dry["dry_run"]
    real = ok(run("bake-index", "migrate", registry, "--json")).json
    assert dry["entries"] == real["entries"]
    assert not ok(run("bake-index", "migrate", registry, "--dry-run", "--json")).json["changed"]


def test_migrate_limit(registry):
    result = ok(run("bake-index", "migrate", registry, "--limit", 1, "--json")).json
    assert [line["name"] for line in result["entries"]] == ["qwen3"]
    assert result["left"] == 3
    assert "architecture" not in read(registry)[1]["metadata"]


def test_migrate_merges_into_what_is_there(registry):
    entries = read(registry)
    entries[0]["metadata"]["architecture"] = {
        "num_layers": 35, "kv_precision": "fp8", "context_length": 8192, "head_dim": 80,
        "rope_theta": None, "own": [1], "runtime": {"runtime_context_tokens": 4096},
        "field_sources": {"context_length": "manual", "head_dim": "config:/abs/config.json",
                          "kv_precision": "manual"},
        "sources": ["config:/abs/config.json"], "warnings": ["of old"],
        "collected_at": "2025-01-01T00:00:00Z"}
    write(registry, entries)
    ok(run("bake-index", "migrate", registry))
    merged = read(registry)[0]["metadata"]["architecture"]
    assert merged["num_layers"] == 36
    assert merged["head_dim"] == 128
    assert merged["context_length"] == 8192  # a person said so
    assert merged["kv_precision"] == "fp8"
    assert merged["field_sources"]["context_length"] == "manual"
    assert merged["field_sources"]["head_dim"].startswith("config:config.json")
    assert merged["rope_theta"] == 1000000
    assert merged["own"] == [1]
    assert merged["runtime"] == {"runtime_context_tokens": 4096}
    assert merged["sources"][:2] == ["config:/abs/config.json", "config:config.json"]
    assert merged["warnings"][0] == "of old"
    assert merged["collected_at"] > "2025-01-01T00:00:00Z"
    assert list(merged)[:3] == ["num_layers", "kv_precision", "context_length"]


def test_migrate_keeps_a_record_that_is_all_manual(registry):
    entries = read(registry)
    entries[0]["metadata"]["architecture"] = {"num_layers": 35, "source": "manual"}
    write(registry, entries)
    ok(run("bake-index", "migrate", registry))
    merged = read(registry)[0]["metadata"]["architecture"]
    assert (merged["num_layers"], merged["hidden_size"]) == (35, 2560)


def test_migrate_leaves_a_broken_entry_as_it_is(registry):
    entries = read(registry)
    entries[0]["metadata"]["architecture"] = {"num_layers": 35, "warnings": "a text"}
    entries.insert(1, "no object")
    write(registry, entries)
    result = run("bake-index", "migrate", registry, "--json")
    assert result.code == 24
    lines = result.json["entries"]
    assert [line["outcome"] for line in lines] == [
        "failed", "failed", "updated", "missing", "unplaced"]
    after = read(registry)
    assert after[0]["metadata"]["architecture"]["num_layers"] == 35
    assert after[2]["metadata"]["architecture"]["num_layers"] == 24


@pytest.mark.parametrize("name, text, error", [
    ("an object", "{}", "registry.format"), ("no JSON", "[", "json.syntax"),
    ("another schema", '{"schema": "bake.lock/1", "models": []}', "registry.format"),
    ("a name twice", '[{"name": 1, "name": 2}]', "json.duplicate-key"),
])
def test_migrate_refuses(registry, name, text, error):
    registry.write_text(text)
    fails(run("bake-index", "migrate", registry), 65, error)
    assert registry.read_text() == text


def test_migrate_of_nothing(tmp_path):
    fails(run("bake-index", "migrate", tmp_path / "none.json"), 66, "fs.not-found")


@pytest.fixture
def baked(place, hub):
    hub.add("org/name", {"config.json": json.dumps(CONFIG).encode(),
                         "model.safetensors": WEIGHTS})
    place.baked({"qwen3": hub_model(path="llm/qwen3")})
    return place


def test_migrate_of_an_index(baked):
    index = baked.models / "model-info.json"
    value = read(index)
    value["models"][0].pop("architecture", None)
    write(index, value)
    ok(run("bake-index", "migrate", baked.models))
    architecture = read(index)["models"][0]["architecture"]
    assert architecture["num_layers"] == 36
    assert "collected_at" not in architecture  # the same lock gives the same file
    ok(baked.verify())


# reconcile


def line(model, served=None, args=None, when="2025-11-13T10:00:00+00:00", **metrics):
    return json.dumps({
        "timestamp": when, "model": model, "backend": "vllm", "served_model_id": served or model,
        "payload": {"source": "vllm-manager", "metrics": metrics, "extra_args": args or []}})


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join([
        line("qwen3", configured_max_model_len=4096, runtime_context_tokens=4096),
        "{not json", line("other", runtime_max_batch_size=1), "[]", '{"model": "x"}',
        '{"model": "x", "payload": {"metrics": 3}}', "",
        line("qwen3", args=["--max-model-len", "8192"], when="2025-11-13T11:00:00+00:00",
             configured_max_model_len=8192,
             gpu_memory_gib={"index": 0, "used": 13.25, "total": 15.99}),
    ]))
    return path


def test_reconcile_last_line_wins(baked, log):
    result = ok(run("bake-index", "reconcile", log, "-d", baked.models))
    assert "warning: 4 bad lines" in result.err and "line 2" in result.err
    value = read(baked.models / "model-info.runtime.json")
    assert value["schema"] == "bake.runtime/1"
    assert value["models"]["qwen3"]["runtime"] == {
        "configured_max_model_len": 8192,
        "gpu_memory_gib": {"index": 0, "used": 13.25, "total": 15.99},
        "extra_args_snapshot": ["--max-model-len", "8192"],
        "observed_at": "2025-11-13T11:00:00+00:00", "source": "vllm-manager"}
    assert value["models"]["other"]["runtime"]["runtime_max_batch_size"] == 1
    assert "other  (not in the index)" in result.out
    ok(baked.verify())  # it is no extra file


def test_reconcile_view_survives_a_rebuild(baked, log):
    ok(run("bake-index", "reconcile", log, "-d", baked.models))
    ok(baked.index())
    shown = ok(run("bake-index", "show", "-d", baked.models, "qwen3", "--json")).json
    assert shown["architecture"]["runtime"]["configured_max_model_len"] == 8192
    whole = ok(run("bake-index", "show", "-d", baked.models, "--json")).json
    assert whole["models"][0]["architecture"]["runtime"] == shown["architecture"]["runtime"]
    assert "runtime" not in baked.index_json["models"][0].get("architecture", {})
    text = ok(run("bake-index", "show", "-d", baked.models, "qwen3")).out
    assert "configured_max_model_len 8192" in text


def test_reconcile_dry_run_is_right(baked, log):
    runtime = baked.models / "model-info.runtime.json"
    dry = ok(run("bake-index", "reconcile", log, "-d", baked.models, "--dry-run", "--json")).json
    assert not runtime.exists()
    assert dry["changed"] and (dry["good_lines"], dry["bad_lines"]) == (3, 4)
    real = ok(run("bake-index", "reconcile", log, "-d", baked.models, "--json")).json
    assert dry["models"] == real["models"]
    assert [model["outcome"] for model in real["models"]] == ["new", "new"]
    before = runtime.read_bytes()
    again = ok(run("bake-index", "reconcile", log, "-d", baked.models, "--json")).json
    assert not again["changed"]
    assert [model["outcome"] for model in again["models"]] == ["unchanged", "unchanged"]
    log.write_text(line("qwen3", configured_max_model_len=2048))
    dry = ok(run("bake-index", "reconcile", log, "-d", baked.models, "--dry-run", "--json")).json
    assert runtime.read_bytes() == before
    [model] = dry["models"]
    assert model["outcome"] == "updated"
    assert "configured_max_model_len: 8192 -> 2048" in model["changes"]
    assert any(change.startswith("gpu_memory_gib: ") and change.endswith("-> nothing")
               for change in model["changes"])


def test_reconcile_by_the_served_name(baked, log):
    log.write_text(line("qwen3-on-vllm", served="qwen3", runtime_context_tokens=1))
    ok(run("bake-index", "reconcile", log, "-d", baked.models))
    assert list(read(baked.models / "model-info.runtime.json")["models"]) == ["qwen3"]


def test_reconcile_into_a_registry(registry, log):
    before = read(registry)
    result = ok(run("bake-index", "reconcile", log, "--registry", registry))
    after = read(registry)
    assert without_architecture(after) == before
    architecture = after[0]["metadata"]["architecture"]
    assert architecture["runtime"]["configured_max_model_len"] == 8192
    assert architecture["sources"] == ["runtime-log"]
    assert "unknown     other" in result.out
    text = registry.read_bytes()
    ok(run("bake-index", "reconcile", log, "--registry", registry))
    assert registry.read_bytes() == text
    ok(run("bake-index", "migrate", registry))
    assert read(registry)[0]["metadata"]["architecture"]["runtime"] == architecture["runtime"]


def test_reconcile_a_long_line_is_bad_and_bounded(baked, log):
    log.write_text(line("qwen3", a=1) + "\n" + line("qwen3", a="x" * 300000) + "\n" +
                   line("qwen3", a=3) + "\n")
    result = ok(run("bake-index", "reconcile", log, "-d", baked.models, "--json"))
    assert result.json["first_bad_line"] == 2
    assert read(baked.models / "model-info.runtime.json")["models"]["qwen3"]["runtime"]["a"] == 3


def test_reconcile_from_standard_input(baked):
    ok(run("bake-index", "reconcile", "-", "-d", baked.models, stdin=line("qwen3", a=1)))


@pytest.mark.parametrize("name, text", [("empty", ""), ("bad lines", "x\n{}\n"),
                                        ("a name with an escape", line("a\x1bb", a=1))])
def test_reconcile_of_nothing(baked, log, name, text):
    log.write_text(text)
    fails(run("bake-index", "reconcile", log, "-d", baked.models), 66, "reconcile.nothing")
    assert not (baked.models / "model-info.runtime.json").exists()


def test_reconcile_does_not_overwrite_another_version(baked, log):
    runtime = baked.models / "model-info.runtime.json"
    write(runtime, {"schema": "bake.runtime/2", "models": {}})
    before = runtime.read_bytes()
    fails(run("bake-index", "reconcile", log, "-d", baked.models), 78, "schema.version")
    assert runtime.read_bytes() == before
    # What cannot be read of it hides no index.
    shown = run("bake-index", "show", "-d", baked.models, "qwen3", "--json")
    assert shown.code == 0 and shown.json["id"] == "qwen3" and "warning" in shown.err


# apply


def arguments(registry, at=0):
    return read(registry)[at]["backend_config"]["extra_args"]


@pytest.mark.parametrize("before, after", [
    (["--max-model-len", "4096", "--tensor-parallel-size", "1"],
     ["--max-model-len", "8192", "--tensor-parallel-size", "1", "--max-num-seqs", "2"]),
    (["--max-model-len=4096", "-x"], ["--max-model-len=8192", "-x", "--max-num-seqs", "2"]),
    (["--max-num-seqs", "1", "--max_model_len", 4096, "--max-model-len=1"],
     ["--max-num-seqs", "2", "--max-model-len", "8192"]),
    ([], ["--max-model-len", "8192", "--max-num-seqs", "2"]),
    (["--max-model-len", "--trust-remote-code"],
     ["--max-model-len", "8192", "--trust-remote-code", "--max-num-seqs", "2"]),
    (["--max-model-lenient", "1"],
     ["--max-model-lenient", "1", "--max-model-len", "8192", "--max-num-seqs", "2"]),
])
def test_apply_replaces_only_its_arguments(registry, before, after):
    entries = read(registry)
    entries[0]["backend_config"]["extra_args"] = before
    write(registry, entries)
    ok(run("bake-index", "apply", "qwen3", "--registry", registry, "--max-model-len", 8192,
           "--max-num-seqs", 2))
    assert arguments(registry) == after
    entries[0]["backend_config"]["extra_args"] = after
    assert read(registry) == entries
    assert order(read(registry)) == order(entries)


def test_apply_shows_the_change(registry):
    text = registry.read_bytes()
    result = ok(run("bake-index", "apply", "qwen3", "--registry", registry, "--max-model-len",
                    8192, "--gpu-memory-utilization", "0.85", "--dry-run"))
    assert registry.read_bytes() == text
    assert result.out.splitlines()[1:5] == [
        "- --max-model-len 4096", "+ --max-model-len 8192", "  --tensor-parallel-size 1",
        "+ --gpu-memory-utilization 0.85"]
    assert "would be written" in result.out
    ok(run("bake-index", "apply", "qwen3", "--registry", registry, "--max-model-len", 8192))
    inode = registry.stat().st_ino
    result = ok(run("bake-index", "apply", "qwen3", "--registry", registry, "--max-model-len",
                    8192))
    assert "stays as it is" in result.out and registry.stat().st_ino == inode


@pytest.mark.parametrize("engine, wanted", [
    ("vllm", ["--max-model-len", "8192", "--max-num-seqs", "4"]),
    ("ollama", ["--num-ctx", "8192"]),
    ("llama.cpp", ["-c", "32768", "-np", "4"]),
])
def test_apply_beside_the_index(baked, engine, wanted):
    result = ok(run("bake-index", "apply", "qwen3", "-d", baked.models, "--engine", engine,
                    "--context", 8192, "--parallel", 4))
    assert "llama.cpp -c 32768 -np 4" in result.out
    value = read(baked.models / "model-info.runtime.json")
    assert value["models"]["qwen3"] == {"overrides": {engine: {"extra_args": wanted}}}
    ok(baked.index())
    shown = ok(run("bake-index", "show", "-d", baked.models, "qwen3", "--json")).json
    assert shown["overrides"][engine]["extra_args"] == wanted
    ok(baked.verify())


def test_apply_and_reconcile_leave_each_other_alone(baked, log):
    """And what both write is what the schema says."""
    ok(run("bake-index", "apply", "qwen3", "-d", baked.models, "--engine", "vllm", "--context", 1))
    ok(run("bake-index", "reconcile", log, "-d", baked.models))
    ok(run("bake-index", "apply", "qwen3", "-d", baked.models, "--engine", "vllm", "--context", 2))
    model = read(baked.models / "model-info.runtime.json")["models"]["qwen3"]
    assert model["overrides"]["vllm"]["extra_args"] == ["--max-model-len", "2"]
    assert model["runtime"]["configured_max_model_len"] == 8192
    schema = read(ROOT / "manifests/schema/bake.runtime-1.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read(baked.models / "model-info.runtime.json"), schema)


def test_apply_what_fits(baked):
    def found(memory, *more):
        return ok(run("bake-index", "apply", "qwen3", "-d", baked.models, "--engine", "vllm",
                      "--gpu-memory", memory, "--dry-run", "--json", *more)).json["context"]
    # 36 layers x 8 heads x 128 x 2 x 2 bytes: 147,456 a token.
    assert 0 < found("4GiB") < found("6GiB") <= 40960
    assert found("80GiB") == 40960
    fails(run("bake-index", "apply", "qwen3", "-d", baked.models, "--engine", "vllm",
              "--gpu-memory", "100KB"), 23, "estimate.no-fit")


@pytest.mark.parametrize("args, error", [
    (["qwen3", "--engine", "vllm"], "usage.arguments"),
    (["qwen3", "--context", "1"], "usage.arguments"),
    (["qwen3", "--engine", "vllm", "--context", "1", "--num-ctx", "1"], "usage.conflict"),
    (["qwen3", "--engine", "vllm", "--context", "1", "--gpu-memory", "1GB"], "usage.conflict"),
    (["qwen4", "--engine", "vllm", "--context", "1"], "usage.unknown-model"),
    (["qwen3", "--engine", "ollama", "--parallel", "2"], "usage.arguments"),
    (["qwen3", "--engine", "vllm", "--gpu-memory-utilization", "1.5"], "usage.value"),
])
def test_apply_refuses(baked, args, error):
    fails(run("bake-index", "apply", "-d", baked.models, *args), 64, error)
    assert not (baked.models / "model-info.runtime.json").exists()


def test_apply_takes_the_entry_s_engine(registry):
    fails(run("bake-index", "apply", "qwen3", "--registry", registry, "--engine", "ollama",
              "--context", 1), 64, "usage.conflict")
    fails(run("bake-index", "apply", "none", "--registry", registry, "--context", 1), 64,
          "usage.unknown-model")
    entries = read(registry)
    entries[1]["backend"] = "ollama"
    del entries[1]["backend_config"]
    write(registry, entries)
    ok(run("bake-index", "apply", "chat", "--registry", registry, "--context", 4096))
    assert arguments(registry, 1) == ["--num-ctx", "4096"]
