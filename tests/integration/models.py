# SPDX-License-Identifier: Apache-2.0
"""Small files of weights that every reader accepts, and that can be made wrong."""
import json
import random
import struct


def safetensors(tensors, size=None, seed=1, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}; the header is padded so that the file has size bytes."""
    header, at = ({"__metadata__": metadata} if metadata else {}), 0
    for name, (dtype, shape, count) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8 if size is None else size - 8 - len(text) - at)
    return struct.pack("<Q", len(text)) + text + random.Random(seed).randbytes(at)


def weights(count, seed=1):
    """A safetensors file of exactly count bytes."""
    bulk = count - 256
    return safetensors({"w": ("U8", [bulk], bulk)}, size=count, seed=seed)


KINDS = {"u16": (2, "<H"), "u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f")}


def gguf_text(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf(keys=None, tensors=None, seed=1, version=3, size=None):
    """keys: {name: (kind, value)}; tensors: {name: (dims, type id, bytes)}."""
    keys = {"general.architecture": ("str", "llama"), **(keys or {})}
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors or {}), len(keys))
    for name, (kind, value) in keys.items():
        if kind == "str":
            out += gguf_text(name) + struct.pack("<I", 8) + gguf_text(value)
        else:
            number, form = KINDS[kind]
            out += gguf_text(name) + struct.pack("<I", number) + struct.pack(form, value)
    at = 0
    for name, (dims, number, count) in (tensors or {}).items():
        out += gguf_text(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims)
        out += struct.pack("<IQ", number, at)
        at += -(-count // 32) * 32
    out += b"\0" * (-len(out) % 32) + random.Random(seed).randbytes(at)
    return out if size is None else out + b"\0" * (size - len(out))


def gguf_weights(count, seed=1):
    """A GGUF file of exactly count bytes."""
    bulk = (count - 256) // 32 * 32
    return gguf(tensors={"token_embd.weight": ([bulk], 24, bulk)}, seed=seed, size=count)


def index_of(shards, total=None):
    """A shard index for {file name: {tensor: (dtype, shape, bytes)}}."""
    size = sum(count for tensors in shards.values() for _, _, count in tensors.values())
    return json.dumps({"metadata": {"total_size": size if total is None else total},
                       "weight_map": {tensor: name for name, tensors in shards.items()
                                      for tensor in tensors}})
