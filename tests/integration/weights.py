# SPDX-License-Identifier: Apache-2.0
"""Weights in Python, for the tests of bake-convert: readers and writers of both formats, ggml's types computed from their
description, and a small synthetic model of every architecture. Nothing here is shared with the tools."""
import json
import math
import random
import struct

# name: (id in a GGUF file, elements of a block, bytes of a block)
GGML = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22),
        "Q5_1": (7, 32, 24), "Q8_0": (8, 32, 34), "I8": (24, 1, 1), "I16": (25, 1, 2), "I32": (26, 1, 4),
        "I64": (27, 1, 8), "F64": (28, 1, 8), "BF16": (30, 1, 2)}
GGML_NAMES = {number: name for name, (number, _, _) in GGML.items()}
FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "BF16": 32}
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1, "I16": 2,
         "U16": 2, "I32": 4, "U32": 4, "I64": 8, "U64": 8}


def product(shape):
    return math.prod(shape)


# ---- numbers

def f32(value):
    """One rounding to float32. Of a sum, product or quotient of two such the double is precise enough."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def f16_bits(value):
    try:
        return struct.unpack("<H", struct.pack("<e", value))[0]
    except OverflowError:
        return 0xFC00 if value < 0 else 0x7C00


def f16(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def bf16_bits(value):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    if value != value:
        return bits >> 16 | 0x40
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def bf16(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def f8_e4m3(byte):
    sign = -1.0 if byte & 0x80 else 1.0
    exponent, mantissa = byte >> 3 & 15, byte & 7
    if byte & 0x7F == 0x7F:
        return math.nan
    return sign * (mantissa / 512 if exponent == 0 else (8 + mantissa) * 2.0 ** (exponent - 10))


def f8_e5m2(byte):
    return f16(byte << 8)


def decode(dtype, data):
    """Numbers of a type that is no block."""
    if dtype in ("F32", "F64", "I8", "I16", "I32", "I64"):
        code = {"F32": "f", "F64": "d", "I8": "b", "I16": "h", "I32": "i", "I64": "q"}[dtype]
        return list(struct.unpack(f"<{len(data) // BYTES[dtype]}{code}", data))
    if dtype == "F16":
        return list(struct.unpack(f"<{len(data) // 2}e", data))
    if dtype == "BF16":
        return [bf16(bits) for bits in struct.unpack(f"<{len(data) // 2}H", data)]
    return [{"F8_E4M3": f8_e4m3, "F8_E5M2": f8_e5m2}[dtype](byte) for byte in data]


def encode_block(name, x):
    if name == "Q8_0":
        amax = max(abs(value) for value in x)
        d = f32(amax / 127)
        inverse = f32(1 / d) if d else 0.0
        rounded = []
        for value in x:
            scaled = f32(value * inverse)
            rounded.append(int(math.copysign(math.floor(abs(scaled) + 0.5), scaled)))
        return struct.pack("<H32b", f16_bits(d), *rounded)
    top, half = (15, 8) if name.startswith("Q4") else (31, 16)
    if name.endswith("_1"):
        low, high = min(x), max(x)
        d = f32(f32(high - low) / top)
        head = struct.pack("<HH", f16_bits(d), f16_bits(low))
        inverse = f32(1 / d) if d else 0.0
        q = [int(f32(f32(f32(value - low) * inverse) + 0.5)) for value in x]
    else:
        peak = 0.0
        for value in x:
            if abs(value) > abs(peak):
                peak = value
        d = f32(peak / -half)
        head = struct.pack("<H", f16_bits(d))
        inverse = f32(1 / d) if d else 0.0
        q = [int(f32(f32(value * inverse) + (half + 0.5))) for value in x]
    q = [min(top, value) for value in q]
    if top == 31:
        head += struct.pack("<I", sum((value >> 4) << at for at, value in enumerate(q)))
    return head + bytes((q[at] & 15) | (q[at + 16] & 15) << 4 for at in range(16))


def encode(name, values):
    if name == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    if name == "F16":
        return struct.pack(f"<{len(values)}H", *map(f16_bits, values))
    if name == "BF16":
        return struct.pack(f"<{len(values)}H", *map(bf16_bits, values))
    return b"".join(encode_block(name, values[at:at + 32]) for at in range(0, len(values), 32))


def decode_block(name, block):
    d = f16(struct.unpack_from("<H", block)[0])
    if name == "Q8_0":
        return [f32(value * d) for value in struct.unpack_from("<32b", block, 2)]
    at, low = 2, None
    if name.endswith("_1"):
        low, at = f16(struct.unpack_from("<H", block, 2)[0]), 4
    high = 0
    if name.startswith("Q5"):
        high, at = struct.unpack_from("<I", block, at)[0], at + 4
    nibbles = block[at:at + 16]
    q = [byte & 15 for byte in nibbles] + [byte >> 4 for byte in nibbles]
    q = [value | (high >> index & 1) << 4 for index, value in enumerate(q)]
    if low is not None:
        return [f32(f32(value * d) + low) for value in q]
    return [f32((value - (8 if name.startswith("Q4") else 16)) * d) for value in q]


def dequantise(name, data):
    if name in BYTES:
        return decode(name, data)
    size = GGML[name][2]
    return [value for at in range(0, len(data), size) for value in decode_block(name, data[at:at + size])]


# ---- safetensors

def write_st(path, tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}, written in that order."""
    header, at = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        assert len(data) == product(shape) * BYTES[dtype], name
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))
    return path


def write_shards(folder, tensors, per_file=3, stem="model"):
    names = list(tensors)
    groups = [names[at:at + per_file] for at in range(0, len(names), per_file)]
    weight_map = {}
    for index, group in enumerate(groups, 1):
        name = f"{stem}-{index:05}-of-{len(groups):05}.safetensors"
        write_st(folder / name, {tensor: tensors[tensor] for tensor in group})
        weight_map.update({tensor: name for tensor in group})
    total = sum(len(data) for _, _, data in tensors.values())
    index = folder / f"{stem}.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    return index


def read_st(path):
    """({name: (dtype, shape, bytes)} by offset, metadata, bytes in front of the data)."""
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    end, tensors = 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        assert begin == end and stop - begin == product(entry["shape"]) * BYTES[entry["dtype"]], name
        end = stop
        tensors[name] = (entry["dtype"], entry["shape"], data[8 + size + begin:8 + size + stop])
    assert 8 + size + end == len(data)
    return tensors, metadata, 8 + size


# ---- GGUF

SIMPLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, code):
        value = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def text(self):
        size = self.take("Q")
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind != 9:
            return self.take(SIMPLE[kind])
        element, count = self.take("I"), self.take("Q")
        return (element, [self.value(element) for _ in range(count)])


class Gguf:
    """pairs: {key: (kind, value)}, an array's value being (element kind, list); tensors: {name: (type, shape as PyTorch
    prints it, bytes)} in file order. Checks what ggml checks."""

    def __init__(self, path):
        reader = Reader(path.read_bytes())
        assert reader.data[:4] == b"GGUF"
        reader.at = 4
        self.version, count, pairs = reader.take("I"), reader.take("Q"), reader.take("Q")
        self.pairs, self.tensors, described = {}, {}, []
        for _ in range(pairs):
            key, kind = reader.text(), reader.take("I")
            assert key not in self.pairs
            self.pairs[key] = (kind, reader.value(kind))
        for _ in range(count):
            name, rank = reader.text(), reader.take("I")
            dims = [reader.take("Q") for _ in range(rank)]
            described.append((name, dims, GGML_NAMES[reader.take("I")], reader.take("Q")))
        self.alignment = self.pairs.get("general.alignment", (4, 32))[1]
        start = reader.at + -reader.at % self.alignment
        expected = 0
        for name, dims, kind, offset in described:
            _, block, size = GGML[kind]
            assert offset == expected and (not dims or dims[0] % block == 0) and name not in self.tensors
            length = product(dims) // block * size
            self.tensors[name] = (kind, dims[::-1], reader.data[start + offset:start + offset + length])
            expected = offset + length + -length % self.alignment
        assert start + expected == len(reader.data)  # the last padding is there, and nothing behind it


def gguf_text(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_value(kind, value):
    if kind == 8:
        return gguf_text(value)
    if kind == 9:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(gguf_value(element, item) for item in items)
    return struct.pack("<" + SIMPLE[kind], value)


def write_gguf(path, tensors, pairs, alignment=32):
    """The reverse of Gguf: pairs {key: (kind, value)}, tensors {name: (type, shape, bytes)}."""
    head, offset = b"", 0
    for key, (kind, value) in pairs.items():
        head += gguf_text(key) + struct.pack("<I", kind) + gguf_value(kind, value)
    for name, (kind, shape, data) in tensors.items():
        head += gguf_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape[::-1])
        head += struct.pack("<IQ", GGML[kind][0], offset)
        offset += len(data) + -len(data) % alignment
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + head
    head += bytes(-len(head) % alignment)
    path.write_bytes(head + b"".join(data + bytes(-len(data) % alignment) for _, _, data in tensors.values()))
    return path


# ---- synthetic models

def values_of(name, count, spread=0.05):
    source = random.Random(name)
    return [f32(source.gauss(0, spread)) for _ in range(count)]


def tensor(name, shape, dtype="BF16"):
    """Weights that are the same for the same name."""
    count = product(shape)
    if dtype.startswith("F8"):
        return dtype, list(shape), bytes(byte & 0xBF for byte in random.Random(name).randbytes(count))
    if dtype[0] in "IUB":
        return dtype, list(shape), bytes(count * BYTES[dtype])
    if dtype == "F64":
        return dtype, list(shape), struct.pack(f"<{count}d", *values_of(name, count))
    return dtype, list(shape), encode(dtype, values_of(name, count))


BIG = (48, 64)  # more than 1024 elements, rows of two blocks

# For each architecture: {name: (shape, type of BF16 source for -q Q4_0)}; None: it is left out.
ARCHITECTURES = {
    "flux": {
        "double_blocks.0.img_attn.proj.weight": (BIG, "Q4_0"),
        "double_blocks.0.img_attn.proj.bias": ((48,), "F32"),
        "img_in.weight": (BIG, "BF16"),
        "txt_in.weight": (BIG, "BF16"),
        "final_layer.linear.weight": (BIG, "BF16"),
        "single_blocks.0.linear1.weight": (BIG, "Q4_0"),
        "single_blocks.0.norm.query_norm.scale": ((64,), "F32"),
    },
    "sd3": {
        "joint_blocks.0.x_block.attn.qkv.weight": (BIG, "Q4_0"),
        "pos_embed": ((1, 48, 64), "F32"),
        "x_embedder.proj.weight": ((64, 16, 2, 2), "F32"),
        "context_embedder.weight": (BIG, "BF16"),
        "joint_blocks.0.x_block.mlp.fc1.weight": (BIG, "Q4_0"),
    },
    "aura": {
        "double_layers.3.modX.1.weight": (BIG, "Q4_0"),
        "modF.1.weight": (BIG, "BF16"),
        "register_tokens": ((1, 8, 256), "F32"),
        "positional_encoding": ((1, 32, 64), "F32"),
        "t_embedder.mlp.0.weight": (BIG, "BF16"),
    },
    "hidream": {
        "caption_projection.0.linear.weight": (BIG, "BF16"),
        "double_stream_blocks.0.block.ff_i.shared_experts.w3.weight": (BIG, "Q4_0"),
        "double_stream_blocks.0.block.ff_i.gate.weight": (BIG, "F32"),
        "x_embedder.proj.weight": (BIG, "BF16"),
    },
    "cosmos": {
        "net.blocks.0.mlp.layer1.weight": (BIG, "Q4_0"),
        "net.blocks.0.adaln_modulation_cross_attn.1.weight": (BIG, "Q4_0"),
        "net.pos_embedder.dim_spatial_range": ((48, 64), "F32"),
        "net.blocks.0.attn._extra_state": ((16,), None),
        "net.accum_iteration": ((4,), None),
        "net.llm_adapter.embed.weight": (BIG, "BF16"),
    },
    "ltxv": {
        "adaln_single.emb.timestep_embedder.linear_2.weight": (BIG, "BF16"),
        "transformer_blocks.27.scale_shift_table": ((6, 256), "F32"),
        "caption_projection.linear_2.weight": (BIG, "BF16"),
        "transformer_blocks.0.attn1.to_q.weight": (BIG, "Q4_0"),
    },
    "hyvid": {
        "double_blocks.0.img_attn_proj.weight": (BIG, "Q4_0"),
        "txt_in.individual_token_refiner.blocks.1.self_attn_qkv.weight": (BIG, "BF16"),
        "img_in.proj.weight": ((64, 16, 1, 2, 2), "F32"),
    },
    "wan": {
        "blocks.0.self_attn.norm_q.weight": ((64,), "F32"),
        "text_embedding.2.weight": (BIG, "BF16"),
        "head.modulation": ((1, 2, 1024), "F32"),
        "blocks.0.modulation": ((1, 6, 256), "F32"),
        "patch_embedding.weight": ((64, 16, 1, 2, 2), "F32"),
        "blocks.0.ffn.0.weight": (BIG, "Q4_0"),
    },
    "sdxl": {
        "input_blocks.3.0.op.weight": ((32, 32, 3, 3), "Q4_0"),
        "input_blocks.6.0.op.weight": ((32, 32, 3, 3), "Q4_0"),
        "output_blocks.2.2.conv.weight": ((32, 32, 3, 3), "Q4_0"),
        "output_blocks.5.2.conv.weight": ((32, 32, 3, 3), "Q4_0"),
        "label_emb.0.0.weight": ((16, 256), "BF16"),
        "input_blocks.0.0.weight": ((320, 4, 3, 3), "BF16"),
    },
    "sd1": {
        "input_blocks.3.0.op.weight": ((32, 32, 3, 3), "Q4_0"),
        "input_blocks.6.0.op.weight": ((32, 32, 3, 3), "Q4_0"),
        "input_blocks.9.0.op.weight": ((32, 32, 3, 3), "Q4_0"),
        "output_blocks.2.1.conv.weight": ((32, 32, 3, 3), "Q4_0"),
        "output_blocks.5.2.conv.weight": ((32, 32, 3, 3), "Q4_0"),
        "output_blocks.8.2.conv.weight": ((32, 32, 3, 3), "Q4_0"),
        "time_embed.0.weight": ((16, 256), "BF16"),
        "input_blocks.1.1.norm.weight": ((320,), "F32"),
        "input_blocks.1.1.proj_in.weight": ((8, 33, 3, 3), "F32"),
    },
    "lumina2": {
        "cap_embedder.1.weight": (BIG, "BF16"),
        "context_refiner.0.attention.qkv.weight": (BIG, "BF16"),
        "layers.0.attention.qkv.weight": (BIG, "Q4_0"),
        "x_pad_token": ((1, 64), "F32"),
        "cap_pad_token": ((1, 2048), "F32"),
    },
    "qwen_image": {
        "time_text_embed.timestep_embedder.linear_2.weight": (BIG, "BF16"),
        "transformer_blocks.0.attn.norm_added_q.weight": ((64,), "F32"),
        "transformer_blocks.0.attn.norm_added_k.weight": ((64,), "F32"),
        "transformer_blocks.0.img_mlp.net.0.proj.weight": (BIG, "Q4_0"),
        "transformer_blocks.0.img_mod.1.weight": (BIG, "Q4_0"),
        "img_in.weight": (BIG, "BF16"),
        "norm_out.linear.weight": (BIG, "BF16"),
        "proj_out.weight": (BIG, "BF16"),
    },
}
RESHAPING = {"sd1", "sdxl"}
PREFIXES = {"cosmos": "net."}


def model(architecture, dtype="BF16"):
    return {name: tensor(name, shape, dtype) for name, (shape, _) in ARCHITECTURES[architecture].items()}


def big_st(path, size_mib, dtype="F32", architecture="flux"):
    """A model whose one large tensor takes no space on the disk: all zeros."""
    tensors = model(architecture)
    row = 4096
    rows = size_mib * 1024 * 1024 // (row * BYTES[dtype])
    small = sum(len(data) for _, _, data in tensors.values())
    header, at = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    length = rows * row * BYTES[dtype]
    header["zeros.weight"] = {"dtype": dtype, "shape": [rows, row], "data_offsets": [small, small + length]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)
        file.truncate(8 + len(text) + small + length)
    return path
