# SPDX-License-Identifier: Apache-2.0
"""A server that speaks the Hub's protocol on two origins, and misbehaves when told to.

Hub.origin answers the API and /resolve; large files redirect to Hub.cdn, another origin, by a
signed URL that is different each time. Every request is in Hub.log. Faults are rules: the first
whose pattern is found in "METHOD path" and which is not used up changes the answer.
"""
import hashlib
import http.server
import json
import os
import re
import secrets
import socket
import ssl
import struct
import threading
import time
import urllib.parse

LFS_FROM = 4096  # bytes; the Hub decides by .gitattributes, size is near enough


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class File:
    """Content in memory, or on disk for what is too large for that."""

    def __init__(self, data=None, path=None, digest=None):
        self.data, self.path = data, path
        self.size = len(data) if data is not None else os.stat(path).st_size
        self.sha256 = digest or (sha256(data) if data is not None else None)
        self.lfs = path is not None or self.size >= LFS_FROM

    def pointer(self):
        return (f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
                f"size {self.size}\n").encode()

    def etag(self):
        return self.sha256 if self.lfs else git_sha1(self.data)


class Fault:
    """What goes wrong with the answers it applies to. Fields left None change nothing.

    status, headers (dict, None removes), body: replace the answer.
    cut: close the connection after so many body bytes; reset: do that with RST.
    stall: after so many body bytes send nothing more for so long as the client stays.
    rate: bytes per second. delay: seconds before the answer. extra: bytes after the body.
    ignore_range, flip (index of a byte to change), length (Content-Length to claim or False).
    """

    def __init__(self, pattern, times=1, **fields):
        self.pattern, self.left = re.compile(pattern), times
        self.fields = fields

    def take(self, line):
        if self.left == 0 or not self.pattern.search(line):
            return None
        self.left -= 1
        return self.fields


class Request:
    def __init__(self, origin, method, path, headers):
        self.origin, self.method, self.path, self.headers = origin, method, path, headers
        self.status, self.sent = None, 0

    def __repr__(self):
        return f"{self.origin} {self.method} {self.path} -> {self.status} ({self.sent} bytes)"


class Hub:
    def __init__(self, context=None):
        self.repos, self.faults, self.log, self.signed = {}, [], [], {}
        self.token, self.page_size, self.lock = None, 1000, threading.Lock()
        self.plain = {}  # further URLs of the origin: path -> File
        self.servers = {name: self._serve(name, context) for name in ("hub", "cdn")}
        scheme = "https" if context else "http"
        self.origin = f"{scheme}://127.0.0.1:{self.servers['hub'].server_port}"
        self.cdn = f"{scheme}://127.0.0.1:{self.servers['cdn'].server_port}"

    def _serve(self, name, context):
        hub = self

        class Bound(Handler):
            def setup(self):
                super().setup()
                self.hub, self.origin_name = hub, name

        server = Server(("127.0.0.1", 0), Bound)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()
        return server

    def close(self):
        for server in self.servers.values():
            server.shutdown()
            server.server_close()

    def add(self, repo, files, branch="main", **facts):
        """Commits files ({path: bytes or File}) to a branch. Returns the commit."""
        files = {path: data if isinstance(data, File) else File(data)
                 for path, data in files.items()}
        commit = hashlib.sha1(repr(sorted((p, f.etag()) for p, f in files.items())).encode()
                              + branch.encode()).hexdigest()
        entry = self.repos.setdefault(repo, {"branches": {}, "commits": {}, "facts": {}})
        entry["branches"][branch] = commit
        entry["commits"][commit] = files
        entry["facts"].update(facts)
        return commit

    def fault(self, pattern, times=1, **fields):
        self.faults.append(Fault(pattern, times, **fields))

    def requests(self, pattern="", origin=None):
        return [request for request in self.log if re.search(pattern, request.path)
                and (origin is None or request.origin == origin)]

    def sign(self, repo, path, entry):
        key = secrets.token_hex(16)
        self.signed[key] = entry
        return (f"{self.cdn}/xet-bridge/{urllib.parse.quote(repo, safe='')}/"
                f"{urllib.parse.quote(path)}?Expires=1&X-Amz-Signature={key}")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    disable_nagle_algorithm = True  # head and body are two writes

    def log_message(self, *args):
        pass

    def do_GET(self):
        request = Request(self.origin_name, self.command, self.path, dict(self.headers))
        with self.hub.lock:
            self.hub.log.append(request)
        self.request_entry = request
        fault = {}
        for rule in self.hub.faults:
            fields = rule.take(f"{self.command} {self.path}")
            if fields is not None:
                fault = fields
                break
        status, headers, body = self.route()
        self.answer(status, headers, body, fault)

    do_HEAD = do_GET

    # What the answer is.

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        path = url.path
        if self.origin_name == "cdn":
            return self.from_cdn(url)
        if urllib.parse.unquote(path) in self.hub.plain:
            return 200, {}, self.hub.plain[urllib.parse.unquote(path)]
        match = re.fullmatch(r"/api/models/(.+)/(revision|tree)/([^/]+)", path)
        if match:
            return self.api(urllib.parse.unquote(match[1]), match[2],
                            urllib.parse.unquote(match[3]), url)
        match = re.fullmatch(r"/api/resolve-cache/models/(.+)/([0-9a-f]{40})/(.+)", path)
        if match:
            return self.cached(urllib.parse.unquote(match[1]), match[2],
                               urllib.parse.unquote(match[3]))
        match = re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", path)
        if match:
            return self.resolve(urllib.parse.unquote(match[1]), urllib.parse.unquote(match[2]),
                                urllib.parse.unquote(match[3]))
        return 404, {}, b"no such page"

    def error(self, status, code, message):
        return status, {"X-Error-Code": code, "X-Error-Message": message,
                        "X-Request-Id": "Root=1-test"}, json.dumps({"error": message}).encode()

    def find(self, repo, revision):
        """(commit, files) or an error answer."""
        token = self.headers.get("Authorization", "")
        entry = self.hub.repos.get(repo)
        good = self.hub.token and token == f"Bearer {self.hub.token}"
        if entry is None:
            return self.error(401 if not token else 404, "RepoNotFound", "Repository not found")
        if token and not good:
            return self.error(401, "", "Invalid credentials in Authorization header")
        if entry["facts"].get("gated") and not good:
            return self.error(403 if token else 401, "GatedRepo", "Access to model is restricted")
        if entry["facts"].get("private") and not good:
            return self.error(401, "RepoNotFound", "Repository not found")
        commit = entry["branches"].get(revision, revision)
        if commit not in entry["commits"]:
            return self.error(404, "RevisionNotFound", "Invalid rev id: " + revision)
        return commit, entry["commits"][commit]

    def moved(self, repo):
        entry = self.hub.repos.get(repo)
        return entry and entry["facts"].get("renamed_to")

    def api(self, repo, what, revision, url):
        if self.moved(repo):
            target = self.path.replace(repo, self.moved(repo), 1)
            return 307, {"Location": target}, b"Temporary Redirect"
        found = self.find(repo, revision)
        if len(found) == 3:
            return found
        commit, files = found
        if what == "revision":
            gated = self.hub.repos[repo]["facts"].get("gated", False)
            return 200, {"Content-Type": "application/json"}, json.dumps({
                "id": repo, "sha": commit, "gated": gated, "private": False,
                "siblings": [{"rfilename": path} for path in files]}).encode()
        return self.tree(commit, files, url)

    def tree(self, commit, files, url):
        entries = [{"type": "directory", "oid": "1" * 40, "size": 0, "path": path} for path in
                   sorted({os.path.dirname(path) for path in files} - {""})]
        for path, file in sorted(files.items()):
            entry = {"type": "file", "path": path, "size": file.size}
            if file.lfs:
                entry["oid"] = git_sha1(file.pointer())
                entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
            else:
                entry["oid"] = git_sha1(file.data)
            entries.append(entry)
        query = dict(urllib.parse.parse_qsl(url.query))
        start = int(query.get("cursor", 0))
        end = start + self.hub.page_size
        headers = {"Content-Type": "application/json"}
        if end < len(entries):
            headers["Link"] = (f'<{self.hub.origin}{url.path}?recursive=true&expand=false'
                               f'&cursor={end}>; rel="next"')
        return 200, headers, json.dumps(entries[start:end]).encode()

    def resolve(self, repo, revision, path):
        if self.moved(repo):
            return 307, {"Location": self.path.replace(repo, self.moved(repo), 1)}, b"moved"
        found = self.find(repo, revision)
        if len(found) == 3:
            return found
        commit, files = found
        if path not in files:
            return self.error(404, "EntryNotFound", "Entry not found")
        file = files[path]
        if file.lfs:
            return 302, {"Location": self.hub.sign(repo, path, file), "X-Repo-Commit": commit,
                         "X-Linked-Size": str(file.size),
                         "X-Linked-Etag": f'"{file.sha256}"'}, b"Found. Redirecting"
        return 307, {"Location": "/api/resolve-cache/models/%s/%s/%s" % (
            urllib.parse.quote(repo), commit, urllib.parse.quote(path)),
            "X-Repo-Commit": commit, "ETag": f'"{file.etag()}"'}, b"Temporary Redirect"

    def cached(self, repo, commit, path):
        found = self.find(repo, commit)
        return found if len(found) == 3 else (200, {}, found[1][path])

    def from_cdn(self, url):
        key = dict(urllib.parse.parse_qsl(url.query)).get("X-Amz-Signature")
        entry = self.hub.signed.pop(key, None)  # good for one request
        if entry is None:
            return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        return 200, {"ETag": '"%s"' % ("e" * 64)}, entry

    # How it is sent.

    def pick_range(self, status, size, fault):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if status != 200 or not asked or fault.get("ignore_range"):
            return status, 0, size, {}
        first = int(asked[1])
        last = min(int(asked[2]) if asked[2] else size - 1, size - 1)
        if first >= size:
            return 416, 0, 0, {"Content-Range": f"bytes */{size}"}
        return 206, first, last + 1, {"Content-Range": f"bytes {first}-{last}/{size}"}

    def answer(self, status, headers, body, fault):
        if fault.get("delay"):
            time.sleep(fault["delay"])
        if fault.get("close"):
            self.hang_up(fault)
            return
        if "status" in fault or "body" in fault:
            status, body = fault.get("status", 200), fault.get("body", b"")
        file = body if isinstance(body, File) else File(data=body)
        first, end = 0, file.size
        if isinstance(body, File):
            status, first, end, more = self.pick_range(status, file.size, fault)
            headers = {**headers, **more, "Accept-Ranges": "bytes"}
        headers = {"Content-Length": str(end - first), **headers, **(fault.get("headers") or {})}
        if "length" in fault:
            headers["Content-Length"] = None if fault["length"] is False else str(fault["length"])
            if fault["length"] is False:
                headers["Connection"] = "close"
                self.close_connection = True
        self.request_entry.status = status
        lines = [f"HTTP/1.1 {status} Status"]
        for name, value in headers.items():
            for item in value if isinstance(value, list) else [value]:
                if item is not None:
                    lines.append(f"{name}: {item}")
        try:
            self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            if self.command != "HEAD":
                self.send_body(file, first, end, fault)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def send_body(self, file, first, end, fault):
        if "cut" in fault:
            end = min(end, first + fault["cut"])
        if file.path is not None:
            self.send_path(file.path, first, end)
        else:
            self.send_data(file.data, first, end, fault)
        if "cut" in fault:
            self.hang_up(fault)
        if fault.get("extra"):
            self.put(fault["extra"])

    def send_path(self, path, first, end):
        with open(path, "rb") as stream:
            while first < end:
                sent = os.sendfile(self.connection.fileno(), stream.fileno(), first,
                                   min(end - first, 1 << 20))
                self.request_entry.sent += sent
                first += sent

    def send_data(self, data, first, end, fault):
        if fault.get("flip") is not None and first <= fault["flip"] < end:
            at = fault["flip"]
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        rate = fault.get("rate")
        step = max(1, rate // 20) if rate else 65536
        stall = fault.get("stall")
        begin = first
        while first < end:
            part = data[first:min(end, first + step)]
            if stall is not None and first - begin + len(part) > stall:
                self.put(part[:stall - (first - begin)])
                self.wait_for_client()
                return
            self.put(part)
            first += len(part)
            if rate:
                time.sleep(0.05)

    def put(self, data):
        self.wfile.write(data)
        self.request_entry.sent += len(data)

    def wait_for_client(self):
        """Says nothing until the client has gone."""
        self.connection.settimeout(60)
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass
        self.close_connection = True

    def hang_up(self, fault):
        if fault.get("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
        self.close_connection = True
        try:
            if not fault.get("reset"):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
        except OSError:
            pass
