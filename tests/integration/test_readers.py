# SPDX-License-Identifier: Apache-2.0
"""The readers of model files against what other readers say of the same files: gguf-py,
@huggingface/gguf and ggml itself. BAKE_FIXTURES names the files; `expected` in it has the answers."""
import hashlib
import json
import os
import pathlib
import struct
import subprocess

import pytest

from conftest import ROOT, TOOLS

DUMP = TOOLS.parent / "tests/dump_gguf"
FIXTURES = pathlib.Path(os.environ.get("BAKE_FIXTURES", ROOT / "nothing"))
EXPECTED = FIXTURES / "expected"
FILES = sorted(path for folder in ("gguf", "gguf-written", "gguf-corrupt")
               for path in (FIXTURES / folder).glob("*.gguf"))
KINDS = ("UINT8 INT8 UINT16 INT16 UINT32 INT32 FLOAT32 BOOL STRING ARRAY UINT64 INT64 "
         "FLOAT64").split()
FORMS = "BbHhIif?  Qqd"  # by kind, for struct

pytestmark = pytest.mark.skipif(not DUMP.exists(), reason="built without the tests")
needs_fixtures = pytest.mark.skipif(not FILES, reason="BAKE_FIXTURES has no GGUF files")


def dump(*args):
    """The header as JSON, or "ID MESSAGE"."""
    out = subprocess.run([DUMP, *args], check=True, capture_output=True, text=True).stdout
    return json.loads(out) if out.startswith(("{", "[")) else out


def strings(raw):
    """The strings of an array as it is in the file."""
    at, found = 0, []
    while at < len(raw):
        length = struct.unpack_from("<Q", raw, at)[0]
        found.append(raw[at + 8:at + 8 + length])
        at += 8 + length
    return found


def numbers(raw, kind):
    form = FORMS[kind]
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(form)}{form}", raw))


def value_of(pair, raw):
    if pair["element"] == 8:
        found = strings(raw) if pair["kind"] == 9 else [raw]
        return [text.decode(errors="replace") for text in found]
    return numbers(raw, pair["element"])


def expected(path, reader):
    answer = EXPECTED / f"{path.name}.{reader}.json"
    if not answer.exists():
        pytest.skip(f"no answer of {reader}")
    return json.loads(answer.read_text())


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def file(request):
    return request.param


@needs_fixtures
def test_as_gguf_py_reads_it(file):
    want, got = expected(file, "ggufpy"), dump("strict", file)
    if "error" in want:
        assert got.startswith("gguf.")
        return
    data = file.read_bytes()
    assert [got["version"], got["alignment"]] == [want["version"], want["alignment"]]
    assert len(got["keys"]) == want["kv_count"] and len(got["tensors"]) == want["tensor_count"]
    if want["tensor_count"]:  # else it pads, which ggml does not
        assert got["data_offset"] == want["data_offset"]
    else:
        assert got["data_offset"] == got["header_bytes"] == len(data)
    for pair, other in zip(got["keys"], want["metadata"]):
        raw = data[pair["value_offset"]:pair["value_offset"] + pair["value_bytes"]]
        kinds = [KINDS[pair["kind"]]] + [KINDS[pair["element"]]] * (pair["kind"] == 9)
        assert [pair["key"], pair["offset"], kinds] == \
            [other["key"], other["offset"], other["types"]]
        assert pair["count"] == other.get("len", 1)
        if "sha256_raw" in other:
            assert hashlib.sha256(raw).hexdigest() == other["sha256_raw"]
        if "value" in other:
            assert value_of(pair, raw) == [other["value"]]
            if pair["kind"] != 8:
                assert float(pair["first"]) == float(other["value"])
        else:
            assert value_of(pair, raw)[:len(other["head"])] == other["head"]
    for tensor, other in zip(got["tensors"], want["tensors"]):
        assert tensor == {"name": other["name"], "type": other["type_id"], "dims": other["shape"],
                          "elements": other["n_elements"], "bytes": other["n_bytes"],
                          "offset": other["data_offset"] - got["data_offset"]}


@needs_fixtures
def test_as_huggingface_js_reads_it(file):
    want, got = expected(file, "hfjs"), dump("strict", file)
    meta = want["typedMetadata"]
    assert want["littleEndian"] != got["big_endian"]
    assert got["version"] == meta.pop("version")["value"]
    assert len(got["tensors"]) == int(meta.pop("tensor_count")["value"])
    assert len(got["keys"]) == int(meta.pop("kv_count")["value"])
    assert [pair["key"] for pair in got["keys"]] == list(meta)
    for pair, other in zip(got["keys"], meta.values()):
        assert [pair["kind"], pair["element"]] == \
            [other["type"], other.get("subType", other["type"])]
        assert pair["count"] == other.get("len", 1)
    assert sum(tensor["elements"] for tensor in got["tensors"]) == want["parameterCount"]
    for tensor, other in zip(got["tensors"], want["tensorInfos"]):
        assert [tensor["name"], tensor["dims"], tensor["type"], tensor["offset"]] == \
            [other["name"], other["shape"], other["dtype"], int(other["offset"])]


@needs_fixtures
def test_as_ggml_judges_it():
    verdicts = [line.split() for line in (EXPECTED / "ggml_verdicts.txt").read_text().splitlines()
                if line.startswith(("ACCEPT", "REJECT"))]
    assert {FIXTURES / words[1] for words in verdicts} == set(FILES)
    for verdict, name, *facts in verdicts:
        got = dump("strict", FIXTURES / name)
        assert isinstance(got, dict) == (verdict == "ACCEPT"), name
        if verdict == "ACCEPT":
            assert dict(fact.split("=") for fact in facts) == {
                "version": str(got["version"]), "n_kv": str(len(got["keys"])),
                "n_tensors": str(len(got["tensors"])), "align": str(got["alignment"]),
                "data_offset": str(got["data_offset"])}


@needs_fixtures
def test_real_files_cut_short_are_refused(file, tmp_path):
    """ggml takes them when it is not to load the data; here the tensors must be in the file."""
    got, data = dump("strict", file), file.read_bytes()
    if isinstance(got, str):
        return
    end = got["data_offset"] + got["data_bytes"]
    short = tmp_path / "short.gguf"
    for length in sorted({0, 3, 4, 23, 24, 100, end // 2, got["header_bytes"] - 1, end - 1}):
        short.write_bytes(data[:length])
        for mode in ("strict", "tolerant"):
            assert dump(mode, short).split()[0] in ("gguf.truncated", "gguf.count", "gguf.bounds")


@needs_fixtures
def test_types_are_those_of_ggml():
    got = {row["id"]: row for row in dump("types")}
    want = {row["id"]: row for row in json.loads((EXPECTED / "ggml_type_table.json").read_text())}
    for number, row in want.items():
        assert {**row, "removed": False} == got[number]
    assert {number for number, row in got.items() if not row["removed"]} == set(want)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_python_packs_is_read(version, order, tmp_path):
    size = "I" if version == 1 else "Q"

    def text(value):
        value = value.encode() + b"\0" * (version == 1)
        return struct.pack(order + size, len(value)) + value

    header = b"GGUF" + struct.pack(f"{order}I{size}{size}", version, 2, 3)
    header += text("general.architecture") + struct.pack(order + "I", 8) + text("llama")
    header += text("llama.attention.head_count_kv") + \
        struct.pack(f"{order}II{size}3i", 9, 5, 3, 4, 0, 2)
    header += text("llama.rope.freq_base") + struct.pack(order + "If", 6, 1e6)
    header += text("a") + struct.pack(f"{order}I{size}{size}IQ", 2, 32, 3, 8, 0)
    header += text("b") + struct.pack(f"{order}I{size}IQ", 1, 5, 0, 128)
    path = tmp_path / "m.gguf"
    path.write_bytes(header + bytes(-len(header) % 32 + 128 + 20))
    strict, got = dump("strict", path), dump("tolerant", path)
    if version == 1 or order == ">":
        assert strict.startswith("gguf.version ")
        assert len(got["warnings"]) == (version == 1) + (order == ">")
    else:
        assert strict == got and got["warnings"] == []
    assert got["big_endian"] == (order == ">") and got["version"] == version
    assert got["header_bytes"] == len(header)
    assert [pair["key"] for pair in got["keys"]] == \
        ["general.architecture", "llama.attention.head_count_kv", "llama.rope.freq_base"]
    assert [pair["count"] for pair in got["keys"]] == [1, 3, 1]
    assert [pair.get("first") for pair in got["keys"]] == [None, "4", "1000000"]
    assert got["tensors"] == [
        {"name": "a", "type": 8, "dims": [32, 3], "elements": 96, "offset": 0, "bytes": 102},
        {"name": "b", "type": 0, "dims": [5], "elements": 5, "offset": 128, "bytes": 20}]
    assert got["data_bytes"] == 148
