#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the demo models: small, well formed, and the same bytes every time.

    generate.py DIR

Three models in the shapes people bake: a diffusers snapshot with a sharded text encoder and no
transformer weights, a Nunchaku int4 transformer with its metadata, and a GGUF with tensors. The
numbers in them mean nothing.
"""
import hashlib
import json
import pathlib
import struct
import sys


def noise(seed, count):
    """count bytes that do not compress, the same for the same seed."""
    out = bytearray()
    block = 0
    while len(out) < count:
        out += hashlib.sha256(f"{seed}:{block}".encode()).digest()
        block += 1
    return bytes(out[:count])


def bf16(seed, count):
    """count bfloat16 values in [1, 2): finite whatever the noise is."""
    raw = noise(seed, count)
    return b"".join(struct.pack("<H", 0x3F80 | (byte & 0x7F)) for byte in raw)


WIDTH = {"BF16": 2, "F32": 4, "I8": 1, "F16": 2}


def fill(seed, dtype, count):
    if dtype == "BF16":
        return bf16(seed, count)
    if dtype == "F32":
        return b"".join(struct.pack("<f", 1 + byte / 256) for byte in noise(seed, count))
    if dtype == "F16":
        return b"".join(struct.pack("<H", 0x3C00 | byte) for byte in noise(seed, count))
    return noise(seed, count)


def safetensors(tensors, metadata=None):
    """tensors: {name: (dtype, shape)}. Header padded to 8 bytes, data in order, no gaps."""
    header = {"__metadata__": metadata} if metadata else {}
    data = bytearray()
    for name, (dtype, shape) in tensors.items():
        count = 1
        for size in shape:
            count *= size
        begin = len(data)
        data += fill(name, dtype, count)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(data)


def tensor_bytes(tensors):
    total = 0
    for dtype, shape in tensors.values():
        count = WIDTH[dtype]
        for size in shape:
            count *= size
        total += count
    return total


def dump(value):
    return (json.dumps(value, indent=2) + "\n").encode()


def diffusers_snapshot():
    """An image-edit pipeline whose transformer comes from elsewhere."""
    files = {
        "model_index.json": dump({
            "_class_name": "QwenImageEditPipeline",
            "_diffusers_version": "0.35.0",
            "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
            "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
            "tokenizer": ["transformers", "Qwen2Tokenizer"],
            "transformer": ["diffusers", "QwenImageTransformer2DModel"],
            "vae": ["diffusers", "AutoencoderKLQwenImage"],
        }),
        "scheduler/scheduler_config.json": dump({
            "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
            "shift": 1.0, "use_dynamic_shifting": True,
        }),
        "text_encoder/config.json": dump({
            "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
            "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 256,
            "max_position_embeddings": 4096, "torch_dtype": "bfloat16",
        }),
        "tokenizer/tokenizer_config.json": dump({"tokenizer_class": "Qwen2Tokenizer"}),
        "tokenizer/vocab.json": dump({chr(97 + i): i for i in range(26)}),
        "transformer/config.json": dump({
            "_class_name": "QwenImageTransformer2DModel", "num_layers": 2,
            "num_attention_heads": 2, "attention_head_dim": 32, "in_channels": 16,
        }),
        "vae/config.json": dump({"_class_name": "AutoencoderKLQwenImage", "z_dim": 16}),
        "vae/diffusion_pytorch_model.safetensors": safetensors({
            "encoder.conv_in.weight": ("BF16", [16, 3, 3, 3]),
            "decoder.conv_out.weight": ("BF16", [3, 16, 3, 3]),
            "decoder.mid.weight": ("F32", [16, 64]),
        }, {"format": "pt"}),
        "LICENSE": b"These bytes mean nothing. Do with them what you like.\n",
    }
    shards = [
        {"model.embed_tokens.weight": ("BF16", [256, 64]),
         "model.layers.0.mlp.up_proj.weight": ("BF16", [128, 64])},
        {"model.layers.1.mlp.up_proj.weight": ("BF16", [128, 64]),
         "model.norm.weight": ("BF16", [64])},
    ]
    weight_map = {}
    for number, tensors in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        files[f"text_encoder/{name}"] = safetensors(tensors, {"format": "pt"})
        weight_map.update({tensor: name for tensor in tensors})
    files["text_encoder/model.safetensors.index.json"] = dump({
        "metadata": {"total_size": sum(tensor_bytes(tensors) for tensors in shards)},
        "weight_map": weight_map,
    })
    return files


def nunchaku_transformer():
    """SVDQuant int4 with a rank-32 branch, its configuration as JSON inside the metadata."""
    rank = 32
    tensors = {}
    for layer in range(2):
        prefix = f"transformer_blocks.{layer}.attn.to_qkv"
        tensors[f"{prefix}.qweight"] = ("I8", [192, 32])
        tensors[f"{prefix}.wscales"] = ("BF16", [1, 192])
        tensors[f"{prefix}.smooth_factor"] = ("BF16", [64])
        tensors[f"{prefix}.proj_down"] = ("BF16", [64, rank])
        tensors[f"{prefix}.proj_up"] = ("BF16", [192, rank])
    quantization = {
        "method": "svdquant", "rank": rank,
        "weight": {"dtype": "int4", "scale_dtype": None, "group_size": 64},
        "activation": {"dtype": "int4", "scale_dtype": None, "group_size": 64},
    }
    config = {"_class_name": "QwenImageTransformer2DModel", "num_layers": 2,
              "num_attention_heads": 2, "attention_head_dim": 32, "in_channels": 16}
    return safetensors(tensors, {
        "config": json.dumps(config),
        "comfy_config": json.dumps({"model_class": "QwenImage"}),
        "model_class": "NunchakuQwenImageTransformer2DModel",
        "quantization_config": json.dumps(quantization),
    })


U32, F32, STRING, ARRAY = 4, 6, 8, 9


def gguf_text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(kind, value):
    if kind == U32:
        return struct.pack("<I", value)
    if kind == F32:
        return struct.pack("<f", value)
    if kind == STRING:
        return gguf_text(value)
    element, items = value
    return struct.pack("<IQ", element, len(items)) + b"".join(
        gguf_value(element, item) for item in items)


def q8_0(seed, rows, columns):
    """Blocks of 32: a half-precision scale of 1/128 and 32 signed bytes."""
    raw = noise(seed, rows * columns)
    return b"".join(b"\x00\x20" + raw[at:at + 32] for at in range(0, len(raw), 32))


def chat_gguf():
    """GGUF version 3, architecture llama, tensors in F32 and Q8_0."""
    words = ["<unk>", "<s>", "</s>"] + [chr(97 + i) for i in range(26)] + ["a" + chr(97 + i) for i in range(3)]
    keys = [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "modelbake demo"),
        ("general.file_type", U32, 7),
        ("general.quantization_version", U32, 2),
        ("llama.block_count", U32, 1),
        ("llama.context_length", U32, 2048),
        ("llama.embedding_length", U32, 64),
        ("llama.feed_forward_length", U32, 128),
        ("llama.attention.head_count", U32, 4),
        ("llama.attention.head_count_kv", U32, 2),
        ("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        ("llama.rope.freq_base", F32, 10000.0),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, words)),
        ("tokenizer.ggml.bos_token_id", U32, 1),
        ("tokenizer.ggml.eos_token_id", U32, 2),
    ]
    tensors = [
        ("token_embd.weight", 8, [64, len(words)], q8_0("embd", len(words), 64)),
        ("blk.0.attn_norm.weight", 0, [64], fill("norm", "F32", 64)),
        ("blk.0.attn_q.weight", 8, [64, 64], q8_0("q", 64, 64)),
        ("blk.0.ffn_up.weight", 8, [64, 128], q8_0("up", 128, 64)),
        ("output_norm.weight", 0, [64], fill("output", "F32", 64)),
    ]
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))
    for name, kind, value in keys:
        head += gguf_text(name) + struct.pack("<I", kind) + gguf_value(kind, value)
    data = b""
    for name, kind, shape, raw in tensors:
        head += gguf_text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", size) for size in shape)
        head += struct.pack("<IQ", kind, len(data))
        data += raw + b"\0" * (-len(raw) % 32)
    return head + b"\0" * (-len(head) % 32) + data


def main():
    root = pathlib.Path(sys.argv[1])
    files = {f"image-edit/{path}": data for path, data in diffusers_snapshot().items()}
    files["svdq-int4_r32-demo-edit-lightningv1.0-4steps.safetensors"] = nunchaku_transformer()
    files["demo-chat-Q8_0.gguf"] = chat_gguf()
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


if __name__ == "__main__":
    main()
