# SPDX-License-Identifier: Apache-2.0
"""bake-index inspect: what a model is, from its own files, here and far away."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from conftest import TOOLS, environment, fails, noise, ok, run
from hubserver import Fault
from models import gguf, safetensors

LLAMA = {"general.file_type": ("u32", 7), "llama.block_count": ("u32", 2),
         "llama.attention.head_count": ("u32", 4), "llama.attention.head_count_kv": ("u32", 2),
         "llama.embedding_length": ("u32", 64), "llama.context_length": ("u32", 2048)}
TENSORS = {"token_embd.weight": ([64, 32], 0, 64 * 32 * 4), "blk.0.w": ([32, 4], 8, 4 * 34),
           "blk.1.w": ([32, 4], 8, 4 * 34)}
CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 3,
          "num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 128,
          "max_position_embeddings": 4096, "torch_dtype": "bfloat16"}


def llama(**changes):
    return gguf({**LLAMA, **changes}, TENSORS)


def projector(layers=5):
    return gguf({"general.architecture": ("str", "clip"), "clip.vision.block_count": ("u32", layers),
                 "clip.vision.image_size": ("u32", 336), "clip.vision.patch_size": ("u32", 14)},
                {"v.w": ([32], 0, 128)})


def weights(count=64, dtype="BF16", name="w", metadata=None):
    return safetensors({name: (dtype, [count], count * {"BF16": 2, "I8": 1, "F32": 4}[dtype])},
                       metadata=metadata)


def write(directory, files):
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return directory


def inspect(what, *args, **options):
    return ok(run("bake-index", "inspect", what, "--json", *args, **options)).json


def uses(report):
    return {file["path"]: file["use"] for file in report["files"]}


def test_gguf(tmp_path):
    path = write(tmp_path, {"model.gguf": llama()}) / "model.gguf"
    report = inspect(path)
    assert report["format"] == "gguf" and report["quantization"] == "Q8_0"
    architecture = report["architecture"]
    assert (architecture["num_layers"], architecture["num_kv_heads"], architecture["head_dim"]) == (2, 2, 16)
    assert architecture["field_sources"]["num_layers"] == "gguf:model.gguf:llama.block_count"
    assert report["weights"]["types"] == {"f32": 8192, "q8_0": 272}
    assert report["files"][0]["version"] == 3 and report["files"][0]["tensors"] == 3


def test_text_for_people(tmp_path):
    path = write(tmp_path, {"model.gguf": llama()}) / "model.gguf"
    out = ok(run("bake-index", "inspect", path)).out
    assert "format                   gguf" in out and "kv heads                 2\n" in out
    out = ok(run("bake-index", "inspect", "-v", path)).out
    assert "num_kv_heads             2  (gguf:model.gguf:llama.attention.head_count_kv)" in out


def test_splits_are_one_model(tmp_path):
    split = gguf({**LLAMA, "split.no": ("u16", 0), "split.count": ("u16", 2)}, TENSORS)
    more = gguf({"split.no": ("u16", 1), "split.count": ("u16", 2)}, {"blk.2.w": ([32, 4], 8, 136)})
    write(tmp_path, {"m-00001-of-00002.gguf": split, "m-00002-of-00002.gguf": more, "zoo.gguf": llama()})
    report = inspect(tmp_path / "m-00002-of-00002.gguf")
    assert uses(report) == {"m-00001-of-00002.gguf": "weights", "m-00002-of-00002.gguf": "weights"}
    assert report["weights"]["tensors"] == 4 and report["architecture"]["num_layers"] == 2
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    report = inspect(tmp_path / "m-00001-of-00002.gguf")
    assert "m-00001-of-00002.gguf: 1 of 2 parts are here" in report["architecture"]["warnings"]


@pytest.mark.parametrize("name, taken", [
    ("mmproj-F16.gguf", True), ("mmproj-Qwen2.5-VL-f16.gguf", True), ("mmproj-gemma-3-f16.gguf", False)])
def test_projector_beside_the_model(tmp_path, name, taken):
    write(tmp_path, {"Qwen2.5-VL-3B-Q8_0.gguf": llama(), name: projector()})
    report = inspect(tmp_path / "Qwen2.5-VL-3B-Q8_0.gguf")
    assert (report["architecture"].get("vision", {}).get("num_layers") == 5) == taken
    assert ("projector_weights" in report) == taken
    assert report["weights"]["tensors"] == 3


def test_projector_by_itself(tmp_path):
    write(tmp_path, {"model.gguf": llama(), "mmproj-F16.gguf": projector()})
    report = inspect(tmp_path / "mmproj-F16.gguf")
    assert report["architecture"]["vision"]["image_size"] == 336
    assert report["weights"]["tensors"] == 1 and "num_layers" not in report["architecture"]


def test_several_quantizations_are_not_one_model(tmp_path):
    write(tmp_path, {"a-Q4.gguf": llama(), "a-Q8.gguf": llama()})
    report = inspect(tmp_path)
    assert uses(report) == {"a-Q4.gguf": "weights", "a-Q8.gguf": "spare"}
    assert any("further models" in text for text in report["architecture"]["warnings"])


def test_transformers(tmp_path):
    shards = {"model-00001-of-00002.safetensors": weights(name="a"),
              "model-00002-of-00002.safetensors": weights(name="b", count=32)}
    index = {"metadata": {"total_size": 192}, "weight_map": {"a": "model-00001-of-00002.safetensors",
                                                              "b": "model-00002-of-00002.safetensors"}}
    write(tmp_path, {"config.json": CONFIG, "model.safetensors.index.json": index, **shards,
                     "consolidated.safetensors": weights()})
    report = inspect(tmp_path)
    assert report["format"] == "transformers" and report["weights"]["bytes"] == 192
    assert report["architecture"]["num_layers"] == 3
    assert report["architecture"]["field_sources"]["num_layers"] == "config:config.json:num_hidden_layers"
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    assert "1 of 2 shards are not here" in inspect(tmp_path)["architecture"]["warnings"]


def test_shards_without_an_index(tmp_path):
    write(tmp_path, {f"m-0000{n}-of-00002.safetensors": weights(name=str(n)) for n in (1, 2)})
    assert inspect(tmp_path / "m-00001-of-00002.safetensors")["weights"]["tensors"] == 2


def test_another_precision_is_not_loaded(tmp_path):
    write(tmp_path, {"model.safetensors": weights(), "model.fp16.safetensors": weights()})
    assert inspect(tmp_path)["weights"]["tensors"] == 1


def test_quantized_configuration(tmp_path):
    write(tmp_path, {"config.json": {**CONFIG, "quantization_config": {"quant_method": "gptq", "bits": 4,
                                                                       "group_size": 128}},
                     "model.safetensors": weights()})
    assert inspect(tmp_path)["architecture"]["quantization"]["method"] == "gptq"


def test_nunchaku_keeps_two_weights_in_a_byte(tmp_path):
    quantization = {"method": "svdquant", "rank": 32, "weight": {"dtype": "int4", "group_size": 64}}
    path = tmp_path / "svdq-int4_r32-x.safetensors"
    path.write_bytes(weights(100, "I8", "transformer_blocks.0.attn.to_qkv.qweight",
                             {"quantization_config": json.dumps(quantization), "config": "{}"}))
    report = inspect(path)
    assert report["quantization"] == "int4" and report["weights"]["parameters"] == 200


def test_pipeline(tmp_path):
    index = {"_class_name": "QwenImagePipeline", "_diffusers_version": "0.35.0",
             "scheduler": ["diffusers", "Flow"], "text_encoder": ["transformers", "Qwen"],
             "transformer": ["diffusers", "QwenImageTransformer2DModel"]}
    write(tmp_path, {"model_index.json": index, "scheduler/scheduler_config.json": {},
                     "text_encoder/config.json": CONFIG, "text_encoder/model.safetensors": weights(100),
                     "transformer/config.json": {"_class_name": "QwenImageTransformer2DModel", "num_layers": 60,
                                                 "num_attention_heads": 24, "attention_head_dim": 128}})
    report = inspect(tmp_path)
    assert report["format"] == "diffusers"
    parts = {part["name"]: part for part in report["architecture"]["components"]}
    assert parts["transformer"]["architecture"]["hidden_size"] == 3072
    assert "architecture" not in parts["scheduler"]
    assert report["component_weights"]["text_encoder"]["bytes"] == 200 == report["weights"]["bytes"]
    assert "component 'transformer' has no weights here" in report["architecture"]["warnings"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe{}", b"[" * 5000, b'{"a": 1, "a": 2}',
                                  b"<html>sign in</html>"])
def test_broken_configuration_is_a_warning(tmp_path, text):
    write(tmp_path, {"config.json": text, "model.safetensors": weights()})
    report = inspect(tmp_path)
    assert report["weights"]["tensors"] == 1
    assert any(warning.startswith("config.json") for warning in report["architecture"]["warnings"])


def test_pointers_are_a_model_elsewhere(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 4000000000\n"
    write(tmp_path, {"config.json": CONFIG, "model.safetensors": pointer})
    report = inspect(tmp_path)
    assert report["pointer_bytes"] == 4_000_000_000 and report["architecture"]["num_layers"] == 3
    assert report["files"][0]["problem"] == "integrity.lfs-pointer"
    fails(run("bake-index", "inspect", tmp_path / "model.safetensors"), 20, "integrity.lfs-pointer")


@pytest.mark.parametrize("name, data, error", [
    ("x.gguf", b"GGUF" + b"\0" * 60, "gguf.version"),
    ("x.gguf", b"not one", "gguf.magic"),
    ("x.safetensors", b"\xff" * 40, "st.header"),
    ("x.txt", b"some words", "inspect.format"),
])
def test_the_file_that_is_asked_about_must_be_right(tmp_path, name, data, error):
    path = write(tmp_path, {name: data}) / name
    fails(run("bake-index", "inspect", path), 65, error)
    report = run("bake-index", "inspect", "--json", path).json
    assert (report["ok"], report["error"], report["exit_code"]) == (False, error, 65)


def test_name_does_not_matter(tmp_path):
    write(tmp_path, {"blob1": llama(), "blob2": weights()})
    assert inspect(tmp_path / "blob1")["format"] == "gguf"
    assert inspect(tmp_path / "blob2")["weights"]["tensors"] == 1


def test_links_of_a_clients_cache(tmp_path):
    write(tmp_path, {"blobs/1": llama(), "blobs/2": json.dumps(CONFIG).encode(), "snapshots/c/x": b""})
    snapshot = tmp_path / "snapshots/c"
    (snapshot / "model.gguf").symlink_to("../../blobs/1")
    (snapshot / "dangling.gguf").symlink_to("../../blobs/nothing")
    (snapshot / "loop").symlink_to(".")
    assert inspect(snapshot)["architecture"]["num_layers"] == 2


def test_pickle_is_executable_code(tmp_path):
    write(tmp_path, {"config.json": CONFIG, "pytorch_model.bin": b"\x80\x02}q\x00."})
    report = inspect(tmp_path)
    assert report["executable_code"] is True and report["files"][0]["problem"] == "policy.pickle"


def test_a_pickle_under_the_name_of_weights(tmp_path):
    """What it is counts, not that it is a bad safetensors file."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsq\x00\x85q\x01Rq\x02.")
    report = ok(run("bake-index", "inspect", "--json", path)).json
    assert report["executable_code"] is True and report["files"][0]["problem"] == "policy.pickle"


@pytest.mark.parametrize("what", ["nothing", "empty"])
def test_nothing_there(tmp_path, what):
    (tmp_path / "empty").mkdir()
    fails(run("bake-index", "inspect", tmp_path / what), 66,
          "fs.not-found" if what == "nothing" else "inspect.nothing")


def test_fifo_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "model.gguf")
    fails(run("bake-index", "inspect", tmp_path / "model.gguf", timeout=20), 66, "inspect.nothing")


# Remote files.


@pytest.fixture
def remote(hub):
    hub.add("org/m", {"big.gguf": llama() + noise(3_000_000), "dir/a b.safetensors": weights(3000),
                      "page.gguf": b"<!doctype html><html>" + noise(9000)})
    return hub


def far(hub, *args, **options):
    return run("bake-index", "inspect", "--endpoint", hub.origin, "--mirror", hub.cdn, *args, **options)


def sent(hub):
    return sum(request.sent for request in hub.log)


@pytest.mark.parametrize("url", ["hf://org/m/big.gguf", "hf://org/m@main/big.gguf",
                                 "{}/org/m/resolve/main/big.gguf?download=true"])
def test_remote(remote, url):
    # A reader that the machine keeps waiting for 10 ms is sent the next range, too.
    for _ in range(5):
        remote.log.clear()
        report = ok(far(remote, "--json", url.format(remote.origin))).json
        assert report["architecture"]["num_layers"] == 2 and report["weights"]["tensors"] == 3
        assert report["files"][0]["path"] == "big.gguf" and report["files"][0]["bytes"] > 3_000_000
        assert sent(remote) < 2_000_000
        if sent(remote) < 300_000:
            return
    pytest.fail(f"{sent(remote)} bytes were sent each time")


def test_remote_name_with_blanks(remote):
    assert ok(far(remote, "--json", "hf://org/m/dir/a b.safetensors")).json["weights"]["bytes"] == 6000


def test_remote_server_without_ranges(remote):
    remote.add("org/huge", {"huge.gguf": llama() + noise(40_000_000)})
    remote.faults.append(Fault("^GET /", times=-1, ignore_range=True))
    assert ok(far(remote, "--json", "hf://org/huge/huge.gguf")).json["weights"]["tensors"] == 3
    assert sent(remote) < 20_000_000  # what was under way when enough was there


def test_remote_goes_on_after_a_drop(remote):
    remote.faults.append(Fault("^GET /[0-9a-f]", times=1, cut=100))
    remote.faults.append(Fault("lfs|cdn|signed", times=1, cut=100))
    assert ok(far(remote, "--json", "hf://org/m/big.gguf")).json["weights"]["tensors"] == 3


@pytest.mark.parametrize("url, code, error", [
    ("hf://org/m/nothing.gguf", 69, "hub.entry-not-found"),
    ("hf://org/nobody/x.gguf", 69, "hub.repository-not-found"),
    ("hf://org/m", 64, "usage.value"),
    ("hf://org/m/../x.gguf", 64, "usage.value"),
    ("hf://org/m/page.gguf", 20, "integrity.content"),
    ("https://user:secret@127.0.0.1:9/x.gguf", 22, "policy.secret-in-url"),
])
def test_remote_failures_are_those_of_bake_fetch(remote, url, code, error):
    result = fails(far(remote, url), code, error)
    assert "secret@" not in result.err and result.out == ""
    assert far(remote, "--json", url).json["error"] == error


def test_remote_policy(remote):
    url = f"{remote.cdn}/x.gguf"
    fails(run("bake-index", "inspect", url), 22, "policy.http")
    fails(run("bake-index", "inspect", "--allow-http", url), 22, "policy.private-address")
    fails(far(remote, "--offline", "hf://org/m/big.gguf"), 69, "net.offline")


def test_token_goes_to_the_endpoint_only(remote, tmp_path):
    remote.token = "hf_token"
    (tmp_path / "token").write_text("hf_token")
    ok(far(remote, "--token-file", tmp_path / "token", "hf://org/m/big.gguf"))
    assert all("authorization" not in {key.lower() for key in request.headers}
               for request in remote.log if request.origin == "cdn")


def test_without_bake_fetch(tmp_path, remote):
    shutil.copy(TOOLS / "bake-index", tmp_path / "bake-index")
    result = subprocess.run([tmp_path / "bake-index", "inspect", "hf://org/m/big.gguf"], capture_output=True,
                            env=environment(PATH=str(tmp_path)), text=True, timeout=60)
    assert result.returncode == 66 and "bake-fetch" in result.stderr, result


def test_peek_speaks_its_protocol(remote, tmp_path):
    command = [TOOLS / "bake-fetch", "--peek", "hf://org/m/big.gguf", "--endpoint", remote.origin,
               "--mirror", remote.cdn]
    whole = subprocess.run(command, capture_output=True, env=environment(), timeout=60)
    line, _, data = whole.stdout.partition(b"\n")
    assert whole.returncode == 0 and line == b"bake.peek/1 %d" % len(data)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout.read(1000)[:12] == b"bake.peek/1 "
        process.stdout.close()
        assert process.wait(30) == 0 and process.stderr.read() == b""


@pytest.mark.parametrize("args", [["-l", "lock.json"], ["--json"], ["model"]])
def test_peek_goes_with_nothing_else(args):
    fails(run("bake-fetch", "--peek", "https://example.org/x", *args), 64, "usage.conflict")


def open_files(pid):
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return names


def test_sigterm_ends_a_long_look(tmp_path):
    """A directory of many files is given up at once: no record, and the signal's exit code."""
    for number in range(20000):
        (tmp_path / f"{number}.safetensors").touch()
    process = subprocess.Popen([f"{TOOLS}/bake-index", "inspect", tmp_path], env=environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not any(str(tmp_path) in name for name in open_files(process.pid)):
        pass
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (-signal.SIGTERM, b"") and b"error[interrupted]" in err


def waits(pid):
    """Whether it sleeps, and catches SIGTERM."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as lines:
        status = dict(line.split(":", 1) for line in lines)
    return "S" in status["State"].split()[0] and int(status["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1


@pytest.mark.parametrize("args", [("migrate", "fifo"), ("show", "--index", "fifo"), ("build", "-l", "fifo")])
def test_sigterm_ends_the_wait_for_a_fifo(tmp_path, args):
    """Opening one waits for its writer: to be interrupted there was an input/output error (74)."""
    os.mkfifo(tmp_path / "fifo")
    process = subprocess.Popen([f"{TOOLS}/bake-index", *args], env=environment(), cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not waits(process.pid):
        pass
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (-signal.SIGTERM, b"") and b"error[interrupted]" in err
