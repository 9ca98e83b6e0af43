#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The index alone, with nothing of ours in the process: model-info.json is what GET /model-info
answers, once the two values are in it that only a running server knows.

    python_json.py      prints that answer
"""
import json
import os
import pathlib

MODELS = pathlib.Path(os.environ.get("MODEL_CACHE_DIR", "/app/models"))
ANSWER = ("model_name", "model_version", "supported_ranks", "supported_steps", "default_rank",
          "default_steps", "max_steps", "gpu_memory_usage", "model_config")


def gpu_memory_usage():
    """"4.2GB", as torch.cuda.memory_allocated() says it; None where there is no GPU."""
    return None


def model_info():
    index = json.loads((MODELS / "model-info.json").read_text())
    index["gpu_memory_usage"] = gpu_memory_usage()
    return {key: index[key] for key in ANSWER}


def is_usable(model):
    """What a server may rely on without reading a byte: it is there, with its size."""
    return all((MODELS / file["path"]).is_file()
               and (MODELS / file["path"]).stat().st_size == file["size"]
               for file in model["files"])


if __name__ == "__main__":
    print(json.dumps(model_info(), indent=2))
