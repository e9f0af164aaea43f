"""Everything the bot writes in Discord: surfaces, posting with retries, and what refusals mean."""

from spacebot.discord_bot.delivery.posting import (
    UNATTACHED,
    ResultPoster,
    persist,
    refused_files,
    send_best_effort,
    without_files,
)
from spacebot.discord_bot.delivery.refusals import (
    DISCORD_ERRORS,
    GONE_REFUSALS,
    Refusal,
    refusal_of,
)
from spacebot.discord_bot.delivery.requesters import (
    check_manages,
    manages,
    requester_of,
    roles_of_member,
)
from spacebot.discord_bot.delivery.surfaces import (
    LOST,
    POSTED_UNCERTAIN,
    MessageSurface,
    shown_despite,
)
from spacebot.discord_bot.delivery.writer import (
    NO_PINGS,
    MessageWriter,
    answer_privately,
    edit,
    fresh_nonce,
    named_command,
    new_thread,
    ref_of,
    send,
    thread_on,
)
