"""nginx in front of the API and S3, with the configuration that deploy/nginx ships."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import httpx

from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until
from tests.system.programs import program

TEMPLATE = Path(__file__).resolve().parents[3] / "deploy" / "nginx" / "stylequeue.conf.template"
AROUND = """
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
    {servers}
}}
"""


@contextmanager
def running_nginx(
    folder: Path,
    public_url: str,
    api_url: str,
    certificate: Path,
    s3_urls: tuple[str, str] = ("https://localhost:0", "http://127.0.0.1:9"),
) -> Iterator[None]:
    """Let nginx serve the API, and S3, at their public URLs until the block ends.

    `s3_urls` are the public one and that of the server behind it; without them nobody asks for S3.
    """
    public, public_s3 = urlsplit(public_url), urlsplit(s3_urls[0])
    servers = Template(TEMPLATE.read_text("utf-8")).safe_substitute(  # nginx' own $names stay
        API_LISTEN=f"127.0.0.1:{public.port}",
        S3_LISTEN=f"127.0.0.1:{public_s3.port or free_port()}",
        PATH_PREFIX=public.path,
        API_URL=api_url,
        S3_URL=s3_urls[1],
        CERTIFICATE=certificate,
        CERTIFICATE_KEY=certificate,
    )
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, servers=servers))
    command = [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, folder / "nginx.log"):
        wait_until(lambda: answers(public_url, certificate), what="an answer through nginx")
        yield


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def answers(url: str, certificate: Path) -> bool:
    try:
        return httpx.get(f"{url}/healthz", verify=trusting(certificate)).is_success
    except httpx.HTTPError:
        return False
