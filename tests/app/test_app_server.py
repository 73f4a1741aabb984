"""`segrec app` as visitors meet it: a real process, asked over HTTP, through Gradio's own client."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from served import ROOT, free_port, served

from segrec.app import server
from segrec.app.server import ServedPage, check_free, is_loopback
from segrec.cli import main
from segrec.core.errors import ConfigError
from segrec.core.images import read_image


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def client(url, tmp_path_factory) -> Client:
    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")), analytics_enabled=False)


def read(client: Client, *paths: Path) -> dict[str, object]:
    """Return what the page shows after pictures were dropped and read, by its part."""
    status, choice, table, overlay, text, region, ticks, _, _ = client.predict(
        [handle_file(str(path)) for path in paths], "auto", api_name="/read"
    )
    shown = {"status": status, "choice": choice, "table": table, "overlay": overlay, "text": text, "region": region}
    return shown | {"ticks": ticks}


def test_dropped_pictures_are_masked_and_read_with_and_without_the_mask(client, pictures):
    found = read(client, pictures / "photo.png", pictures / "word.png", pictures / "torn.png")
    assert "3 words in 2 pictures" in found["status"] and "torn.png: the image cannot be decoded" in found["status"]
    assert found["table"].count(">hotel<") >= 1 and found["table"].count("data:image/png;base64,") == 4
    assert [read_image(found[part]).shape for part in ("overlay", "text", "region")] == [(400, 400, 3)] * 3
    assert "1 hotel" in json.dumps(found["ticks"]) and "2: word.png" in json.dumps(found["choice"])


def test_a_picture_that_was_read_is_edited(client, pictures):
    read(client, pictures / "word.png")
    status, edited = client.predict(0, [0], "recolor", "#ff0000", None, api_name="/edit")
    assert "Done, " in status
    path = edited["value"] if isinstance(edited, dict) and "value" in edited else edited
    assert (read_image(path) != read_image(pictures / "word.png")).any()


def test_errors_are_one_line_in_the_page(client, pictures):
    assert 'role="alert">torn.png: the image cannot be decoded' in read(client, pictures / "torn.png")["status"]
    status, _ = client.predict(None, [], "erase", "#ff0000", None, api_name="/edit")
    assert 'role="alert"' in status and "there is no picture yet" in status
    assert "nothing was dropped yet" in client.predict(None, "auto", api_name="/read")[0]


def test_only_what_was_uploaded_is_read(url):
    own = {"path": str(ROOT / "docs" / "images" / "word.png"), "meta": {"_type": "gradio.FileData"}}
    asked = json.dumps({"data": [[own], "auto"]}).encode()  # Gradio's client would upload the file
    header = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}gradio_api/call/read", asked, header)) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}gradio_api/call/read/{event}") as answer:
        assert answer.read().startswith(b"event: error")


def test_the_page_may_ask_for_nothing_from_elsewhere_and_answers_to_its_own_name(url):
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["content-security-policy"].startswith("default-src 'self' data: blob:;")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "elsewhere.example"}))


def test_it_listens_on_this_computer_alone_and_says_so(url):
    address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", url)
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for other in others - {"127.0.0.1"}:
        with socket.socket() as visitor:
            assert visitor.connect_ex((other, int(address[1]))) != 0, other
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "10.0.0.1", "here.example")] == [
        True, True, True, False, False, False]  # fmt: skip


def test_an_interrupt_ends_it_without_an_error(tmp_path):
    with served(log=tmp_path / "log") as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port} .*choose another --port or --host"):
            check_free("127.0.0.1", port)
    assert (tmp_path / "log").read_text("utf-8").count("\n") == 1, "its address, and nothing else"


def test_an_upload_beyond_the_limit_of_pictures_is_refused(networks, pictures, monkeypatch):
    monkeypatch.setattr(server, "MOST_PICTURE_BYTES", 1000)
    page = ServedPage(networks, port=free_port())
    try:
        small = Client(page.url, verbose=False, analytics_enabled=False)
        with pytest.raises(Exception, match=r"(?i)413|too large|exceed"):
            read(small, pictures / "photo.png")
    finally:
        page.close()


def test_without_gradio_it_says_what_to_install(tmp_path):
    hidden = "import sys; sys.modules['gradio'] = None; from segrec.cli import main; sys.exit(main(['app']))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 1 and "pip install 'segrec[app]'" in done.stderr and done.stderr.count("\n") == 1


def test_an_address_that_is_not_this_machines_is_one_line(capsys):
    assert main(["app", "--host", "203.0.113.7", "--quiet"]) == 1
    assert "cannot listen at 203.0.113.7, port 7860" in capsys.readouterr().err
