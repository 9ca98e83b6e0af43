# SPDX-License-Identifier: Apache-2.0
"""The servers that the cases fetch from, all on loopback: nginx, and paced for connections that have a
speed of their own. Each is ended by its process when its context ends."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

ECHO_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")

# Everybody talks to the same nginx. Its limit of requests for each connection would only add noise.
CONFIG = """\
daemon off;
worker_processes auto;
pid {run}/nginx.pid;
error_log {run}/error.log warn;
{user}
load_module {echo};
events {{ worker_connections 1024; }}
http {{
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 60s;
	keepalive_requests 1000000;
	client_body_temp_path {run}/client; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
	uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
	open_file_cache max=4096;
	server {{
		listen 127.0.0.1:{http};
		listen 127.0.0.1:{https} ssl;
		ssl_certificate {run}/server.pem;
		ssl_certificate_key {run}/server.key;
		ssl_protocols TLSv1.2 TLSv1.3;
		root {files};
		location /late/ {{
			echo_sleep {delay};
			echo_exec /now$uri;
		}}
		location /now/late/ {{
			internal;
			alias {files}/;
		}}
	}}
}}
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for_port(port, process):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_certificate(run):
    """A throw-away authority, and what it says about 127.0.0.1."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
    new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=modelbake bench", "-keyout", run / "ca.key",
            "-out", run / "ca.pem")
    openssl(*new, "-subj", "/CN=127.0.0.1", "-keyout", run / "server.key", "-out", run / "server.csr")
    (run / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-days", "2", "-in", run / "server.csr", "-CA", run / "ca.pem", "-CAkey",
            run / "ca.key", "-CAcreateserial", "-extfile", run / "names", "-out", run / "server.pem")
    return run / "ca.pem"


class Nginx:
    def __init__(self, http, https, ca):
        self.http = f"http://127.0.0.1:{http}/"
        self.https = f"https://127.0.0.1:{https}/"
        self.late = self.http + "late/"
        self.ca = ca


@contextlib.contextmanager
def nginx(files, run, delay):
    """Serves files by http, by https, and below /late/ with a delay in seconds before each answer."""
    run.mkdir()
    http, https = free_ports(2)
    ca = make_certificate(run)
    user = "user root;" if os.geteuid() == 0 else ""
    (run / "nginx.conf").write_text(CONFIG.format(
        run=run, files=files, http=http, https=https, delay=delay, user=user, echo=ECHO_MODULE))
    # It ends with us, however we end.
    command = ["setpriv", "--pdeathsig", "TERM", "/usr/sbin/nginx", "-p", run, "-c", run / "nginx.conf", "-e", run / "error.log"]
    with running(command) as process:
        wait_for_port(http, process)
        yield Nginx(http, https, ca)


@contextlib.contextmanager
def paced(programs, files, rate, slow=None, every=None):
    """The URL of a server each of whose connections brings rate bytes a second; one in every slow."""
    more = [slow, every] if slow else []
    with running([programs / "paced", files, rate, *more], stdout=subprocess.PIPE, text=True) as process:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("paced did not start")
        yield f"http://127.0.0.1:{port}/"
