# SPDX-License-Identifier: Apache-2.0
"""The readers of safetensors files and shard indexes against real files (BAKE_FIXTURES), and against
the rules written down once more in Python, on files made at random."""
import json
import math
import os
import pathlib
import random
import struct
import subprocess

import pytest

from conftest import ROOT, TOOLS

DUMP = TOOLS.parent / "tests/dump_safetensors"
FIXTURES = pathlib.Path(os.environ.get("BAKE_FIXTURES", ROOT / "nothing"))
BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
        "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
        "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}

pytestmark = pytest.mark.skipif(not DUMP.exists(), reason="built without the tests")


def dump(*paths):
    done = subprocess.run([DUMP, *paths], check=True, capture_output=True, timeout=120)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def fixture(*parts):
    path = FIXTURES.joinpath(*parts)
    if not path.exists():
        pytest.skip("BAKE_FIXTURES has no " + "/".join(parts))
    return path


def test_a_real_file():
    path = fixture("safetensors/mnist-tinygrad.safetensors")
    want = json.loads(fixture("expected/mnist-tinygrad.safetensors.json").read_text())
    got, = dump(path)
    assert got["header_len"] == want["header_len"]
    assert got["data_bytes"] == want["data_bytes"]
    assert got["metadata"] == (want["metadata"] or {})
    assert [{key: tensor[key] for key in ("name", "dtype", "shape", "data_offsets")}
            for tensor in got["tensors"]] == want["tensors"]
    assert got["warnings"] == []


def test_a_real_file_cut_short(tmp_path):
    whole = fixture("safetensors/mnist-tinygrad.safetensors").read_bytes()
    for length in (0, 7, 8, 9, 159, 160, 161, len(whole) - 1):
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes(whole[:length])
        got, = dump(cut)
        assert got["error"] == ("st.header" if length < 160 else "st.truncated"), length


@pytest.mark.parametrize("path, total", [
    ("hf-layout/qwen-image-lfs-pointers/transformer/diffusion_pytorch_model.safetensors.index.json",
     40860802176),
    ("hf-layout/qwen-image-lfs-pointers/text_encoder/model.safetensors.index.json", 16584333312),
    ("hf-config/qwen-vl-chat-int4-gptq/model.safetensors.index.json", 9731786240)])
def test_a_real_index(path, total):
    path = fixture(path)
    document = json.loads(path.read_text())
    files = {}
    for tensor, file in document["weight_map"].items():
        files.setdefault(file, []).append(tensor)
    got, = dump(path)
    assert got["total_size"] == total == document["metadata"]["total_size"]
    assert list(got["files"]) == sorted(files)
    assert got["files"] == {file: sorted(tensors) for file, tensors in files.items()}
    assert got["warnings"] == []


def test_a_pointer_is_no_header():
    folder = fixture("hf-layout/qwen-image-lfs-pointers")
    for got in dump(*sorted(folder.rglob("*.safetensors"))):
        assert got["error"] == "st.header"


def test_the_headers_of_a_real_model_are_what_its_files_have_more():
    """sum(file - 8 - header) is total_size: the sizes stand in the pointers."""
    folder = fixture("hf-layout/qwen-image-lfs-pointers/transformer")
    sizes = [int(path.read_text().split("size ")[1])
             for path in sorted(folder.glob("*.safetensors"))]
    got, = dump(folder / "diffusion_pytorch_model.safetensors.index.json")
    assert len(sizes) == len(got["files"])
    assert sum(sizes) - got["total_size"] == 225704


def verdict(header, data):
    """The rules of formats, once more. None when the file is good."""
    at = 0
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    for entry in tensors.values():
        if entry["dtype"] not in BITS:
            return "st.dtype"
        bits = math.prod(entry["shape"]) * BITS[entry["dtype"]]
        if any(n < 0 for n in entry["shape"]) or bits % 8 or bits >= 2**64:
            return "st.shape"
        begin, end = entry["data_offsets"]
        if begin < 0 or end - begin != bits // 8:
            return "st.offsets"
    for begin, end in sorted(entry["data_offsets"] for entry in tensors.values()):
        if begin != at:
            return "st.offsets"
        at = end
        if at > data:
            return "st.truncated"
    return "st.offsets" if at < data else None


def random_header(rng):
    header, at = {}, 0
    for number in range(rng.randrange(6)):
        dtype = rng.choice(list(BITS))
        shape = [rng.randrange(5) for _ in range(rng.randrange(4))]
        if BITS[dtype] < 8:
            shape.append(4)
        size = math.prod(shape) * BITS[dtype] // 8
        header[f"t.{number}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return header, at


def damage(rng, header, data):
    """One thing wrong, or nothing after all."""
    if not header:
        return data + rng.randrange(2)
    entry = rng.choice(list(header.values()))
    kind = rng.randrange(6)
    if kind == 0:
        entry["data_offsets"][rng.randrange(2)] += rng.choice([-1, 1, 2**63])
    elif kind == 1:
        entry["shape"].append(rng.choice([0, 1, 2, -1, 2**63]))
    elif kind == 2:
        entry["dtype"] = rng.choice([*BITS, "F128", "f32"])
    elif kind == 3:
        data = max(0, data + rng.choice([-1, 1, 8]))
    elif kind == 4:
        header["copy"] = json.loads(json.dumps(entry))
    else:
        del header[rng.choice(list(header))]
    return data


def test_random_files(tmp_path):
    rng = random.Random(4)
    cases = []
    for number in range(600):
        header, data = random_header(rng)
        if number % 3:
            data = damage(rng, header, data)
        names = list(header)
        rng.shuffle(names)
        header = {name: header[name] for name in names}
        raw = json.dumps(header).encode()
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(data))
        cases.append((path, header, verdict(header, data)))
    wrong = 0
    for (path, header, want), got in zip(cases, dump(*(path for path, _, _ in cases))):
        if want:
            wrong += 1
            assert got.get("error") == want, (path.read_bytes(), got)
        else:
            assert "error" not in got, (path.read_bytes(), got)
            assert {tensor["name"]: {key: tensor[key] for key in ("dtype", "shape", "data_offsets")}
                    for tensor in got["tensors"]} == header
    assert 100 < wrong < 400
