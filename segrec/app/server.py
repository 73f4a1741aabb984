"""The page served to browsers."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from types import ModuleType
from typing import Any

from segrec.app.networks import Networks
from segrec.app.page import CSS, MISSING, build_page, gradio
from segrec.core.errors import ConfigError, LibraryError
from segrec.core.memory import keep_few_layers
from segrec.core.packages import package
from segrec.core.regular import MOST_PICTURE_BYTES
from segrec.weights import CONTROL, READER, SEGMENTER

HOST, PORT = "127.0.0.1", 7860
SESSIONS = 100
"""Visitors whose pictures are remembered."""
NOTHING_FROM_ELSEWHERE = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)
"""Content-Security-Policy: a browser asks no other machine for anything, whatever Gradio's page names."""
logger = logging.getLogger(__name__)


def is_loopback(host: str) -> bool:
    """Return whether an address reaches this computer alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServedPage:
    """A page that is being served, until it is closed.

    Args:
        networks: to mask and read with.
        host: address to listen at.
        port: to listen at.

    Attributes:
        url: where a browser finds it.

    Raises:
        ConfigError: another program listens there, or this machine has no such address.
        LibraryError: Gradio is not installed, or does not start.
    """

    def __init__(self, networks: Networks, *, host: str = HOST, port: int = PORT) -> None:
        gr = gradio()
        check_free(host, port)
        self._page = build_page(networks)
        try:
            self._launch(gr, host, port)
        except gr.exceptions.ServerFailedToStartError as error:
            raise LibraryError(f"the page did not start ({error}); try again") from error
        self.url: str = self._page.local_url

    def _launch(self, gr: ModuleType, host: str, port: int) -> None:
        self._page.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            inbrowser=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            run_history=False,
            footer_links=[],
            max_file_size=MOST_PICTURE_BYTES,
            state_session_capacity=SESSIONS,
            theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            css_paths=CSS,
            app_kwargs={"middleware": _middleware(host)},
        )

    def close(self) -> None:
        """Stop serving."""
        self._page.close(verbose=False)


def serve(
    *,
    host: str = HOST,
    port: int = PORT,
    model: str = READER,
    control: str = CONTROL,
    segmenter: str = SEGMENTER,
    device: str = "auto",
) -> None:
    """Serve the page until the process is interrupted; its address is logged.

    Args:
        host: address to listen at.
        port: to listen at.
        model: shipped name, run or weights of what reads with the mask.
        control: the same of what reads without.
        segmenter: the same of the mask network.
        device: of the networks.

    Raises:
        CheckpointError: weights are missing or do not fit.
        ConfigError: the device is unknown, another program listens there, or this machine has no such address.
        LibraryError: Gradio is not installed.
    """
    check_free(host, port)  # before the weights are loaded
    keep_few_layers()
    networks = Networks.open(model=model, control=control, segmenter=segmenter, device=device)  # before slow Gradio
    page = ServedPage(networks, host=host, port=port)
    everybody = "for EVERYBODY who reaches this computer, without a password"
    reach = "for this computer alone" if is_loopback(host) else everybody
    logger.info("segrec is at %s %s; Ctrl+C ends it", page.url, reach)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        page.close()


def check_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at.

    Raises:
        ConfigError: another program listens there, or this machine has no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        where = f"{host}, port {port}"
        raise ConfigError(f"cannot listen at {where} ({reason}); choose another --port or --host") from error


def _middleware(host: str) -> list[Any]:
    """Return what stands before the page: its policy, and on loopback a refusal of other names that lead there."""
    make = package("starlette.middleware", MISSING).Middleware
    trusted = package("starlette.middleware.trustedhost", MISSING)
    hosts = ["127.0.0.1", "localhost", "[::1]"] if is_loopback(host) else ["*"]
    return [make(trusted.TrustedHostMiddleware, allowed_hosts=hosts), make(_Policy)]


class _Policy:
    """Adds the policy to every answer (ASGI)."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", NOTHING_FROM_ELSEWHERE.encode("ascii"))
                message = {**message, "headers": [*message["headers"], policy]}
            await send(message)

        await self._app(scope, receive, sent)
