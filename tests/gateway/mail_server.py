"""A mail server on loopback, and what it received."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.servers import free_port


@dataclass
class Mailbox:
    """What a mail server received, and what it answers to recipients."""

    port: int
    received: list[EmailMessage] = field(default_factory=list[EmailMessage])
    sign_ins: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    answer: str = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert message["To"] == envelope.rcpt_tos[0]
        self.received.append(message)
        return "250 OK"

    def sign_in(
        self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.sign_ins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=True)

    def to(self, address: str) -> list[EmailMessage]:
        """Return what one person got."""
        return [message for message in self.received if message["To"] == address]


@contextmanager
def running(mailbox: Mailbox, tls: ssl.SSLContext | None = None) -> Generator[Mailbox]:
    """Run the mail server; with a TLS context it takes mail after STARTTLS only."""
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        authenticator=mailbox.sign_in,
        auth_require_tls=tls is not None,
        tls_context=tls,
        require_starttls=tls is not None,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def new_mailbox() -> Mailbox:
    return Mailbox(free_port())


def text_of(message: EmailMessage) -> str:
    """Return the text of a mail."""
    content = message.get_content()
    assert isinstance(content, str)
    return content
