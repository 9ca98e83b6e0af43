# SPDX-License-Identifier: Apache-2.0
"""What can execute code when it is loaded is refused, by name and by content, and taken only when its
digest is allowed."""
import hashlib
import io
import json
import pickle
import struct
import tarfile
import zipfile

import pytest

from conftest import fails, ok


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


def model(name, **more):
    return {"m": {"source": {"type": "hub", "repository": "org/code", "revision": "main"},
                  "files": [{"name": name}], "path": "m", **more}}


@pytest.fixture
def evil(place, hub):
    """A place with one file to lock; gives (place, name, bytes)."""
    def make(row, **more):
        name, data = ROWS[row]
        entry = {"name": name}
        if row == "by its name at the source":
            entry["save_as"] = "model.safetensors"
        hub.repository("org/code", {name: data})
        place.write({"m": {**MODEL, "files": [entry], **more}})
        ok(place.lock())
        return entry.get("save_as", name), data
    return make


MODEL = {"source": "hf:org/code@main", "path": "m", "required": True}
