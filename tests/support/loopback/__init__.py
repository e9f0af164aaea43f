"""A Discord on 127.0.0.1, against which the real discord.py client runs unchanged.

    async with DiscordServer(privileged=("message_content",)) as server:
        ada = server.add_user("ada")
        guild = server.add_guild("Lab", ada)                  # members; premium_tier=2
        channel = guild.add_text_channel("art", deny=("create_public_threads",))
        async with connected(server, client):                 # or bootstrap_code(server)
            seen = await ada.command("demo paint", prompt="a cat", channel=channel)
            assert seen.acknowledged_after < 1                # None: nobody answered in 3 s
            await seen.wait(lambda i: i.message.attachments, timeout=10)
            png = seen.message.attachments[0].data            # also .url, .filename
            again = await ada.click(seen.message, "Again")    # label, emoji or custom_id
            form = await ada.click(seen.message, "Change")    # form.modal is set
            await ada.submit(form, {"Prompt": "a dog"})
            await ada.choose(seen.message, "Large")           # the only select
            await ada.message_command("Describe", channel.messages[-1])
            await ada.autocomplete("demo paint", option="style", text="oi")
            ada.say("hello", channel=channel, files=[("a.png", b"...")])
            server.clock.advance(16 * 60)                     # the token is over
            server.limits.fail("POST /channels/*/messages", 429, times=2, retry_after=0.2)
            server.limits.enforced = False                    # no rate limits at all
            server.gateway.drop(resumable=False)              # also go_silent(), down = True
        server.requests, server.registered_commands, channel.messages, seen.followups

A person's wrong input raises NotSendable, as Discord's client shows red; the bot's
mistakes get Discord's own error JSON. `wait` (on an interaction, message, channel or
the server) raises an AssertionError with the last state. `message.history` has every
version, `message.pings` whom it notified. Without a channel, a message is a direct
message; `add_guild(has_bot=False)` and `add_user(installed=True)` make a user install.
An ephemeral message is in its interaction only, not in `channel.messages`; the first
followup after a deferral becomes `message`. discord.py itself waits 2 s for guilds after
READY (Client(guild_ready_timeout=0.05) shortens it) and 5 s before it identifies again.
`python -m tests.support.loopback` runs the server in a process of its own (see `control`).
"""

from .actors import User
from .errors import ApiError
from .harness import bootstrap_code, connected, point_discord_at
from .interactions import Interaction
from .options import NotSendable
from .server import DiscordServer
from .state import Attachment, Channel, Guild, Message, Pings

__all__ = [
    "ApiError",
    "Attachment",
    "Channel",
    "DiscordServer",
    "Guild",
    "Interaction",
    "Message",
    "NotSendable",
    "Pings",
    "User",
    "bootstrap_code",
    "connected",
    "point_discord_at",
]
