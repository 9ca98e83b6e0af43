# SPDX-License-Identifier: Apache-2.0
"""bake-index estimate: what a model needs, and whether a GPU has it."""
import json
import struct

import pytest

from conftest import fails, hub_model, ok, run

GIB = 1 << 30
TOKEN = 2 * 2 * 16 * 2 * 2  # layers, heads, elements, keys and values, f16


def text(value):
    value = value.encode()
    return struct.pack("<Q", len(value)) + value


def gguf(keys, tensors):
    """A GGUF of u32 and text keys and of f32 tensors: {name: shape}."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys.items():
        head += text(key)
        head += struct.pack("<I", 8) + text(value) if isinstance(value, str) \
            else struct.pack("<II", 4, value)
    offset = 0
    for name, shape in tensors.items():
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", 0, offset)
        size = 4
        for dimension in shape:
            size *= dimension
        offset += -(-size // 32) * 32
    return head + bytes(-len(head) % 32) + bytes(offset)


def llama(**changes):
    keys = {"general.architecture": "llama", "llama.block_count": 2, "llama.context_length": 4096,
            "llama.embedding_length": 64, "llama.feed_forward_length": 128,
            "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
            "llama.attention.key_length": 16, "llama.attention.value_length": 16,
            "llama.vocab_size": 100}
    keys.update({f"llama.{name}": value for name, value in changes.items()})
    return gguf({key: value for key, value in keys.items() if value is not None},
                {"token_embd.weight": [64, 100], "blk.0.attn_q.weight": [64, 64],
                 "blk.1.attn_q.weight": [64, 64]})


def safetensors(elements, metadata=None):
    head = {"layers.0.w": {"dtype": "BF16", "shape": [elements],
                           "data_offsets": [0, 2 * elements]}}
    if metadata:
        head["__metadata__"] = metadata
    head = json.dumps(head).encode()
    return struct.pack("<Q", len(head)) + head + bytes(2 * elements)


CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2,
          "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
          "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
          "vocab_size": 100, "torch_dtype": "bfloat16"}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(llama())
    return path


@pytest.fixture
def transformers(tmp_path):
    path = tmp_path / "hf"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "model.safetensors").write_bytes(safetensors(1 << 16))
    return path


def pipeline(path):
    parts = {"transformer": 300000, "vae": 1000, "text_encoder": 50000}
    index = {"_class_name": "QwenImagePipeline", "scheduler": ["diffusers", "S"]}
    for name, elements in parts.items():
        (path / name).mkdir(parents=True)
        (path / name / "config.json").write_text(json.dumps({"_class_name": "X"}))
        weights = "model" if name == "text_encoder" else "diffusion_pytorch_model"
        (path / name / f"{weights}.safetensors").write_bytes(safetensors(elements))
        index[name] = ["diffusers", "X"]
    (path / "model_index.json").write_text(json.dumps(index))
    return path


def estimate(*args, **options):
    return run("bake-index", "estimate", *args, **options)


def answer(*args):
    return ok(estimate(*args, "--json")).json


def part(report, name):
    return next(part for part in report["parts"] if part["name"] == name)


def test_llama_cpp_is_for_gguf(model):
    report = answer(model)
    assert report["engine"] == "llama.cpp" and report["context"] == 4096
    assert report["kv_bytes_per_token"] == report["kv_bytes_per_token_min"] == TOKEN
    assert part(report, "kv cache")["max_bytes"] == 4096 * TOKEN
    assert part(report, "weights")["max_bytes"] == 2 * 64 * 64 * 4
    assert part(report, "output")["max_bytes"] == 64 * 100 * 4  # there is none of its own
    assert part(report, "token embedding")["place"] == "host"
    assert report["complete"] and "verdict" not in report
    assert report["min_bytes"] == sum(part["min_bytes"] for part in report["parts"]
                                      if part["place"] == "gpu")
    fact = report["facts"]["num_kv_heads"]
    assert fact["value"] == 2 and fact["source"].startswith("gguf:model.gguf:llama.attention")
    assert all(part["because"] for part in report["parts"]) and report["assumptions"]


@pytest.mark.parametrize("name, args, tokens, token", [
    ("llama.cpp shares its context", ["-c", "1024", "--parallel", "4"], 1024, TOKEN),
    ("ollama multiplies", ["--engine", "ollama", "-c", "1024", "--parallel", "4"], 4096, TOKEN),
    ("ollama's default", ["--engine", "ollama", "--gpu-memory", "8GiB"], 4096, TOKEN),
    ("vllm does not", ["--engine", "vllm", "-c", "1024", "--parallel", "4"], 1024, TOKEN),
    ("rounded up", ["-c", "1000"], 1024, TOKEN),
    ("f32", ["-c", "1024", "--kv-dtype", "f32"], 1024, 2 * TOKEN),
    ("keys and values", ["-c", "1024", "--kv-dtype", "f32,f16"], 1024, TOKEN * 3 // 2),
    ("q8_0", ["-c", "1024", "--kv-dtype", "q8_0"], 1024, 2 * 2 * 34),
    ("other layers", ["-c", "1024", "--layers", "20"], 1024, 10 * TOKEN),
    ("other heads", ["-c", "1024", "--kv-heads", "4", "--head-dim", "32"], 1024, 4 * TOKEN),
])
def test_cache(model, name, args, tokens, token):
    report = answer(model, *args)
    assert part(report, "kv cache")["max_bytes"] == tokens * token


def test_window(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(llama(**{"attention.sliding_window": 256, "context_length": 131072}))
    report = answer(path)
    assert report["kv_bytes_per_token"] == TOKEN
    cache = part(report, "kv cache")
    assert cache["max_bytes"] == 131072 * TOKEN > cache["min_bytes"] >= 2304 * TOKEN


def test_vllm_is_for_safetensors(transformers):
    report = answer(transformers, "--gpu-memory", "1GiB", "-c", "4096")
    assert report["engine"] == "vllm" and report["kv_dtype"] == "bf16"
    assert report["budget_bytes"] == GIB * 9 // 10
    assert report["pool_max_bytes"] == report["budget_bytes"] - 2 * (1 << 16)
    assert report["pool_max_tokens"] == report["pool_max_bytes"] // (16 * TOKEN) * 16
    assert report["concurrency_max"] == report["pool_max_tokens"] * 100 // 4096 / 100
    assert not part(report, "activations and CUDA graphs")["known"]
    assert not report["complete"] and report["verdict"] == "may-fit"
    assert "fits if what is unknown takes no more than" in \
        ok(estimate(transformers, "--gpu-memory", "1GiB")).out
    half = answer(transformers, "--gpu-memory", "1GiB", "--gpu-memory-utilization", "0.5")
    assert half["budget_bytes"] == GIB // 2


def test_encoder_keeps_nothing(transformers):
    config = {**CONFIG, "architectures": ["BertModel"], "model_type": "bert"}
    (transformers / "config.json").write_text(json.dumps(config))
    report = answer(transformers)
    assert part(report, "kv cache")["max_bytes"] == 0


def test_pipeline(tmp_path):
    path = pipeline(tmp_path / "pipe")
    report = answer(path)
    assert report["engine"] == "diffusers" and report["max_bytes"] == 702000
    assert part(report, "transformer")["max_bytes"] == 600000
    assert not part(report, "activations")["known"] and not report["complete"]
    report = answer(path, "--offload")
    assert report["max_bytes"] == 600000 and report["host_bytes"] == 702000
    fails(estimate(path, "--gpu-memory", "100kB"), 23, "estimate.no-fit")
    fails(estimate(path, "--gpu-memory", "1GiB", "--solve", "context"), 64, "usage.conflict")


@pytest.mark.parametrize("args, hint", [([], "or --offload"), (["--offload"], "or another GPU")])
def test_hint_of_a_pipeline_names_what_was_not_tried(tmp_path, args, hint):
    result = estimate(pipeline(tmp_path / "pipe"), "--gpu-memory", "100kB", *args)
    fails(result, 23, "estimate.no-fit")
    assert hint in result.err and "context" not in result.err


def test_pointers_count_with_the_sizes_of_their_files(tmp_path):
    """A tree that git left without its large files says what the model needs all the same."""
    path = pipeline(tmp_path / "pipe")
    for name, size in {"transformer": 40_861_027_880, "vae": 253_806_966}.items():
        (path / name / "diffusion_pytorch_model.safetensors").unlink(missing_ok=True)
        for old in (path / name).glob("*.safetensors"):
            old.unlink()
        (path / name / "diffusion_pytorch_model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{'0' * 64}\nsize {size}\n")
    report = answer(path)
    assert part(report, "transformer")["max_bytes"] == 40_861_027_880
    assert any("not here" in line for line in report["assumptions"])
    assert answer(path, "--offload")["max_bytes"] == 40_861_027_880
    fails(estimate(path, "--gpu-memory", "24GiB"), 23, "estimate.no-fit")


def test_verdicts(model):
    assert answer(model, "--gpu-memory", "8GiB")["verdict"] == "fits"
    assert answer(model, "--gpu-memory", "300MiB")["verdict"] == "may-fit"
    result = estimate(model, "--gpu-memory", "100MiB", "--json")
    fails(result, 23, "estimate.no-fit")
    assert result.json["verdict"] == "does-not-fit" and result.json["ok"] is False
    assert "not even without a context" in result.err
    wide = ["--kv-heads", "4096", "--gpu-memory", "2GiB"]
    result = estimate(model, *wide)
    fails(result, 23, "estimate.no-fit")
    assert "tokens would fit" in result.err and "does not fit" in result.out


def test_solved_context_is_the_largest(model):
    wide = ["--kv-heads", "4096", "--gpu-memory", "2GiB"]
    solved = answer(model, *wide, "--solve", "context")["solve"]
    assert 0 < solved["sure"] < solved["perhaps"] <= 4096 == solved["limit"]
    assert answer(model, *wide, "-c", solved["sure"])["verdict"] == "fits"
    assert answer(model, *wide, "-c", solved["sure"] + 1)["verdict"] == "may-fit"
    fails(estimate(model, *wide, "-c", solved["perhaps"] + 1), 23, "estimate.no-fit")
    roomy = ["--gpu-memory", "64GiB", "--solve", "context"]
    assert answer(model, *roomy)["solve"]["sure"] == 4096
    assert answer(model, *roomy, "--beyond")["solve"]["sure"] > 4096


def test_solved_batch(model):
    wide = ["--kv-heads", "1024", "--gpu-memory", "8GiB", "-c", "1024"]
    for engine in ("ollama", "vllm"):
        report = answer(model, *wide, "--engine", engine, "--solve", "batch")
        assert report["solve"]["what"] == "sequences" and report["solve"]["sure"] > 1
    report = answer(model, *wide, "--solve", "batch")
    assert report["context"] == 1024 * report["sequences"]  # llama.cpp's -c is for all


def test_unknown_is_not_nothing(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(llama(block_count=None))
    report = answer(path, "--layers", "2")
    assert report["complete"]
    path.write_bytes(gguf({"general.architecture": "llama"}, {"w": [32]}))
    report = answer(path, "--gpu-memory", "8GiB")
    assert not report["complete"] and report["verdict"] == "may-fit"
    cache = part(report, "kv cache")
    assert not cache["known"] and "max_bytes" not in cache and "not known" in cache["because"]
    assert "at least" in ok(estimate(path)).out
    result = estimate(path, "--gpu-memory", "8GiB", "--solve", "context")
    fails(result, 65, "estimate.unknown")
    assert "--layers" in result.err


def test_model_of_the_index(place, hub):
    hub.add("u/m", {"m.gguf": llama()})
    place.baked({"m": hub_model("u/m", path="m", files=[{"name": "m.gguf"}])})
    assert answer("m", "-d", place.models)["kv_bytes_per_token"] == TOKEN
    fails(estimate("n", "-d", place.models), 64, "usage.unknown-model")
    fails(estimate("n", "-d", place.path / "none"), 66, "fs.not-found")


@pytest.mark.parametrize("gpu, code", [("sm_89", 0), ("8.6", 0), ("sm_90", 23), ("sm_120", 23)])
def test_nunchaku_needs_its_gpu(tmp_path, gpu, code):
    path = tmp_path / "svdq-int4_r32-qwen-image-edit.safetensors"
    how = {"method": "svdquant", "rank": 32, "weight": {"dtype": "int4", "group_size": 64}}
    path.write_bytes(safetensors(100, {"quantization_config": json.dumps(how),
                                       "model_class": "NunchakuQwenImageTransformer2DModel",
                                       "config": json.dumps({"num_layers": 60})}))
    result = estimate(path, "--gpu-arch", gpu, "--json")
    assert result.code == code, result
    assert result.json["gpu"]["verdict"] == {
        "sm_89": "runs", "8.6": "runs", "sm_90": "unsupported", "sm_120": "other-precision"}[gpu]
    assert result.json["engine"] == "diffusers"
    if code:
        fails(result, code, "estimate.gpu")


THEIRS = ["--params-billion", "8", "--layers", "36", "--kv-heads", "8", "--head-dim", "128",
          "--vision-gib", "1.0"]


def test_profile_is_the_calculator():
    """The vectors of imageworks' own tests."""
    report = answer("--profile", "default", *THEIRS, "--weight-precision", "fp8", "--kv-dtype",
                    "fp8", "-c", "8192", "--batch", "1")
    assert list(report)[1:7] == ["weights_gib", "kv_gib", "overhead_gib", "vision_gib",
                                 "frag_factor", "total_gib"]
    assert report["weights_gib"] == pytest.approx(7.45058, abs=5e-6)
    assert report["kv_gib"] == 0.5625
    assert report["total_gib"] == pytest.approx(11.5644, abs=5e-5)
    found = answer("--profile", "default", *THEIRS, "--gpu-memory", "12GiB", "--solve", "context")
    assert list(found)[1:5] == ["context_k", "context_tokens", "kv_gib", "total_gib"]
    assert round(found["context_k"], 1) == 13.6
    assert found["context_tokens"] == found["context_k"] * 1024
    assert found["total_gib"] <= 12
    fails(estimate("--profile", "default", *THEIRS, "--gpu-memory", "11GiB"), 23,
          "estimate.no-fit")


@pytest.mark.parametrize("profile, total", [
    ("default", (7.450580596923828 + 0.5625 + 1.5) * 1.10),
    ("ada_16gb", (7.450580596923828 + 0.5625 + 1.6 + 0.5) * 1.12),
    ("hopper_80gb", (7.450580596923828 + 0.5625 + 2.0 + 1.0) * 1.08),
    ("studio_dual", (7.450580596923828 + 0.5625 + 2.5 + 1.0) * 1.15),
])
def test_profiles(profile, total):
    report = answer("--profile", profile, *THEIRS[:-2])
    assert report["total_gib"] == pytest.approx(total, rel=1e-12)


def test_profile_with_a_model(model):
    report = answer("--profile", "default", model)
    assert report["weights_gib"] == pytest.approx((2 * 64 * 64 + 6400) * 4 / GIB)
    assert report["kv_gib"] == pytest.approx(8192 * TOKEN / GIB)
    report = answer("--profile", "default", model, "--params-billion", "1", "--weight-precision",
                    "int4")
    assert report["weights_gib"] == pytest.approx(0.55e9 / GIB)
    fails(estimate("--profile", "default"), 65, "estimate.unknown")
    fails(estimate("--profile", "auto", model), 64, "usage.value")


@pytest.mark.parametrize("args, error", [
    ([], "usage.arguments"),
    (["m", "--solve", "context"], "usage.conflict"),
    (["m", "--solve", "context", "--gpu-memory", "1GiB", "-c", "1"], "usage.conflict"),
    (["m", "--solve", "batch", "--gpu-memory", "1GiB", "--parallel", "1"], "usage.conflict"),
    (["m", "--params-billion", "1"], "usage.conflict"),
    (["m", "--frag-factor", "1"], "usage.conflict"),
    (["--profile", "default", "--engine", "vllm"], "usage.conflict"),
    (["--profile", "default", "--layers", "1", "--kv-heads", "1", "--head-dim", "1",
      "--params-billion", "-1"], "usage.value"),
])
def test_lines_that_mean_nothing(args, error):
    fails(estimate(*args), 64, error)


@pytest.mark.parametrize("args", [["--kv-dtype", "q3"], ["--kv-dtype", "f16,q3"],
                                  ["--gpu-memory-utilization", "1.5"],
                                  ["--gpu-memory-utilization", "x"], ["--gpu-arch", "H100"]])
def test_values_that_are_none(model, args):
    fails(estimate(model, *args), 64, "usage.value")


def test_hostile_numbers_are_merely_large(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(llama(**{"attention.head_count_kv": 0xffffffff, "block_count": 500,
                              "attention.key_length": 0xffffffff, "context_length": 0xffffffff,
                              "vocab_size": 0xffffffff, "embedding_length": 0xffffffff}))
    for engine in ("llama.cpp", "ollama", "vllm", "diffusers"):
        result = estimate(path, "--engine", engine, "--gpu-memory", "1GiB", "--parallel", "65536")
        assert result.code in (0, 23) and "Sanitizer" not in result.err, result
