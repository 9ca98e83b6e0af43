# SPDX-License-Identifier: Apache-2.0
"""Answers as bake-serve does, for the tests of the page: its files, an index as it is on the disk,
estimates by the command line tool, downloads by state.json. It checks nothing and is for loopback."""
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
          "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8"}
NAMES = {"vllm": {"context": "--max-model-len", "parallel": "--max-num-seqs",
                  "gpu_memory_utilization": "--gpu-memory-utilization"},
         "ollama": {"context": "--num-ctx"}, "llama.cpp": {"context": "-c", "parallel": "-np"}}


class Site:
    """A models directory on a server. token: of the administrator."""

    def __init__(self, models, tools, token="t0ken"):
        self.models, self.tools, self.token = pathlib.Path(models), pathlib.Path(tools), token
        self.asked, self.overrides, self.runtime, self.closing = [], {}, {}, False
        self.verified, self.statuses = None, {}
        site = self

        class Bound(Handler):
            pass

        Bound.site = site
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def close(self):
        self.closing = True
        self.server.shutdown()
        self.server.server_close()

    def index(self):
        index = json.loads((self.models / "model-info.json").read_text())
        for model in index["models"]:
            model["status"] = self.statuses.get(model["id"], model["status"])
            if model["id"] in self.overrides:
                model["overrides"] = self.overrides[model["id"]]
            if model["id"] in self.runtime:
                model["architecture"]["runtime"] = self.runtime[model["id"]]
        return index

    def run(self, tool, *args):
        done = subprocess.run([self.tools / tool, *args, "--json"], capture_output=True, text=True,
                              check=False)
        return json.loads(done.stdout)

    def estimate(self, query):
        model = query.pop("model", None)
        args = [f"--{name.replace('_', '-')}" + ("" if name == "offload" else f"={value}")
                for name, value in query.items()]
        return self.run("bake-index", "estimate", model, "-d", str(self.models), *args)

    def apply(self, model, asked):
        """What bake-index apply does, for arguments that are not there yet."""
        names, words = NAMES[asked["engine"]], []
        before = self.overrides.get(model, {}).get(asked["engine"], {}).get("extra_args", [])
        for key in ("context", "parallel", "gpu_memory_utilization"):
            if key in asked:
                value = asked[key]
                if key == "context" and asked["engine"] == "llama.cpp":
                    value *= asked.get("parallel", 1)
                words += [names[key], str(value)]
        self.overrides.setdefault(model, {})[asked["engine"]] = {"extra_args": words}
        return {"ok": True, "engine": asked["engine"], "changed": True, "before": lines(before),
                "after": lines(words)}


def lines(words):
    return [f"{flag} {value}" for flag, value in zip(words[::2], words[1::2])]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site = None

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(data)

    def file(self, name):
        path = ROOT / "page" / name
        self.answer(path.read_bytes(), kind=TYPES[path.suffix])

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        told = None
        while not self.site.closing:
            try:
                state = json.loads((self.site.models / ".bake/state.json").read_text())
            except (OSError, ValueError):
                state = {"models": {}}  # there is none any more
            if state != told:
                told = state
                self.wfile.write(f"event: state\ndata: {json.dumps(state)}\n\n".encode())
            else:
                self.wfile.write(b": here\n\n")
            self.wfile.flush()
            time.sleep(0.1)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.site.asked.append(("GET", self.path, None))
        try:
            if url.path == "/":
                self.file("index.html")
            elif re.fullmatch(r"/[a-z]+\.(js|css)", url.path) and \
                    (ROOT / "page" / url.path[1:]).is_file():
                self.file(url.path[1:])
            elif url.path == "/model-info":
                self.answer(self.site.index())
            elif url.path == "/health":
                self.answer({"status": "ok"})
            elif url.path == "/estimate":
                report = self.site.estimate(query)
                self.answer(report, 200 if report["ok"] or "parts" in report else 400)
            elif url.path == "/storage":
                disk = shutil.disk_usage(self.site.models)
                self.answer({"total": disk.total, "free": disk.free})
            elif url.path == "/verify":
                self.answer(self.site.verified or {})
            elif url.path == "/events":
                self.events()
            else:
                self.answer({"ok": False, "message": "there is no such thing"}, 404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.site.asked.append(("POST", self.path, body))
        if self.headers.get("Authorization") != f"Bearer {self.site.token}":
            self.answer({"ok": False, "error": "http.token", "message": "the token is not right"},
                        401)
        elif self.path.startswith("/apply/"):
            self.answer(self.site.apply(urllib.parse.unquote(self.path[7:]), body))
        elif self.path == "/verify":
            report = self.site.run("bake-verify", "-d", str(self.site.models), "--quick")
            self.site.verified = {"state": "done", "at": "2026-01-02T03:04:05Z", "report": report}
            self.answer(self.site.verified)
        elif self.path == "/reconcile":
            self.site.runtime["chat"] = {"runtime_context_tokens": 8192, "source": "vllm-manager",
                                         "configured_max_model_len": 8192,
                                         "observed_at": "2026-01-02T03:04:05Z",
                                         "gpu_memory_gib": {"index": 0, "used": 9.5, "total": 24}}
            self.answer({"ok": True, "changed": True})
        else:
            self.answer({"ok": True})
