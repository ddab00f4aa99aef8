"""nginx in front of the API, with TLS and the location that docs/11-containers.md shows."""

from __future__ import annotations

import re
import ssl
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.stacks.servers import running, wait_until
from tests.system.programs import program

DOCS = Path(__file__).resolve().parents[3] / "docs" / "11-containers.md"
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        {location}
    }}
}}
"""


@contextmanager
def running_nginx(folder: Path, public_url: str, api_url: str, certificate: Path) -> Iterator[None]:
    """Let nginx serve the API at the public URL until the block ends."""
    public = urlsplit(public_url)
    location = documented_location().replace("http://127.0.0.1:8080", api_url)
    text = CONFIGURATION.format(folder=folder, port=public.port, certificate=certificate, location=location)
    (folder / "nginx.conf").write_text(text.replace("/paint/", f"{public.path}/"))
    command = [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, folder / "nginx.log"):
        wait_until(lambda: answers(public_url, certificate), what="an answer through nginx")
        yield


def documented_location() -> str:
    (found,) = re.findall(
        r"^    location /paint/ \{\n.*?^    \}", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return textwrap.dedent(found)


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def answers(url: str, certificate: Path) -> bool:
    try:
        return httpx.get(f"{url}/healthz", verify=trusting(certificate)).is_success
    except httpx.HTTPError:
        return False
