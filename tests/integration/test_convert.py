# SPDX-License-Identifier: Apache-2.0
"""bake-convert against readers and a quantiser written in Python (weights.py)."""
import hashlib
import json
import math
import os
import pathlib
import random
import re
import resource
import signal
import struct
import subprocess
import time

import pytest

import superblocks
import weights
from conftest import TOOLS, Place, environment, fails, ok, run, start
from hubserver import File
from weights import (ARCHITECTURES, BIG, FILE_TYPES, PREFIXES, RESHAPING, Gguf, big_st, decode, dequantise, encode, f32,
                     f8_e4m3, f8_e5m2, model, product, read_st, tensor, values_of, write_gguf, write_shards, write_st)

QUANTS = ["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"]
PLAIN = ["F32", "F16", "BF16"]


def convert(source, *args, **options):
    return run("bake-convert", source, "--progress", "none", *args, **options)


def to_gguf(source, out, *args):
    ok(convert(source, "-o", out, *args))
    ok(run("bake-verify", "--structure-only", out))
    return Gguf(out)


def clean(folder):
    """Nothing but what was there or was asked for."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".bake"))


# ---- safetensors to GGUF

@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture(name, tmp_path):
    source = write_st(tmp_path / "model.safetensors", model(name))
    gguf = to_gguf(source, tmp_path / "out.gguf", "-q", "Q4_0")
    assert gguf.version == 3
    pairs = dict(gguf.pairs)
    assert pairs.pop("general.architecture") == (8, name)
    assert pairs.pop("general.quantization_version") == (4, 2)
    assert pairs.pop("general.file_type") == (4, FILE_TYPES["Q4_0"])
    prefix = PREFIXES.get(name, "")
    expected = {full.removeprefix(prefix): (full, shape, kind)
                for full, (shape, kind) in ARCHITECTURES[name].items() if kind}
    assert list(gguf.tensors) == list(expected)  # the order of the source
    for short, (full, shape, kind) in expected.items():
        written, dims, data = gguf.tensors[short]
        assert written == kind, short
        reshaped = (name in RESHAPING and len(shape) > 1 and product(shape) % 256 == 0 and shape[-1] % 256)
        assert dims == ([product(shape) // 256, 256] if reshaped else list(shape)), short
        assert pairs.pop(f"comfy.gguf.orig_shape.{short}", None) == ((9, (5, list(shape))) if reshaped else None)
        assert data == encode(kind, decode("BF16", tensor(full, shape)[2])), short
    assert not pairs


def test_flux_2_goes_by_the_name_that_loaders_know(tmp_path):
    """They tell it from Flux by its shared modulation, whatever the file says."""
    name = "double_stream_modulation_img.lin.weight"
    source = write_st(tmp_path / "m.safetensors", {**model("flux"), name: tensor(name, BIG)})
    gguf = to_gguf(source, tmp_path / "m.gguf", "-q", "Q8_0")
    assert gguf.pairs["general.architecture"] == (8, "flux") and gguf.tensors[name][0] == "Q8_0"


@pytest.mark.parametrize("kind", QUANTS + PLAIN)
@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "F64"])
def test_every_type_from_every_type(kind, dtype, tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux", dtype))
    gguf = to_gguf(source, tmp_path / "m.gguf", "-q", kind)
    name = "single_blocks.0.linear1.weight"
    numbers = [f32(value) for value in decode(dtype, tensor(name, BIG, dtype)[2])]
    assert gguf.tensors[name] == (kind, list(BIG), encode(kind, numbers))
    assert gguf.pairs["general.file_type"] == (4, FILE_TYPES[kind])


@pytest.mark.parametrize("name", ["wan", "qwen_image"])
def test_shards_are_the_same_as_one_file(name, tmp_path):
    tensors = model(name)
    whole = write_st(tmp_path / "model.safetensors", tensors)
    folder = tmp_path / "shards"
    folder.mkdir()
    index = write_shards(folder, tensors)
    one = tmp_path / "one.gguf"
    to_gguf(whole, one, "-q", "Q5_0")
    for at, source in enumerate((index, folder)):
        out = tmp_path / f"{at}.gguf"
        to_gguf(source, out, "-q", "Q5_0")
        assert out.read_bytes() == one.read_bytes()


def test_a_shard_alone_is_not_converted(tmp_path):
    index = write_shards(tmp_path, model("wan"))
    shard = tmp_path / "model-00001-of-00002.safetensors"
    assert "index" in fails(convert(shard), 65, "convert.part").err
    shard.unlink()
    fails(convert(index), 66, "fs.not-found")


def test_a_shard_that_lacks_a_tensor(tmp_path):
    index = write_shards(tmp_path, model("wan"))
    document = json.loads(index.read_text())
    document["weight_map"]["more.weight"] = "model-00001-of-00002.safetensors"
    index.write_text(json.dumps(document))
    fails(convert(index), 65, "shard.missing-tensor")


def test_bytes_do_not_depend_on_threads_or_instructions(tmp_path):
    """Enough for several pieces of each of two tensors."""
    tensors = model("flux")
    data = encode("BF16", values_of("block", 4096)) * 640
    tensors["a.weight"] = ("BF16", [640, 4096], data)
    tensors["b.weight"] = ("BF16", [4096, 640], data[::-1].translate(bytes(byte & 0xBF for byte in range(256))))
    source = write_st(tmp_path / "m.safetensors", tensors)
    seen = set()
    for jobs, simd in [(1, None), (2, None), (7, None), (64, None), (2, "scalar"), (2, "avx2")]:
        out = tmp_path / "out.gguf"
        report = ok(convert(source, "-o", out, "-q", "Q4_0", "-j", jobs, "--force", "--json", "--allow-nonfinite",
                            env={"BAKE_SIMD": simd})).json
        assert report["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
        assert report["source"][0]["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        seen.add(report["sha256"])
    assert len(seen) == 1
    assert Gguf(out).tensors["a.weight"][2] == encode("Q4_0", decode("BF16", data[:8192])) * 640


def test_checkpoint_gives_its_diffusion_model_only(tmp_path):
    tensors = {f"model.diffusion_model.{name}": value for name, value in model("sdxl").items()}
    tensors["first_stage_model.decoder.weight"] = tensor("vae", BIG)
    tensors["conditioner.embedders.0.weight"] = tensor("text", BIG)
    source = write_st(tmp_path / "m.safetensors", tensors)
    result = ok(convert(source, "--dry-run", "--json", "-q", "Q8_0")).json
    assert result["dropped"] == 2 and not result["written"]
    gguf = to_gguf(source, tmp_path / "m.gguf", "-q", "Q8_0")
    assert list(gguf.tensors) == list(model("sdxl"))
    assert result["bytes"] == (tmp_path / "m.gguf").stat().st_size


def test_meta_is_added(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    gguf = to_gguf(source, tmp_path / "m.gguf", "--meta", "general.name=Flux=1", "--meta", "general.license=mit")
    assert list(gguf.pairs) == ["general.architecture", "general.quantization_version", "general.file_type",
                                "general.name", "general.license"]
    assert gguf.pairs["general.name"] == (8, "Flux=1")
    for bad in ("x", "=x", "General.Name=x", "general.file_type=1", "comfy.gguf.orig_shape.a=1"):
        fails(convert(source, "-o", tmp_path / "n.gguf", "--meta", bad), 64, "convert.option")
    fails(convert(source, "-o", tmp_path / "n.gguf", "--meta", "a=1", "--meta", "a=2"), 64, "convert.option")


def test_keep_and_drop(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    gguf = to_gguf(source, tmp_path / "m.gguf", "-q", "Q8_0", "--keep", "single_blocks.*", "--drop", "*.bias")
    assert gguf.tensors["single_blocks.0.linear1.weight"][0] == "BF16"
    assert gguf.tensors["double_blocks.0.img_attn.proj.weight"][0] == "Q8_0"
    assert "double_blocks.0.img_attn.proj.bias" not in gguf.tensors


def test_rows_that_are_no_blocks(tmp_path):
    tensors = {**model("flux"), "odd.weight": tensor("odd", (64, 33)), "odd8.weight": tensor("o", (64, 33), "F8_E5M2")}
    source = write_st(tmp_path / "m.safetensors", tensors)
    result = convert(source, "-o", tmp_path / "m.gguf", "-q", "Q4_0")
    assert "odd.weight" in ok(result).out and "2 tensors have rows" in result.out
    gguf = Gguf(tmp_path / "m.gguf")
    assert gguf.tensors["odd.weight"] == tensors["odd.weight"]
    assert gguf.tensors["odd8.weight"][:2] == ("F16", [64, 33])
    assert "'odd.weight'" in fails(convert(source, "-o", tmp_path / "n.gguf", "--strict"), 65, "convert.fallback").err


def test_nothing_to_convert(tmp_path):
    tensors = {**model("flux")}
    source = write_st(tmp_path / "m.safetensors", tensors)
    result = convert(source, "--keep", "*")
    assert "kept as asked" in fails(result, 65, "convert.nothing").err
    (tmp_path / "empty").mkdir()
    fails(convert(tmp_path / "empty"), 66, "convert.nothing")
    (tmp_path / "empty" / "model_index.json").write_text("{}")
    assert "transformer/" in fails(convert(tmp_path / "empty"), 66, "convert.nothing").err
    assert clean(tmp_path) == []


def test_integers_stay_and_others_are_refused(tmp_path):
    ids = ("I64", [3], struct.pack("<3q", 1, -2, 1 << 40))
    source = write_st(tmp_path / "m.safetensors", {**model("flux"), "ids": ids})
    assert to_gguf(source, tmp_path / "m.gguf").tensors["ids"] == ids
    for dtype in ("BOOL", "U8", "U16", "U32", "U64"):
        bad = write_st(tmp_path / "b.safetensors", {**model("flux"), "mask": tensor("mask", (4,), dtype)})
        assert "'mask'" in fails(convert(bad, "-o", tmp_path / "b.gguf"), 65, "convert.type").err
        assert "mask" not in to_gguf(bad, tmp_path / f"{dtype}.gguf", "--drop", "mask").tensors


# ---- what is refused, or taken for something

@pytest.mark.parametrize("names, error", [
    (["transformer_blocks.0.attn.norm_added_k.weight"], "convert.diffusers"),
    (["transformer_blocks.0.attn.add_q_proj.weight"], "convert.diffusers"),
    (["joint_transformer_blocks.3.ff_context.out_projection.weight"], "convert.diffusers"),
    (["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"], "convert.llm"),
    (["encoder.block.0.layer.0.SelfAttention.q.weight"], "convert.llm"),
    (["text_model.embeddings.token_embedding.weight"], "convert.llm"),
    (["something.weight"], "convert.architecture"),
], ids=["flux", "sd3", "aura", "llama", "t5", "clip", "unknown"])
def test_unfit_models(names, error, tmp_path):
    source = write_st(tmp_path / "m.safetensors", {name: tensor(name, BIG) for name in names})
    result = fails(convert(source), 65, error)
    assert "hint:" in result.err
    gguf = to_gguf(source, tmp_path / "raw.gguf", "--container-only")
    assert list(gguf.tensors) == names and "general.architecture" not in gguf.pairs
    assert all(kind == "Q8_0" for kind, _, _ in gguf.tensors.values())


def test_arch_names_the_architecture(tmp_path):
    source = write_st(tmp_path / "m.safetensors", {"img_in.weight": tensor("i", BIG), "b.weight": tensor("b", BIG)})
    gguf = to_gguf(source, tmp_path / "a.gguf", "--arch", "flux")
    assert gguf.pairs["general.architecture"] == (8, "flux")
    assert [kind for kind, _, _ in gguf.tensors.values()] == ["BF16", "Q8_0"]
    assert to_gguf(source, tmp_path / "b.gguf", "--arch", "newest").pairs["general.architecture"] == (8, "newest")
    fails(convert(source, "--arch", "Not A Name"), 64, "convert.option")


@pytest.mark.parametrize("extra, word", [
    ({"a.qweight": ("I8", (8, 4)), "a.wscales": ("BF16", (1, 8))}, "Nunchaku"),
    ({"a.qweight": ("I32", (8, 4)), "a.wzeros": ("BF16", (1, 8))}, "Nunchaku"),
    ({"a.qweight": ("I32", (8, 4)), "a.g_idx": ("I32", (8,))}, "GPTQ"),
    ({"a.qweight": ("I32", (8, 4)), "a.qzeros": ("I32", (8,))}, "AWQ"),
    ({"a.weight": ("U8", (8, 4)), "a.weight.absmax": ("F32", (8,))}, "bitsandbytes"),
    ({"a.weight": ("U8", (8, 4)), "a.weight.quant_state.bitsandbytes__nf4": ("U8", (8,))}, "bitsandbytes"),
    ({"a.weight_packed": ("I32", (8, 4))}, "compressed-tensors"),
    ({"a.weight": ("U8", (8, 4)), "a.weight_scale_2": ("F32", (1,))}, "NVFP4"),
    ({"a.weight": ("I8", (8, 4)), "a.weight_scale": ("F32", (8,))}, "I8"),
], ids=["svdquant", "nunchaku-awq", "gptq", "awq", "bnb8", "bnb4", "ct", "nvfp4", "int8"])
def test_packed_weights_are_refused(extra, word, tmp_path):
    tensors = {**model("flux"), **{name: tensor(name, shape, dtype) for name, (dtype, shape) in extra.items()}}
    source = write_st(tmp_path / "m.safetensors", tensors)
    result = fails(convert(source), 65, "convert.packed")
    assert word in result.err and "hint: convert the original" in result.err
    assert ok(convert(source, "--info")).out


def comfy(text):
    return "U8", [len(text)], text.encode()


def test_int8_of_comfy_is_refused(tmp_path):
    tensors = {**model("flux"), "a.weight": tensor("a", BIG, "I8"),
               "a.comfy_quant": comfy('{"format": "int8_tensorwise"}')}
    source = write_st(tmp_path / "m.safetensors", tensors)
    assert "int8_tensorwise" in fails(convert(source), 65, "convert.packed").err


# ---- F8

SHAPE = (160, 256)


@pytest.mark.parametrize("dtype, value", [("F8_E4M3", f8_e4m3), ("F8_E5M2", f8_e5m2)])
@pytest.mark.parametrize("ending, kind, shape", [
    ("scale_weight", "F32", []), ("weight_scale", "F32", [1]), ("weight_scale", "BF16", [160]),
    ("weight_scale", "F32", [160, 1]), ("weight_scale_inv", "F32", [2, 2])],
    ids=["comfy", "one", "rows", "columns", "blocks"])
def test_scaled_f8(dtype, value, ending, kind, shape, tmp_path):
    tensors = {**model("flux"), "a.weight": tensor("a", SHAPE, dtype), f"a.{ending}": tensor("s", shape, kind),
               "a.input_scale": tensor("i", [], "F32"), "scaled_fp8": tensor("z", (0,), dtype)}
    if ending == "weight_scale":
        tensors["a.comfy_quant"] = comfy('{"format": "float8_e4m3fn"}')
    scales = decode(kind, tensors[f"a.{ending}"][2])
    numbers = []
    for at, byte in enumerate(tensors["a.weight"][2]):
        row, column = divmod(at, SHAPE[1])
        index = 0 if len(scales) == 1 else row if len(scales) == 160 else row // 128 * 2 + column // 128
        numbers.append(f32(value(byte) * scales[index]))
    source = write_st(tmp_path / "m.safetensors", tensors)
    gguf = to_gguf(source, tmp_path / "f.gguf", "-q", "F32")
    assert gguf.tensors["a.weight"] == ("F32", list(SHAPE), encode("F32", numbers))
    assert [name for name in gguf.tensors if name.startswith("a.") or "fp8" in name] == ["a.weight"]
    assert to_gguf(source, tmp_path / "q.gguf", "-q", "Q8_0").tensors["a.weight"][2] == encode("Q8_0", numbers)


@pytest.mark.parametrize("name, shape", [("a.weight_scale", [3]), ("a.weight_scale_inv", [3, 2]),
                                         ("a.strange_scale", [1]), ("a.scale", [1])])
def test_unknown_scale_is_refused(name, shape, tmp_path):
    tensors = {**model("flux"), "a.weight": tensor("a", SHAPE, "F8_E4M3"), name: tensor("s", shape, "F32")}
    fails(convert(write_st(tmp_path / "m.safetensors", tensors)), 65, "convert.scale")


def test_plain_f8_is_exact_in_f16(tmp_path):
    tensors = {**model("flux"), "a.weight": tensor("a", SHAPE, "F8_E4M3")}
    source = write_st(tmp_path / "m.safetensors", tensors)
    numbers = [f8_e4m3(byte) for byte in tensors["a.weight"][2]]
    gguf = to_gguf(source, tmp_path / "m.gguf", "--keep", "a.*")
    assert gguf.tensors["a.weight"] == ("F16", list(SHAPE), encode("F16", numbers))


# ---- values

def with_value(dtype, at, value, name="single_blocks.0.linear1.weight"):
    tensors = model("flux", dtype)
    _, shape, data = tensors[name]
    numbers = decode(dtype, data)
    numbers[at] = value
    tensors[name] = (dtype, shape, encode(dtype, numbers))
    return tensors


@pytest.mark.parametrize("dtype, kind, value, word", [
    ("BF16", "Q4_0", math.nan, "NaN"), ("F32", "Q8_0", math.inf, "infinite"), ("F16", "F32", -math.inf, "infinite"),
    ("BF16", "BF16", math.nan, "NaN"), ("F32", "F16", 65520.0, "too large"), ("F32", "Q4_0", 6e5, "too large"),
    ("F32", "Q8_0", 1e7, "too large"), ("F32", "Q5_1", -7e4, "too large"), ("F32", "BF16", 3.4e38, "too large")])
def test_values_that_cannot_be(dtype, kind, value, word, tmp_path):
    source = write_st(tmp_path / "m.safetensors", with_value(dtype, 1234, value))
    for jobs in (1, 5):
        result = fails(convert(source, "-o", tmp_path / "m.gguf", "-q", kind, "-j", jobs), 65, "convert.value")
        assert "single_blocks.0.linear1.weight" in result.err and "element 1234 " in result.err and word in result.err
    assert not (tmp_path / "m.gguf").exists() and clean(tmp_path) == []
    ok(convert(source, "-o", tmp_path / "m.gguf", "-q", kind, "--allow-nonfinite"))


def test_values_of_what_is_kept_are_looked_at(tmp_path):
    source = write_st(tmp_path / "m.safetensors", with_value("BF16", 77, math.nan, "img_in.weight"))
    assert "element 77 " in fails(convert(source), 65, "convert.value").err


# ---- GGUF to safetensors

def some_gguf(path, kind, **more):
    tensors = {"img_in.weight": ("F32", list(BIG), encode("F32", values_of("i", product(BIG)))),
               "conv.weight": (kind, [36, 256], encode(kind, values_of("c", 36 * 256))),
               "single_blocks.0.linear1.weight": (kind, list(BIG), encode(kind, values_of("l", product(BIG)))),
               "ids": ("I32", [4], struct.pack("<4i", 1, 2, 3, -4)),
               "single_blocks.0.bias": ("F32", [33], encode("F32", values_of("b", 33)))}
    pairs = {"general.architecture": (8, "flux"), "general.quantization_version": (4, 2),
             "general.file_type": (4, FILE_TYPES[kind]), "general.name": (8, "a \u00e9 \x1b[31m"),
             "flux.scale": (6, 0.5), "flux.flag": (7, True), "flux.list": (9, (5, [1, 2])),
             "comfy.gguf.orig_shape.conv.weight": (9, (5, [32, 32, 3, 3])), **more}
    return write_gguf(path, tensors, pairs), tensors


@pytest.mark.parametrize("kind", QUANTS)
@pytest.mark.parametrize("target", ["F16", "BF16", "F32"])
def test_gguf_to_safetensors(kind, target, tmp_path):
    source, tensors = some_gguf(tmp_path / "m.gguf", kind)
    out = tmp_path / "m.safetensors"
    ok(convert(source, "-o", out, "-q", target))
    ok(run("bake-verify", "--structure-only", out))
    written, metadata, data_at = read_st(out)
    assert data_at % 8 == 0 and list(written) == list(tensors)
    name = "single_blocks.0.linear1.weight"
    assert written[name] == (target, list(BIG), encode(target, dequantise(kind, tensors[name][2])))
    assert written["conv.weight"][:2] == (target, [32, 32, 3, 3])
    for same in ("img_in.weight", "ids", "single_blocks.0.bias"):
        assert written[same] == tensors[same]
    assert metadata["format"] == "pt" and metadata["general.architecture"] == "flux"
    assert metadata["general.file_type"] == str(FILE_TYPES[kind]) and metadata["flux.scale"] == "0.5"
    assert metadata["flux.flag"] == "true" and "flux.list" not in metadata


def test_f16_overflow_of_a_scale(tmp_path):
    block = struct.pack("<e", 60000) + bytes([1] * 32)
    block2 = struct.pack("<e", 60000) + bytes([1] * 31 + [2])
    source = write_gguf(tmp_path / "m.gguf", {"a.weight": ("Q8_0", [1, 64], block + block2)},
                        {"general.architecture": (8, "flux")})
    assert "element 63 " in fails(convert(source), 65, "convert.value").err
    ok(convert(source, "-q", "BF16"))


@pytest.mark.parametrize("kind", superblocks.KINDS)
def test_superblocks_are_read(kind, tmp_path, monkeypatch):
    """Blocks of random bytes with small scales in their places."""
    read, number, size, block, places = superblocks.KINDS[kind]
    monkeypatch.setitem(weights.GGML, kind, (number, size, block))
    source = random.Random(kind)
    blocks = []
    for _ in range(768 // size):
        data = bytearray(source.randbytes(block))
        for where in places:
            struct.pack_into("<f" if kind == "Q8_K" else "<e", data, where, source.choice([0.01, -0.013]))
        blocks.append(bytes(data))
    path = write_gguf(tmp_path / "m.gguf", {"a.weight": (kind, [3, 256], b"".join(blocks))},
                      {"general.architecture": (8, "llama")})
    numbers = [value for data in blocks for value in read(data)]
    for simd in ("scalar", None):
        ok(convert(path, "-q", "F32", "-o", tmp_path / "m.safetensors", "--force", env={"BAKE_SIMD": simd}))
        assert read_st(tmp_path / "m.safetensors")[0]["a.weight"] == ("F32", [3, 256], encode("F32", numbers))
    ok(convert(path, "-q", "Q8_0", "-f", "gguf", "-o", tmp_path / "q.gguf", "--allow-requantize"))
    assert Gguf(tmp_path / "q.gguf").tensors["a.weight"][2] == encode("Q8_0", numbers)


def test_types_that_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setitem(weights.GGML, "IQ1_S", (19, 256, 50))
    path = write_gguf(tmp_path / "m.gguf", {"a.weight": ("IQ1_S", [1, 256], bytes(50))}, {"general.architecture": (8, "llama")})
    assert "IQ1_S" in fails(convert(path), 65, "convert.type").err


@pytest.mark.parametrize("shape", [(5, [7, 7]), (5, [1, 1, 1, 1, 1, 9216]), (4, [36, 256]), (5, [-36, -256])])
def test_bad_original_shapes(shape, tmp_path):
    source, _ = some_gguf(tmp_path / "m.gguf", "Q8_0", **{"comfy.gguf.orig_shape.conv.weight": (9, shape)})
    fails(convert(source), 65, "convert.metadata")


@pytest.mark.parametrize("kind, bound", [("Q8_0", 1 / 127), ("Q5_1", 2 / 31), ("Q5_0", 1 / 16), ("Q4_1", 2 / 15),
                                         ("Q4_0", 1 / 8), ("F16", 2 ** -10), ("BF16", 2 ** -7), ("F32", 0)])
def test_round_trip_stays_within_the_step(kind, bound, tmp_path):
    """Half a step of the largest in a block, and a little for the rounding of the scale; one step where the range is not
    symmetric."""
    tensors = model("flux", "F32")
    source = write_st(tmp_path / "m.safetensors", tensors)
    ok(convert(source, "-o", tmp_path / "m.gguf", "-q", kind))
    ok(convert(tmp_path / "m.gguf", "-o", tmp_path / "back.safetensors", "-q", "F32"))
    back, _, _ = read_st(tmp_path / "back.safetensors")
    assert list(back) == list(tensors)
    for name, (_, shape, data) in tensors.items():
        assert back[name][1] == shape
        before, after = decode("F32", data), decode(back[name][0], back[name][2])
        for at in range(0, len(before) // 32 * 32, 32):
            top = max(map(abs, before[at:at + 32]))
            error = max(abs(x - y) for x, y in zip(before[at:at + 32], after[at:at + 32]))
            assert error <= top * bound, (name, at)


def test_there_and_back_is_the_same_file(tmp_path):
    """What F16 holds exactly comes back as it was: Q8_0 of its own values is a fixed point but for the scale."""
    source, _ = some_gguf(tmp_path / "a.gguf", "F16")
    ok(convert(source, "-f", "safetensors", "-o", tmp_path / "b.safetensors"))
    ok(convert(tmp_path / "b.safetensors", "-o", tmp_path / "c.gguf", "-q", "F16", "--arch", "flux"))
    before, after = Gguf(source), Gguf(tmp_path / "c.gguf")
    for name in ("single_blocks.0.linear1.weight", "ids", "single_blocks.0.bias"):
        assert before.tensors[name] == after.tensors[name]


# ---- GGUF to GGUF

def llama(path, kind="F16", **more):
    names = {"token_embd.weight": (64, 64), "blk.0.attn_q.weight": (64, 64), "blk.0.attn_norm.weight": (64,),
             "blk.0.ffn_gate_inp.weight": (64, 64), "blk.0.ffn_down_exps.weight": (3, 64, 64),
             "blk.0.odd.weight": (48, 33), "output.weight": (64, 64)}
    tensors = {}
    for name, shape in names.items():
        own = "F32" if len(shape) == 1 or shape[-1] % 32 else kind
        tensors[name] = (own, list(shape), encode(own, values_of(name, product(shape))))
    pairs = {"general.architecture": (8, "llama"), "llama.block_count": (4, 1), "general.file_type": (4, 1),
             "tokenizer.ggml.tokens": (9, (8, ["a", "b", "\u00fc"])), "tokenizer.ggml.scores": (9, (6, [0.5, 1.0, -2.0])),
             "llama.rope.freq_base": (6, 10000.0), "llama.flags": (9, (7, [True, False])), "x.u8": (0, 7), "x.i64": (11, -9),
             **more}
    return write_gguf(path, tensors, pairs, more.get("general.alignment", (4, 32))[1]), tensors, pairs


@pytest.mark.parametrize("kind", QUANTS)
@pytest.mark.parametrize("more", [{}, {"general.alignment": (4, 64)}], ids=["plain", "aligned"])
def test_gguf_to_gguf(kind, more, tmp_path):
    source, tensors, pairs = llama(tmp_path / "m.gguf", **more)
    gguf = to_gguf(source, tmp_path / "q.gguf", "-q", kind)
    assert gguf.pairs.pop("general.file_type") == (4, FILE_TYPES[kind])
    assert gguf.pairs.pop("general.quantization_version") == (4, 2)
    assert gguf.pairs == {key: value for key, value in pairs.items() if key != "general.file_type"}
    assert list(gguf.tensors) == list(tensors)
    for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.0.ffn_down_exps.weight", "output.weight"):
        _, shape, data = tensors[name]
        assert gguf.tensors[name] == (kind, shape, encode(kind, decode("F16", data))), name
    for name in ("blk.0.attn_norm.weight", "blk.0.ffn_gate_inp.weight", "blk.0.odd.weight"):
        assert gguf.tensors[name] == tensors[name]


def test_what_is_quantised_is_not_quantised_again(tmp_path):
    source, tensors, _ = llama(tmp_path / "m.gguf", "Q8_0")
    fails(convert(source, "-f", "gguf"), 64, "convert.option")
    fails(convert(source, "-f", "gguf", "-q", "Q4_0"), 65, "convert.requantized")
    gguf = to_gguf(source, tmp_path / "q.gguf", "-q", "Q4_0", "--allow-requantize")
    data = tensors["output.weight"][2]
    assert gguf.tensors["output.weight"][2] == encode("Q4_0", dequantise("Q8_0", data))
    assert to_gguf(source, tmp_path / "same.gguf", "-q", "Q8_0").tensors["output.weight"][2] == data


def test_split_files_become_one(tmp_path):
    whole, tensors, pairs = llama(tmp_path / "whole.gguf")
    names = list(tensors)
    parts = [names[:3], names[3:]]
    for at, part in enumerate(parts):
        own = {"split.no": (2, at), "split.count": (2, 2), "split.tensors.count": (5, len(names))}
        write_gguf(tmp_path / f"m-{at + 1:05}-of-00002.gguf", {name: tensors[name] for name in part},
                   {**(pairs if at == 0 else {}), **own})
    to_gguf(whole, tmp_path / "a.gguf", "-q", "Q5_1")
    for at, name in enumerate(("m-00001-of-00002.gguf", "m-00002-of-00002.gguf")):
        out = tmp_path / f"{at}.gguf"
        to_gguf(tmp_path / name, out, "-q", "Q5_1")
        assert out.read_bytes() == (tmp_path / "a.gguf").read_bytes()
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    fails(convert(tmp_path / "m-00001-of-00002.gguf"), 66, "fs.not-found")


# ---- the command line

def test_info(tmp_path):
    tensors = {**model("flux"), "a.weight": tensor("a", SHAPE, "F8_E4M3"), "a.weight_scale": tensor("s", [1], "F32")}
    source = write_st(tmp_path / "m.safetensors", tensors)
    result = ok(convert(source, "--info", "--json")).json
    assert result["architecture"] == "flux" and result["format"] == "safetensors"
    assert result["parameters"] == sum(product(shape) for name, (_, shape, _) in tensors.items() if "scale" not in name
                                       or name.endswith("query_norm.scale"))
    assert {row["type"]: row["tensors"] for row in result["types"]} == {"BF16": 7, "F8_E4M3": 1, "F32": 1}
    assert result["quantization"] == "F8_E4M3" and len(result["tensors"]) == len(tensors)
    gguf, _ = some_gguf(tmp_path / "m.gguf", "Q5_1")
    result = ok(convert(gguf, "--info", "--json")).json
    assert (result["architecture"], result["quantization"], result["format"]) == ("flux", "Q5_1", "gguf")
    out = ok(convert(gguf, "--info", "-v")).out
    assert "conv.weight" in out and "\x1b" not in out


def test_names_from_outside_are_inert(tmp_path):
    evil = "\x1b]8;;http://x\x07\u202eweight"
    source = write_st(tmp_path / "m.safetensors", {**model("flux"), evil: tensor("e", BIG)})
    for args in (["--dry-run"], ["--info", "-v"], ["-v", "-o", tmp_path / "m.gguf"]):
        out = ok(convert(source, *args)).out
        assert "\x1b" not in out and "\x07" not in out and "\u202e" not in out
    assert evil in Gguf(tmp_path / "m.gguf").tensors


def test_dry_run_says_what_and_why(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    result = ok(convert(source, "--dry-run", "--json", "-q", "Q4_0")).json
    assert not result["written"] and sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors"]
    rows = {row["name"]: row for row in result["tensors"]}
    assert rows["img_in.weight"]["action"] == "copy" and "architecture" in rows["img_in.weight"]["why"]
    assert rows["single_blocks.0.linear1.weight"]["to"] == "Q4_0"
    to_gguf(source, tmp_path / "m.gguf", "-q", "Q4_0")
    assert (tmp_path / "m.gguf").stat().st_size == result["bytes"]


def test_where_the_output_goes(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    ok(convert(source, "-q", "q5_0"))
    assert (tmp_path / "m-Q5_0.gguf").exists()
    ok(convert(source, "--optimize", "size"))
    ok(convert(tmp_path / "m-Q4_0.gguf"))
    assert (tmp_path / "m-F16.safetensors").exists()
    (tmp_path / "out").mkdir()
    ok(convert(source, "-o", tmp_path / "out", "--optimize", "speed"))
    assert (tmp_path / "out/m-Q8_0.gguf").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out/m-Q8_0.gguf").stat().st_mtime == 0
    ok(convert(source, "-o", tmp_path / "t.gguf", env={"SOURCE_DATE_EPOCH": "1700000000"}))
    assert (tmp_path / "t.gguf").stat().st_mtime == 1700000000
    fails(convert(source, "-o", tmp_path / "no/such/m.gguf"), 73, "fs.no-directory")


def test_what_is_there_stays(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    before = source.read_bytes()
    out = tmp_path / "m.gguf"
    out.write_text("mine")
    fails(convert(source, "-o", out), 73, "convert.exists")
    assert out.read_text() == "mine"
    ok(convert(source, "-o", out, "--force"))
    assert Gguf(out)
    fails(convert(source, "-o", source, "-f", "gguf", "--force"), 64, "convert.same")
    fails(convert(source, "-o", tmp_path / "x.safetensors"), 64, "convert.option")
    (tmp_path / "link.gguf").symlink_to(out)
    fails(convert(source, "-o", tmp_path / "link.gguf", "--force"), 73, "path.symlink")
    assert source.read_bytes() == before and clean(tmp_path) == []


def test_an_output_that_is_pinned(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    out = tmp_path / "m.gguf"
    digest = ok(convert(source, "-o", tmp_path / "first.gguf", "-q", "Q4_0", "--json")).json["sha256"]
    wrong = "1" * 64
    refused = fails(convert(source, "-o", out, "-q", "Q4_0", "--sha256", wrong), 20, "integrity.sha256")
    assert digest in refused.err and wrong in refused.err
    assert not out.exists() and clean(tmp_path) == []

    made = ok(convert(source, "-o", out, "-q", "Q4_0", "--sha256", f"sha256:{digest}", "--json")).json
    assert made["written"] and not made["present"] and made["sha256"] == digest
    source.unlink()  # a later build step has only the output
    before = out.stat().st_mtime_ns, out.stat().st_ino
    again = ok(convert(source, "-o", out, "-q", "Q4_0", "--sha256", digest.upper(), "--json")).json
    assert again["present"] and not again["written"] and again["sha256"] == digest
    assert again["bytes"] == out.stat().st_size and (out.stat().st_mtime_ns, out.stat().st_ino) == before
    assert "there already" in ok(convert(source, "-o", out, "--sha256", digest)).out

    fails(convert(source, "-o", out, "--sha256", wrong), 66, "fs.not-found")
    write_st(source, model("flux"))
    out.write_text("mine")
    fails(convert(source, "-o", out, "-q", "Q4_0", "--sha256", digest), 73, "convert.exists")
    fails(convert(source, "-o", out, "-q", "Q8_0", "--sha256", digest, "--force"), 20, "integrity.sha256")
    assert out.read_text() == "mine"
    ok(convert(source, "-o", out, "-q", "Q4_0", "--sha256", digest, "--force"))
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest


def test_what_is_converted_is_baked(place, tmp_path):
    """The steps that the manual shows under IN A BUILD."""
    hub_file = write_st(tmp_path / "hub.safetensors", model("flux"))
    place.hub.plain["/flux1.safetensors"] = File(hub_file.read_bytes())
    place.locked({"flux": {"source": {"url": place.hub.origin + "/"}, "path": "flux",
                           "files": [{"name": "flux1.safetensors"}]}})
    ok(place.fetch())
    source, out = place.models / "flux/flux1.safetensors", tmp_path / "flux1-Q4_0.gguf"
    digest = ok(convert(source, "-q", "Q4_0", "-o", out, "--json")).json["sha256"]
    baked = Place(tmp_path / "baked", place.hub)
    baked.path.mkdir()
    baked.write({"flux": {"source": {"file": out.name}, "path": "flux"}})
    out.rename(baked.path / out.name)
    ok(baked.lock("--offline"))
    assert baked.lock_json["models"]["flux"]["files"][0]["sha256"] == digest

    (baked.path / out.name).unlink()  # another machine: only what is in the repository
    ok(convert(source, "-q", "Q4_0", "-o", baked.path / out.name, "--sha256", digest))
    ok(baked.fetch("--offline"))
    ok(baked.index())
    ok(baked.verify())
    assert list(baked.files()) == ["flux/flux1-Q4_0.gguf", "model-info.json"]


@pytest.mark.parametrize("args, error", [
    (["--sha256", "1" * 64], "usage.arguments"), (["--sha256", "12", "-o", "x.gguf"], "usage.value"),
    (["--sha256", "1" * 64, "-o", "x", "--batch", "-f", "gguf"], "usage.conflict"),
    (["-q", "Q4_K"], "usage.value"), (["-q", "Q4_0", "--optimize", "size"], "usage.conflict"),
    (["--batch"], "usage.arguments"), (["--info", "--batch"], "usage.conflict"),
    (["-f", "safetensors"], "convert.option"), (["-f", "safetensors", "-q", "Q8_0"], "convert.option")])
def test_lines_that_make_no_sense(args, error, tmp_path):
    fails(convert(write_st(tmp_path / "m.safetensors", model("flux")), *args), 64, error)


def test_what_is_no_model(tmp_path):
    (tmp_path / "a.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1\n" % ("0" * 64))
    fails(convert(tmp_path / "a.safetensors"), 20, "integrity.lfs-pointer")
    (tmp_path / "b.ckpt").write_bytes(b"\x80\x02}q\x00.")
    assert "pickle" in fails(convert(tmp_path / "b.ckpt"), 65, "convert.format").err
    fails(convert(tmp_path / "absent"), 66, "fs.not-found")
    os.mkfifo(tmp_path / "c.gguf")
    fails(convert(tmp_path / "c.gguf"), 66, "fs.not-found")
    write_st(tmp_path / "d.safetensors", model("flux"))
    fails(convert(tmp_path), 64, "convert.several")


def test_batch(tmp_path):
    tree = tmp_path / "in"
    for name in ("a", "b/c", "b/llm", "d"):
        (tree / name).mkdir(parents=True)
    write_st(tree / "a/flux.safetensors", model("flux"))
    write_shards(tree / "b/c", model("wan"))
    write_st(tree / "b/llm/model.safetensors", {"model.embed_tokens.weight": tensor("e", BIG)})
    some_gguf(tree / "d/x.gguf", "Q8_0")
    result = run("bake-convert", tree, "--batch", "-f", "gguf", "-q", "Q4_0", "-o", tmp_path / "out", "--json")
    assert result.code == 65 and result.json["error"] == "convert.llm"
    assert (result.json["converted"], result.json["failed"], result.json["existing"]) == (2, 1, 0)
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.gguf")) == [
        "a/flux-Q4_0.gguf", "b/c/model-Q4_0.gguf"]
    again = run("bake-convert", tree, "--batch", "-f", "gguf", "-q", "Q4_0", "-o", tmp_path / "out")
    assert again.out.count("stays as it is") == 2 and "2 there already, 1 failed" in again.out
    ok(run("bake-convert", tree, "--batch", "-f", "safetensors"))
    assert (tree / "d/x-F16.safetensors").exists()
    fails(run("bake-convert", tmp_path / "out/a", "--batch", "-f", "safetensors", "--strict", "--drop", "*"),
          65, "convert.nothing")


# ---- interrupted, full, large

def test_killed_leaves_nothing_half_made(tmp_path):
    source = big_st(tmp_path / "m.safetensors", 512)
    size = source.stat().st_size
    process = start("bake-convert", source, "-o", tmp_path / "m.gguf", "-q", "F32", "-j", "1")
    deadline = time.monotonic() + 30
    while not clean(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (tmp_path / "m.gguf").exists()
    assert source.stat().st_size == size
    small = write_st(tmp_path / "s.safetensors", model("flux"))
    ok(convert(small, "-o", tmp_path / "s.gguf"))
    assert clean(tmp_path) == []  # the next one swept up


def test_signal_ends_it(tmp_path):
    source = big_st(tmp_path / "m.safetensors", 512)
    process = start("bake-convert", source, "-o", tmp_path / "m.gguf", "-q", "F32", "-j", "1")
    deadline = time.monotonic() + 30
    while not clean(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM, err
    assert not (tmp_path / "m.gguf").exists() and clean(tmp_path) == []


def test_no_space(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    process = subprocess.run([TOOLS / "bake-convert", source, "-o", tmp_path / "m.gguf", "-q", "F32"], preexec_fn=limit,
                             capture_output=True, env=environment(), text=True)
    assert process.returncode == 23 and "error[disk." in process.stderr, process
    assert not (tmp_path / "m.gguf").exists() and clean(tmp_path) == []
    assert hashlib.sha256(source.read_bytes()).hexdigest() == digest


def test_a_full_disk(tmp_path):
    source = write_st(tmp_path / "m.safetensors", model("flux"))
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a small file system")
    try:
        (disk / "other").write_bytes(bytes(40000))
        fails(convert(source, "-o", disk / "m.gguf", "-q", "F32"), 23, "disk.full")
        assert sorted(path.name for path in disk.iterdir()) == ["other"]
        (disk / "other").unlink()
        ok(convert(source, "-o", disk / "m.gguf", "-q", "Q4_0"))
    finally:
        subprocess.run(["umount", disk], check=True)


def peak_kib(*command):
    """Most memory that the command had at a time. What wait4 says includes the process that forked it."""
    process = subprocess.Popen([*map(str, command)], env=environment(), stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            peak = int(found[1])
        time.sleep(0.005)
    assert process.wait() == 0 and peak
    return peak


def has_sanitizer():
    return b"__asan_init" in (TOOLS / "bake-convert").read_bytes() or b"__tsan_init" in (
        TOOLS / "bake-convert").read_bytes()


@pytest.mark.parametrize("size, jobs", [(96, 2), (96, 64), pytest.param(4096, 2, marks=pytest.mark.skipif(
    not os.environ.get("BAKE_SLOW"), reason="BAKE_SLOW is not set: 4 GiB"))])
def test_memory_is_bounded(size, jobs, tmp_path):
    source = big_st(tmp_path / "m.safetensors", size)
    peak = peak_kib(TOOLS / "bake-convert", source, "-o", tmp_path / "m.gguf", "-q", "Q8_0", "-j", jobs,
                    "--progress", "none")
    blocks = size * 1024 * 1024 // 4 // 32
    assert (tmp_path / "m.gguf").stat().st_size > blocks * 34
    if not has_sanitizer():
        assert peak <= 64 * 1024
