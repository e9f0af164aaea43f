"""A bot of the common shape, as Hugging Face's examples are: one script for one Space.

One shared `Client`, a hybrid command each, and `run_in_executor` around submit
and result. It is what a user would otherwise run.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial

import discord
from discord.ext import commands
from gradio_client import Client

client = Client(os.environ["SPACE"], verbose=False)
bot = commands.Bot(command_prefix="/", intents=discord.Intents(guilds=True))


@bot.event
async def setup_hook() -> None:
    await bot.tree.sync()


async def answer(ctx: commands.Context[commands.Bot], *values: object, api_name: str) -> None:
    """Defer, run the job in the default executor, and send what it gives."""
    await ctx.defer()
    loop = asyncio.get_running_loop()
    job = await loop.run_in_executor(None, partial(client.submit, *values, api_name=api_name))
    result = await loop.run_in_executor(None, job.result)
    if api_name == "/file":
        await ctx.send(file=discord.File(result))
    else:
        await ctx.send(str(result))


@bot.hybrid_command()
async def echo(ctx: commands.Context[commands.Bot], text: str) -> None:
    """Give the text back."""
    await answer(ctx, text, api_name="/echo")


@bot.hybrid_command()
async def sleep(ctx: commands.Context[commands.Bot], seconds: float) -> None:
    """Sleep."""
    await answer(ctx, seconds, api_name="/sleep")


@bot.hybrid_command()
async def progress(ctx: commands.Context[commands.Bot], seconds: float, steps: int) -> None:
    """Sleep with progress."""
    await answer(ctx, seconds, steps, api_name="/progress")


@bot.hybrid_command()
async def file(ctx: commands.Context[commands.Bot]) -> None:
    """Give a file."""
    await answer(ctx, api_name="/file")


if __name__ == "__main__":
    bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)
