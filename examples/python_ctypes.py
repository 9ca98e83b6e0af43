#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libbake from Python, with nothing installed but the library.

    python_ctypes.py MODEL      prints the model's path, checked, and its digests
"""
import ctypes
import json
import os
import sys

bake = ctypes.CDLL(os.environ.get("LIBBAKE", "libbake.so.0"))
POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p
OFF, QUICK, FULL = 1, 2, 3


def declare(name, result, *arguments):
    function = getattr(bake, name)
    function.restype, function.argtypes = result, arguments
    return function


open_runtime = declare("bake_runtime_open", ctypes.c_int, POINTER, ctypes.POINTER(POINTER), POINTER)
close_runtime = declare("bake_runtime_close", None, POINTER)
resolve = declare("bake_runtime_resolve", ctypes.c_int, POINTER, TEXT, ctypes.c_int,
                  ctypes.POINTER(POINTER), POINTER)
model_json = declare("bake_runtime_model_json", ctypes.c_int, POINTER, TEXT,
                     ctypes.POINTER(POINTER), POINTER)
free = declare("bake_runtime_free", None, POINTER)
found_path = declare("bake_runtime_found_path", TEXT, POINTER)
found_fd = declare("bake_runtime_found_fd", ctypes.c_int, POINTER)
found_close = declare("bake_runtime_found_close", None, POINTER)
error_new = declare("bake_runtime_error_new", POINTER)
error_free = declare("bake_runtime_error_free", None, POINTER)
error_text = {part: declare(f"bake_runtime_error_{part}", TEXT, POINTER)
              for part in ("id", "message", "hint")}


class BakeError(Exception):
    def __init__(self, status, error):
        self.status = status
        self.id, self.message, self.hint = (error_text[part](error).decode()
                                            for part in ("id", "message", "hint"))
        super().__init__(f"error[{self.id}]: {self.message}")


def call(function, *arguments):
    """Calls with an out value and an error behind the arguments. Returns the out value."""
    out, error = POINTER(), error_new()
    try:
        status = function(*arguments, ctypes.byref(out), error)
        if status:
            raise BakeError(status, error)
        return out.value
    finally:
        error_free(error)


def main(model):
    runtime = call(open_runtime, None)
    try:
        found = call(resolve, runtime, model.encode(), FULL)
        text = call(model_json, runtime, model.encode())
        entry = json.loads(ctypes.string_at(text))
        free(text)
        print(found_path(found).decode(), os.fstat(found_fd(found)).st_size)
        for file in entry["files"]:
            print(file["sha256"], file["path"])
        found_close(found)
    finally:
        close_runtime(runtime)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BakeError as error:
        print(f"{error}\nhint: {error.hint}" if error.hint else error, file=sys.stderr)
        sys.exit(-error.status)
