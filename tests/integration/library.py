# SPDX-License-Identifier: Apache-2.0
"""libbake installed into a directory, and as a Python object. Run as a program, it resolves a model
and says what came of it: for tests that want another process."""
import ctypes
import json
import pathlib
import re
import subprocess
import sys

POINTER, TEXT, INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
OFF, QUICK, FULL = 1, 2, 3
FETCH = 2
ORIGINS = {1: "baked", 2: "fallback", 3: "fetched"}


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("models_dir", TEXT), ("index_path", TEXT),
                ("fallback_dir", TEXT), ("lock_path", TEXT), ("fetch_program", TEXT),
                ("fetch_args", ctypes.POINTER(TEXT)), ("check", ctypes.c_int32),
                ("fallback", ctypes.c_int32), ("offline", ctypes.c_uint32),
                ("retry_ms", ctypes.c_uint32)]


class Failure(Exception):
    def __init__(self, status, id, message, hint):
        super().__init__(f"{status} {id}: {message} ({hint})")
        self.status, self.id, self.message, self.hint = status, id, message, hint


def cache_of(build):
    text = (build / "CMakeCache.txt").read_text()
    return dict(re.findall(r"^(\w+):\w+=(.*)$", text, re.M))


def install(build, prefix):
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                   capture_output=True)
    library = next(prefix.rglob("libbake.so.0"))
    return library.parent


class Runtime:
    """Names of files are given as str; args is for bake-fetch."""

    def __init__(self, library, args=(), **options):
        self.bake = ctypes.CDLL(str(library))
        for name in ("error_new", "found_path", "found_notice", "found_fd_path", "error_id",
                     "error_message", "error_hint", "info_json", "model_id"):
            getattr(self.bake, f"bake_runtime_{name}").restype = \
                POINTER if name == "error_new" else TEXT
        values = {name: str(value).encode() if not isinstance(value, int) else value
                  for name, value in options.items()}
        args = (TEXT * (len(args) + 1))(*(str(arg).encode() for arg in args), None)
        self.handle = POINTER()
        wanted = Options(size=ctypes.sizeof(Options), fetch_args=args, **values)
        self.call("open", ctypes.byref(wanted), ctypes.byref(self.handle))

    def call(self, name, *args):
        error = POINTER(self.bake.bake_runtime_error_new())
        try:
            status = getattr(self.bake, f"bake_runtime_{name}")(*args, error)
            if status:
                raise Failure(status, *(
                    getattr(self.bake, f"bake_runtime_error_{part}")(error).decode()
                    for part in ("id", "message", "hint")))
        finally:
            self.bake.bake_runtime_error_free(error)

    def resolve(self, model, check=FULL):
        """(origin, path, bytes, notice)"""
        found = POINTER()
        self.call("resolve", self.handle, model.encode(), check, ctypes.byref(found))
        try:
            path = pathlib.Path(self.bake.bake_runtime_found_path(found).decode())
            link = self.bake.bake_runtime_found_fd_path(found).decode()
            notice = self.bake.bake_runtime_found_notice(found)
            content = pathlib.Path(link).read_bytes() if path.is_file() else None
            return ORIGINS[self.bake.bake_runtime_found_origin(found)], path, content, notice
        finally:
            self.bake.bake_runtime_found_close(found)

    def info(self):
        return json.loads(self.bake.bake_runtime_info_json(self.handle, None))

    def close(self):
        self.bake.bake_runtime_close(self.handle)


def main(library, model, options):
    options = json.loads(options)
    try:
        runtime = Runtime(library, options.pop("args", ()), **options)
        origin, path, _, _ = runtime.resolve(model)
        print(json.dumps({"origin": origin, "path": str(path)}))
    except Failure as failure:
        print(json.dumps({"status": failure.status, "id": failure.id, "hint": failure.hint,
                          "message": failure.message}))


if __name__ == "__main__":
    main(*sys.argv[1:])
