# SPDX-License-Identifier: Apache-2.0
"""bake-convert against blocks that gguf-py made of a real model's weights and of edge values: both
ways, with each set of instructions. BAKE_FIXTURES names the files."""
import hashlib
import json
import os
import pathlib

import pytest

from conftest import ROOT, ok, run
from weights import Gguf, read_st, write_gguf

FIXTURES = pathlib.Path(os.environ.get("BAKE_FIXTURES", ROOT / "nothing"))
EXPECTED = FIXTURES / "quant/expected.json"
SIMD = ["scalar", "avx2", "avx512", "neon"]  # what the machine has not, is not heeded

pytestmark = pytest.mark.skipif(not EXPECTED.exists(), reason="BAKE_FIXTURES has no blocks")


def expected():
    return json.loads(EXPECTED.read_text())


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def floats():
    """By name: the shape, the float32 bytes, and what is expected of each type."""
    real = read_st(FIXTURES / "safetensors/mnist-tinygrad.safetensors")[0]
    said = expected()
    small = said["tensors"]["l2.weight"]
    groups = {"l1": ([3136, 32], real["l1.weight"][2], said["l1_view"]),
              "l2": (small["shape"], real["l2.weight"][2], small),
              "edge": ([12, 32], (FIXTURES / "quant/edge.f32.bin").read_bytes(), said["edge"])}
    for _, data, group in groups.values():
        assert digest(data) == group["f32_sha256"]
    return groups


@pytest.mark.parametrize("simd", SIMD)
@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"])
@pytest.mark.parametrize("name", ["l1", "l2", "edge"])
def test_blocks_of_the_reference(name, kind, simd, floats, tmp_path):
    shape, data, group = floats[name]
    want = group["q"][kind]
    source = write_gguf(tmp_path / "f32.gguf", {"a.weight": ("F32", shape, data)},
                        {"general.architecture": (8, "llama")})
    packed = tmp_path / "packed.gguf"

    def convert(source, out, *args):
        ok(run("bake-convert", source, "-o", out, "--progress", "none", "--allow-nonfinite", *args,
               env={"BAKE_SIMD": simd}))

    convert(source, packed, "-f", "gguf", "-q", kind)
    written = Gguf(packed).tensors["a.weight"]
    assert written[:2] == (kind, shape)
    assert (len(written[2]), digest(written[2])) == (want["bytes"], want["sha256"])
    given = FIXTURES / "quant" / want["file"]
    assert not given.exists() or given.read_bytes() == written[2]
    if kind in ("F16", "BF16"):  # in a safetensors file they would stay what they are
        convert(packed, tmp_path / "f32-again.gguf", "-f", "gguf", "-q", "F32")
        read = Gguf(tmp_path / "f32-again.gguf").tensors["a.weight"]
    else:
        convert(packed, tmp_path / "f32.safetensors", "-q", "F32")
        read = read_st(tmp_path / "f32.safetensors")[0]["a.weight"]
    assert read[:2] == ("F32", shape)
    if "dequant_f32_sha256" in want:
        assert digest(read[2]) == want["dequant_f32_sha256"]
