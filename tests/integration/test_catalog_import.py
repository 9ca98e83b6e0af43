# SPDX-License-Identifier: Apache-2.0
"""Lists of models of other programs, as a manifest: nothing of it is made up."""
import hashlib
import json
import os
import pathlib

import pytest

from conftest import fails, ok, run

HF = "https://huggingface.co"
SHA = "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b"
COMMIT = "462165984030d82259a11f4367a4eed129e94a7b"


def imported(tmp_path, content, name="list.json", code=0, args=()):
    """The manifest, and the warnings as (entry, id)."""
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    result = run("bake-catalog", "import", path, "--json", *args)
    assert result.code == code, result
    report = result.json
    assert report["ok"] == (code == 0)
    warnings = [(row.get("entry"), row["id"]) for row in report["warnings"]]
    manifest = json.loads(report["manifest"]) if "manifest" in report else None
    return manifest, warnings


def catalog(**models):
    """models: {id: {format: entry}} of one category."""
    return {"metadata": {"version": "1.0"}, "categories": {"checkpoints": {
        "description": "x", "storage_priority": 2, "models": models}}}


def entry(path="org/name/resolve/main/a.safetensors", **fields):
    return {"name": "A Model", "url": f"{HF}/{path}", **fields}


def test_models_catalog(tmp_path):
    manifest, warnings = imported(tmp_path, {**catalog(sdxl_base={"safetensors": entry(
        f"stabilityai/sdxl/resolve/{COMMIT}/sd_xl.safetensors?download=true",
        format="safetensors", size="6.9 GB", size_bytes=6938078334, description="Base",
        category="checkpoints", tags=["sdxl", "base"], use_case=["x"], recommended=True,
        performance_notes="", requirements=[], hash_sha256=SHA.upper())}),
        "usage_recommendations": {"free_tier_50gb": {"models": ["sdxl_base.safetensors"]}}})
    assert manifest == {"schema": "bake.manifest/1", "name": "list", "models": {"sdxl_base": {
        "title": "A Model", "description": "Base", "category": "checkpoints",
        "source": {"hub": "stabilityai/sdxl", "revision": COMMIT},
        "files": [{"name": "sd_xl.safetensors", "size": 6938078334, "sha256": SHA}],
        "path": "checkpoints", "required": False, "priority": 2,
        "tags": ["sdxl", "base", "recommended"]}},
        "profiles": {"free_tier_50gb": ["sdxl_base"]}}
    assert warnings == []


@pytest.mark.parametrize("fields, warning, size", [
    ({"size_bytes": 6938078334}, None, 6938078334),
    ({"size_bytes": 7400000000}, "import.size", None),
    ({"size_bytes": 69 * 2**20}, "import.size", None),
    ({"size_bytes": 6938078334.0}, None, 6938078334),
    ({"size": "24 GB", "size_bytes": 6938078334}, "import.size", None),
    ({"size": "6.46 GB", "size_bytes": 6938078334}, None, 6938078334),  # GiB are meant
    ({"size": "6.9 GB"}, "import.size", None),
    ({"size": "large"}, "import.size", None),
    ({"size_bytes": 0}, "import.size", None),
    ({"size_bytes": -5}, None, None),
    ({"size_bytes": 2**60}, None, None),
    ({"size_bytes": 1e300}, None, None),
    ({"size_mb": 1900}, "import.size", None),
])
def test_sizes(tmp_path, fields, warning, size):
    manifest, warnings = imported(tmp_path, catalog(a={"gguf": entry(hash_sha256=SHA, **fields)}))
    assert [name for _, name in warnings] == ([warning] if warning else [])
    assert manifest["models"]["a"]["files"][0].get("size") == size


@pytest.mark.parametrize("text, good", [
    (SHA, True), (SHA.upper(), True), ("sha256:" + SHA, True), (SHA[:-1], False),
    (SHA + "0", False), ("0" * 64, False), ("a" * 64, False), ("0123456789abcdef" * 4, False),
    ("placeholder", False), ("abc123", False), ("x" * 64, False), ("TODO", False)])
def test_digests(tmp_path, text, good):
    manifest, warnings = imported(tmp_path, catalog(a={"gguf": entry(hash_sha256=text)}))
    assert manifest["models"]["a"]["files"][0].get("sha256") == (SHA if good else None)
    assert warnings == ([] if good else [("a.gguf", "import.digest")])


def test_no_digest_is_one_warning_for_all(tmp_path):
    _, warnings = imported(tmp_path, catalog(
        a={"gguf": entry(hash_sha256="")}, b={"gguf": entry("org/b/resolve/main/b.gguf")}))
    assert warnings == [(None, "import.digest")]


@pytest.mark.parametrize("url, source, name", [
    (f"{HF}/o/n/resolve/main/d/a.bin", {"hub": "o/n", "revision": "main"}, "d/a.bin"),
    (f"{HF}/o/n/blob/v1/a.bin", {"hub": "o/n", "revision": "v1"}, "a.bin"),
    (f"{HF}/o/n/resolve/refs%2Fpr%2F1/a.bin?download=true", {"hub": "o/n", "revision": "refs/pr/1"}, "a.bin"),
    (f"{HF}/o/n/resolve/main/a%20b.bin", {"hub": "o/n", "revision": "main"}, "a b.bin"),
    ("https://hf.co/o/n/resolve/main/a.bin", {"hub": "o/n", "revision": "main"}, "a.bin"),
    (f"{HF}/o/n", {"hub": "o/n"}, None),
    (f"{HF}/o/n/tree/main", {"hub": "o/n", "revision": "main"}, None),
    ("https://example.org/x/a.bin?download=true", {"url": "https://example.org/x/a.bin"}, "a.bin"),
    ("https://example.org/x/a.bin?v=2", {"url": "https://example.org/x/a.bin?v=2"}, "a.bin"),
    ("https://example.org/x/a.bin#top", {"url": "https://example.org/x/a.bin"}, "a.bin"),
])
def test_urls(tmp_path, url, source, name):
    manifest, _ = imported(tmp_path, catalog(a={"gguf": entry(url=url) | {"url": url}}))
    model = manifest["models"]["a"]
    assert model["source"] == source
    assert model.get("files", [{}])[0].get("name") == name


@pytest.mark.parametrize("url, warning", [
    ("https://example.org/a.bin?token=geheim", "import.secret"),
    ("https://user:geheim@example.org/a.bin", "import.secret"),
    (f"{HF}/o/n/resolve/main/a.bin?X-Amz-Signature=geheim", "import.secret"),
    ("ftp://example.org/a.bin", "import.url"), ("a.bin", "import.url"), ("https://", "import.url"),
    ("https://example.org", "import.url"), ("https://example.org/d/", "import.url"),
    (f"{HF}/o/n/resolve/main/../../x", "import.url"), (f"{HF}/o/n/resolve/main/%2e%2e/x", "import.url"),
    (f"{HF}/o/n/resolve/main/a%", "import.url"), (f"{HF}/o/n/resolve/main/a%00b", "import.url"),
    ("https://example.org/a b", "import.url"), (None, "import.url"), ("", "import.url"),
])
def test_urls_that_are_refused(tmp_path, url, warning):
    content = catalog(a={"gguf": {"name": "A", "url": url}}, b={"gguf": entry(hash_sha256=SHA)})
    (tmp_path / "list.json").write_text(json.dumps(content))
    result = run("bake-catalog", "import", tmp_path / "list.json")
    assert "geheim" not in result.err + result.out
    manifest, warnings = imported(tmp_path, content, code=24)
    assert list(manifest["models"]) == ["b"] and ("a.gguf", warning) in warnings


def test_nothing_is_left(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(catalog(a={"gguf": {"name": "A"}})))
    fails(run("bake-catalog", "import", tmp_path / "x.json"), 66, "import.nothing")


def test_names_that_collide_get_directories_of_their_own(tmp_path):
    manifest, warnings = imported(tmp_path, catalog(**{
        f"net{n}": {"safetensors": entry(f"org/n{n}/resolve/main/model.safetensors")}
        for n in range(3)}))
    assert [model["path"] for model in manifest["models"].values()] == [
        "checkpoints", "checkpoints/net1", "checkpoints/net2"]
    assert [name for name, kind in warnings if kind == "import.collision"] == [
        "net1.safetensors", "net2.safetensors"]


def test_two_entries_of_one_file_are_one(tmp_path):
    manifest, warnings = imported(tmp_path, catalog(a={"gguf": entry()}, b={"gguf": entry()}), code=24)
    assert list(manifest["models"]) == ["a"] and ("b.gguf", "import.twice") in warnings


def test_repositories_that_differ_by_case(tmp_path):
    manifest, warnings = imported(tmp_path, catalog(
        a={"gguf": entry("Org/Name/resolve/main/a.gguf")},
        b={"gguf": entry("org/name/resolve/main/b.gguf")}))
    assert len(manifest["models"]) == 2 and ("b.gguf", "import.case") in warnings


def test_the_same_digest_for_two_files(tmp_path):
    _, warnings = imported(tmp_path, catalog(
        a={"gguf": entry(hash_sha256=SHA)},
        b={"gguf": entry("o/b/resolve/main/b.gguf", hash_sha256=SHA)}))
    assert warnings == [("b.gguf", "import.digest")]


def test_two_formats_of_one_id(tmp_path):
    content = catalog(a={"safetensors": entry(), "gguf": entry("org/g/resolve/main/a.gguf", format="bin")})
    content["usage_recommendations"] = {"p": ["a.gguf", "nothing.gguf", "a.gguf"], "q": "text"}
    manifest, warnings = imported(tmp_path, content)
    assert list(manifest["models"]) == ["a.safetensors", "a.gguf"]
    assert manifest["profiles"] == {"p": ["a.gguf"]}
    assert ("a.gguf", "import.format") in warnings and ("p", "import.profile") in warnings


def test_chroma(tmp_path):
    manifest, _ = imported(tmp_path, {"chroma_models": {
        "unet": [{"name": "Chroma v48", "url": f"{HF}/lodestones/Chroma/resolve/main/c.safetensors",
                  "size": "24 GB", "description": "x"}],
        "vae": [{"name": "VAE", "url": f"{HF}/lodestones/Chroma/resolve/main/ae.safetensors",
                 "required": True}], "note": "text"}})
    assert {name: (model["path"], model["required"]) for name, model in manifest["models"].items()} == {
        "Chroma-v48": ("unet", False), "VAE": ("vae", True)}


def test_comfyui_manager(tmp_path):
    manifest, warnings = imported(tmp_path, {"models": [
        {"name": "TAEF1", "type": "TAESD", "base": "FLUX.1", "save_path": "vae_approx",
         "description": "d", "reference": "https://x", "filename": "taef1.pth",
         "url": "https://github.com/x/raw/main/taef1_v2.pth", "size": "4.71MB"},
        {"name": "Up", "type": "upscale", "save_path": "default", "filename": "Up.pth",
         "url": f"{HF}/u/p/resolve/main/up.pth", "size": "67MB"},
        {"name": "E", "type": "lora", "save_path": "../../etc", "filename": "../../x",
         "url": f"{HF}/u/e/resolve/main/e.safetensors"},
        {"name": "civitai", "type": "lora", "save_path": "loras/x", "filename": "c.safetensors",
         "url": "https://civitai.com/api/download/models/123"}]})
    models = manifest["models"]
    assert models["TAEF1"]["files"] == [{"name": "taef1_v2.pth", "save_as": "taef1.pth"}]
    assert models["Up"]["path"] == "upscale_models"
    assert models["E"]["path"] == "u--e" and "save_as" not in models["E"]["files"][0]
    assert models["civitai"]["files"] == [{"name": "123", "save_as": "c.safetensors"}]
    assert [row for row in warnings if row[0] == "E"] == [("E", "import.path")] * 2
    assert (None, "import.size") in warnings


@pytest.mark.parametrize("camel", [False, True])
@pytest.mark.parametrize("shape", ["list", "models", "object"])
def test_lumara(tmp_path, camel, shape):
    python = {"model_id": "qwen3_embedding_0p6b", "display_name": "Qwen3", "filename": "q.gguf",
              "size_mb": 400, "min_ram_gb": 2, "description": "d", "repo_id": "Qwen/Q-GGUF",
              "is_default": True, "sha256": "",
              "download_url": f"{HF}/Qwen/Q-GGUF/resolve/main/Q-Q8_0.gguf?download=true"}
    if camel:
        words = [key.split("_") for key in python]
        python = {first + "".join(map(str.title, rest)): value
                  for (first, *rest), value in zip(words, python.values())}
    content = {"list": [python], "models": {"models": [python]},
               "object": {"qwen3_embedding_0p6b": python}}[shape]
    manifest, warnings = imported(tmp_path, content)
    model = manifest["models"]["qwen3_embedding_0p6b"]
    assert model["source"] == {"hub": "Qwen/Q-GGUF", "revision": "main"}
    wanted = [{"name": "Q-Q8_0.gguf"}] if camel else [{"name": "Q-Q8_0.gguf", "save_as": "q.gguf"}]
    assert model["files"] in (wanted, [{"name": "Q-Q8_0.gguf", "save_as": "q.gguf"}])
    assert model["default"] is True and model["min_ram"] == "2GB" and model["role"] == "embedding"
    assert warnings == [(None, "import.size"), (None, "import.digest")]


def test_models_txt(tmp_path):
    manifest, warnings = imported(tmp_path, f"""# a comment
checkpoints   {HF}/o/n/resolve/main/a.safetensors
loras\t{HF}/o/l/resolve/main/l.safetensors\r
alone

/abs {HF}/o/m/resolve/main/m.safetensors
""", name="models.txt")
    assert {name: model["path"] for name, model in manifest["models"].items()} == {
        "a.safetensors": "checkpoints", "l.safetensors": "loras", "m.safetensors": "o--m"}
    assert (None, "import.entry") in warnings and ("m.safetensors", "import.path") in warnings


def test_aria2(tmp_path):
    manifest, warnings = imported(tmp_path, f"""{HF}/o/n/resolve/main/a.bin\thttps://mirror/a.bin
  out=b.bin
  dir=unet
  checksum=sha-256={SHA}
  header=Authorization: Bearer geheim
# comment
https://example.org/c.bin
\tchecksum=md5=00
  max-connection-per-server=16
""", name="list")
    assert manifest["models"] == {
        "a.bin": {"source": {"hub": "o/n", "revision": "main"}, "files": [
            {"name": "a.bin", "save_as": "b.bin", "sha256": SHA}], "path": "unet", "required": False},
        "c.bin": {"source": {"url": "https://example.org/c.bin"}, "files": [{"name": "c.bin"}],
                  "required": False}}
    assert warnings[:3] == [("a.bin", "import.mirror"), ("a.bin", "import.secret"),
                            ("c.bin", "import.digest")]


def test_a_directory_is_pinned_and_locks(tmp_path):
    """What was measured is what bake-lock and bake-fetch find, offline."""
    models = tmp_path / "models"
    (models / "m/sub").mkdir(parents=True)
    (models / "m/sub/a.bin").write_bytes(b"a" * 10)
    (models / "top.gguf").write_bytes(b"b" * 20)
    (models / "m/link").symlink_to("sub/a.bin")
    (models / "empty").mkdir()
    (models / ".bake").mkdir()
    (models / "model-info.json").write_text("{}")
    out = tmp_path / "out.json"
    result = ok(run("bake-catalog", "import", models, "-o", out))
    assert "m/link" in result.err and "empty" in result.err
    manifest = json.loads(out.read_text())
    assert manifest["models"]["m"] == {
        "source": {"file": "models/m"}, "path": "m", "required": True, "files": [
            {"name": "sub/a.bin", "size": 10, "sha256": hashlib.sha256(b"a" * 10).hexdigest()}]}
    ok(run("bake-lock", out))
    ok(run("bake-fetch", "-l", tmp_path / "out.lock.json", "-d", tmp_path / "baked"))
    assert (tmp_path / "baked/m/sub/a.bin").read_bytes() == b"a" * 10
    fails(run("bake-catalog", "import", models, cwd=models / "m"), 64, "usage.value")


def test_output_is_not_overwritten(tmp_path):
    (tmp_path / "models.txt").write_text(f"vae {HF}/o/n/resolve/main/a.bin\n")
    out = tmp_path / "out.json"
    out.write_text("mine")
    fails(run("bake-catalog", "import", tmp_path / "models.txt", "-o", out), 73, "import.exists")
    assert out.read_text() == "mine"
    ok(run("bake-catalog", "import", tmp_path / "models.txt", "-o", out, "--force"))
    first = out.read_bytes()
    assert json.loads(first)["name"] == "out"
    ok(run("bake-catalog", "import", tmp_path / "models.txt", "-o", out, "--force"))
    assert out.read_bytes() == first


def test_several_lists(tmp_path):
    (tmp_path / "a.txt").write_text(f"vae {HF}/o/n/resolve/main/a.bin\n")
    (tmp_path / "b.txt").write_text(f"vae {HF}/o/m/resolve/main/a.bin\n")
    manifest = json.loads(ok(run("bake-catalog", "import", tmp_path / "a.txt", tmp_path / "b.txt",
                                 "--name", "both")).out)
    assert manifest["name"] == "both"
    assert {name: model["path"] for name, model in manifest["models"].items()} == {
        "a.bin": "vae", "a.bin-2": "vae/a.bin-2"}


def test_hostile_texts_are_inert(tmp_path):
    evil = "\x1b]8;;http://evil\x07 \u202e\x00 end"
    content = catalog(a={"gguf": entry(description=evil, tags=[evil, 5], hash_sha256=evil) | {"name": evil}})
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content).replace("\\u0000", ""))
    for args in ([], ["--json"]):
        result = run("bake-catalog", "import", path, *args)
        assert result.code == 0
        for bad in ("\x1b", "\x07", "\u202e"):
            assert bad not in result.out + result.err
    (tmp_path / "m.json").write_text(ok(run("bake-catalog", "import", path)).out)
    ok(run("bake-catalog", "list", "-m", tmp_path / "m.json", "-d", tmp_path))


@pytest.mark.parametrize("text, code, error", [
    ("{}", 65, "import.unknown"), ("[]", 65, "import.unknown"), ("[1]", 65, "import.unknown"),
    ('{"categories": []}', 65, "import.unknown"), ("hello", 65, "import.unknown"),
    ("", 65, "import.unknown"), ("{", 65, "json.syntax"),
    ('{"categories": {}}', 66, "import.nothing"),
    ('{"categories": {"a": 5, "b": {"models": 5}}}', 66, "import.nothing"),
])
def test_documents_that_are_none(tmp_path, text, code, error):
    path = tmp_path / "x"
    path.write_text(text)
    fails(run("bake-catalog", "import", path), code, error)


def test_format_may_be_said(tmp_path):
    path = tmp_path / "x"
    path.write_text(f"d {HF}/o/n/resolve/main/a.bin\n")
    ok(run("bake-catalog", "import", "--format", "models-txt", path))
    assert run("bake-catalog", "import", "--format", "catalog", path).code == 65


def test_too_many_entries(tmp_path):
    path = tmp_path / "x"
    path.write_text("".join(f"d {HF}/o/n/resolve/main/{n}.bin\n" for n in range(4097)))
    fails(run("bake-catalog", "import", path), 65, "data.too-large")
