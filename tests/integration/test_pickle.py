# SPDX-License-Identifier: Apache-2.0
"""What can execute code when it is loaded is refused, by name and by content, and taken only when its
digest is allowed."""
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile

import pytest

from conftest import fails, hub_model, ok


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def archive(names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(name, pickle.dumps(Evil(), 2))
    return out.getvalue()


def tar(name):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        info = tarfile.TarInfo(name)
        info.size = 3
        file.addfile(info, io.BytesIO(b"N.\n"))
    return out.getvalue()


SAFE = struct.pack("<Q", 2) + b"{}"
NPY = b"\x93NUMPY\1\0\x36\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
ROWS = {
    "protocol 2": ("model.bin", pickle.dumps(Evil(), 2)),
    "protocol 0": ("model.bin", pickle.dumps(Evil(), 0)),
    "renamed": ("model.safetensors", pickle.dumps(Evil(), 4)),
    "long": ("model.bin", pickle.dumps([b"x" * 3_000_000, Evil()], 4)),
    "torch": ("weights.bin", archive(["archive/data.pkl", "archive/version"])),
    "big letters": ("weights.bin", archive(["a/DATA.PKL"])),
    "many names": ("weights.bin", archive([f"a/{i}.bin" for i in range(200)] + ["a/x.pkl"])),
    "behind safetensors": ("model.safetensors", SAFE + archive(["data.pkl"])),
    "old torch": ("weights.bin", tar("pickle")),
    "7z": ("weights.bin", b"7z\xbc\xaf\x27\x1c" + bytes(100)),
    "objects": ("data.npy", NPY + pickle.dumps([Evil()], 3)),
    "keras": ("weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(600)),
    "by name": ("model.pt", b"who knows"),
    "by name, in parts": ("pytorch_model-00001-of-00002.bin", b"who knows"),
    "by its name at the source": ("pytorch_model.bin", b"who knows"),
}
HARMLESS = {
    "tokenizer.bin": b"\0\1\2\3" * 100,
    "model.safetensors": struct.pack("<Q", 0x280) + b"{}" + b" " * 0x27e,
    "vocab.txt": b"cat\ndog\nbird\n" * 20,
    "texts.zip": None,
    "data.npy": b"\x93NUMPY\1\0\x36\0{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }\n",
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def one(place, hub):
    """Locks a model of one file of ROWS."""
    def make(row, **more):
        name, data = ROWS[row]
        hub.add("org/name", {name: data})
        files = [{"name": name, "save_as": "model.safetensors"}] if "source" in row else None
        fields = {"files": files} if files else {"include": ["*"]}
        place.write({"m": hub_model(path="m", **fields, **more)})
        place.result = ok(place.lock())
        hub.log.clear()
        return data
    return make


@pytest.mark.parametrize("row", ROWS)
def test_refused_and_never_there(place, one, row):
    data = one(row)
    result = fails(place.fetch(), 22, "policy.pickle")
    assert sha256(data) in result.err
    assert place.files() == {}
    assert not place.parts()
    assert "executed" not in result.out + result.err


@pytest.mark.parametrize("row", ["by name", "by name, in parts", "by its name at the source"])
def test_refused_by_name_before_any_request(place, hub, one, row):
    one(row)
    fails(place.fetch(), 22, "policy.pickle")
    assert not hub.requests()


def test_refused_by_its_first_bytes(place, hub, one):
    """The rest of it does not come: its end was never asked for."""
    one("long")
    result = fails(place.fetch("-x", 1), 22, "policy.pickle")
    assert "retr" not in result.err
    assert len(hub.requests("xet-bridge")) <= 1


@pytest.mark.parametrize("row", ["protocol 2", "torch", "by name"])
def test_nothing_of_it_gets_into_the_cache(place, one, tmp_path, row):
    one(row)
    cache = tmp_path / "cache"
    fails(place.fetch("--cache", cache), 22, "policy.pickle")
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 1]
    fails(place.fetch("--cache", cache), 22, "policy.pickle")


@pytest.mark.parametrize("row", ROWS)
def test_allowed_by_its_digest(place, one, row):
    data = one(row)
    ok(place.fetch("--allow-pickle", sha256(b"another"), "--allow-pickle", sha256(data)))
    [path] = place.files()
    assert place.files()[path] == data
    if "source" in row:
        return  # under its new name and by its bytes it is nothing of the kind
    # What is there already is no better for that.
    fails(place.fetch(), 22, "policy.pickle")
    fails(place.verify("-l", place.lock_path), 22, "policy.pickle")
    ok(place.verify("-l", place.lock_path, "--allow-pickle", sha256(data)))
    ok(place.index())
    assert place.index_json["models"][0]["executable_code"] is True
    ok(place.verify())


def test_another_digest_allows_nothing(place, one):
    one("protocol 2")
    fails(place.fetch("--allow-pickle", sha256(b"another")), 22, "policy.pickle")
    result = fails(place.fetch("--allow-pickle", "all"), 64, "usage.value")
    assert "--allow-pickle" in result.err


def test_an_index_that_does_not_say_so_allows_nothing(place, one):
    data = one("protocol 2")
    ok(place.fetch("--allow-pickle", sha256(data)))
    ok(place.index())
    index = place.models / "model-info.json"
    index.write_text(index.read_text().replace('"executable_code": true', '"executable_code": false'))
    result = fails(place.verify(), 22, "policy.pickle")
    ok(place.verify("--allow-pickle", sha256(data)))
    result = place.verify("--json").json
    assert result["error"] == "policy.pickle"
    assert result["models"][0]["files"][0]["status"] == "refused"


def test_quick_goes_by_the_name_alone(place, one):
    data = one("protocol 2")
    ok(place.fetch("--allow-pickle", sha256(data)))
    ok(place.verify("-l", place.lock_path, "--quick"))
    ok(place.fetch("--quick"))


@pytest.mark.parametrize("row", ["protocol 2", "by name"])
def test_the_others_come_with_keep_going(place, hub, row):
    name, data = ROWS[row]
    hub.add("org/name", {name: data})
    hub.add("org/good", {"w.safetensors": SAFE})
    place.write({"m": hub_model(path="m", required=False),
                 "good": hub_model("org/good", path="good")})
    ok(place.lock())
    fails(place.fetch("--all", "--keep-going"), 24, "policy.pickle")
    assert list(place.files()) == ["good/w.safetensors"]


def test_a_lock_says_so(place, one):
    data = one("by name")
    assert f"--allow-pickle {sha256(data)}" in place.result.err
    assert "warning" in place.result.err


@pytest.mark.parametrize("row, warned", [("protocol 2", True), ("torch", True), ("by name", True)])
def test_a_lock_of_a_local_file_says_so(place, tmp_path, row, warned):
    name, data = ROWS[row]
    (tmp_path / name).write_bytes(data)
    place.write({"m": {"source": {"file": name}, "path": "m"}})
    result = ok(place.lock())
    assert (sha256(data) in result.err) == warned
    fails(place.fetch(), 22, "policy.pickle")
    assert place.files() == {}
    ok(place.fetch("--allow-pickle", sha256(data)))


def texts():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "hello")
    return out.getvalue()


HARMLESS = {
    "tokenizer.bin": b"\0\1\2\3" * 100,
    "onnx/model.onnx_data": bytes(4096),
    "model.safetensors": struct.pack("<Q", 0x280) + b"{}" + b" " * 0x27e,
    "other.safetensors": struct.pack("<Q", 0x950480) + b"{}" + b" " * 0x95047e,
    "vocab.txt": b"cat\ndog\nbird\n" * 20,
    "merges.txt": b"#version: 0.2\ni n\nt h\n" * 20,
    "README.md": b"---\nlicense: mit\n---\n",
    "texts.zip": texts(),
    "data.npy": b"\x93NUMPY\1\0\x36\0{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }\n",
}


def test_harmless_files_come(place, hub):
    hub.add("org/name", HARMLESS)
    place.baked({"m": hub_model(path="m", required=True)})
    assert len(place.files()) == len(HARMLESS) + 1
    assert "executable_code" not in place.index_json["models"][0]
    ok(place.verify())
