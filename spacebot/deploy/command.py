"""The command line: `python -m spacebot.deploy owner/name`.

Exit codes: 0 success, 1 refused, 2 a wrong argument or setting, 3 uploaded but not running, 130
stopped by Ctrl+C.
"""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi, SpaceHardware, get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import disable_progress_bars, logging, validate_repo_id

from spacebot.deploy import environment, files, hub_errors, target, waiting
from spacebot.deploy.console import Console
from spacebot.errors import DeployError, SettingsError

EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NOT_RUNNING, EXIT_INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_BUCKET = "{name}-data"


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    # With HF_DEBUG=1, huggingface_hub logs every request with its body, including secrets.
    logging.set_verbosity_error()
    disable_progress_bars()
    console = Console()
    try:
        return _run(options, console)
    except SettingsError as error:
        console.complain(str(error))
        return EXIT_USAGE
    except DeployError as error:
        console.complain(str(error))
        return EXIT_REFUSED
    except (KeyboardInterrupt, EOFError):
        console.complain(
            "\nStopped. Completed steps stay done; run the same command again to continue."
        )
        return EXIT_INTERRUPTED
    except Exception:
        console.complain(f"A mistake in this command; please report it:\n{traceback.format_exc()}")
        return EXIT_REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spacebot.deploy",
        description="Put Spacebot on Hugging Face as a Space, or update it there.",
    )
    add = parser.add_argument
    add("name", type=_name, metavar="owner/name", help="the Space, created if it does not exist")
    seen = parser.add_mutually_exclusive_group()
    seen.add_argument("--private", action="store_const", const=True, help="only you see it")
    seen.add_argument("--public", dest="private", action="store_const", const=False)
    add("--hardware", metavar="KIND", help=f"like {', '.join(list(SpaceHardware)[:3])}")
    add(
        "--storage",
        nargs="?",
        const=DEFAULT_BUCKET,
        metavar="BUCKET",
        help="keep DATA_DIR in a storage bucket, by default owner/name-data",
    )
    add("--env-file", type=Path, metavar="FILE", help="the settings; by default .env, if it exists")
    add("--no-wait", action="store_true", help="do not wait until it runs")
    add("--yes", action="store_true", help="ask nothing")
    return parser


def _name(text: str) -> str:
    """A Space's full name; its address is accepted too."""
    name = text.removeprefix("https://huggingface.co/spaces/").strip("/")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if name.count("/") != 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not in the form owner/name, like your-name/spacebot"
        )
    return name


def _run(options: argparse.Namespace, console: Console) -> int:
    name: str = options.name
    wanted = environment.read_environment(_env_file(options.env_file))
    console.keep_secret(wanted.secrets.values())
    if wanted.unknown:
        console.say(f"Not sent, because Spacebot has no such setting: {', '.join(wanted.unknown)}")
    needed = files.needed_files()
    with hub_errors.translate_errors(name):
        # Deploy as the logged-in user; otherwise with the token for the Space, if it may.
        api = HfApi(token=get_token() or wanted.secrets.get("HF_TOKEN"))
        console.keep_secret([str(api.token)])
        target.check_account(api.whoami(), name)
        there = target.find_space(api, name)
        if console.interactive and not options.yes:
            wanted = environment.ask_missing_tokens(wanted, there.secrets if there else (), console)
        plan = target.DeployPlan(name, _deploy_options(options), wanted, needed, there)
        if not _confirm(plan, options, console):
            return EXIT_REFUSED
        sha = plan.carry_out(api)
        console.say(f"Uploaded to {api.endpoint}/spaces/{name}")
        return EXIT_DONE if options.no_wait else _wait(api, plan, sha, console)


def _env_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise SettingsError(f"--env-file: there is no file {path}.")
    default = files.ROOT / ".env"
    return path or (default if default.is_file() else None)


def _deploy_options(options: argparse.Namespace) -> target.DeployOptions:
    bucket = options.storage and options.storage.format(name=options.name)
    if bucket and "/" not in bucket:
        bucket = f"{options.name.split('/')[0]}/{bucket}"
    # The hardware's name on Hugging Face's pages.
    hardware = "zero-a10g" if options.hardware in ("zerogpu", "zero-gpu") else options.hardware
    return target.DeployOptions(options.private, hardware, bucket)


def _confirm(plan: target.DeployPlan, options: argparse.Namespace, console: Console) -> bool:
    for line in plan.lines():
        console.say(line)
    tokens = {*plan.environment.secrets, *(plan.there.secrets if plan.there else ())}
    if "DISCORD_TOKEN" not in tokens:
        console.say("Without DISCORD_TOKEN the Space offers its try-out, but no bot.")
    if options.yes:
        return True
    if not console.interactive:
        raise DeployError("Nothing was done. If nobody can answer the question, add --yes.")
    if console.agrees("Go on? [Y/n] "):
        return True
    console.say("Nothing was done.")
    return False


def _wait(api: HfApi, plan: target.DeployPlan, sha: str, console: Console) -> int:
    if plan.there and plan.there.stage in waiting.STAGES_ASLEEP:
        api.restart_space(plan.name)
    fresh = plan.there is None or plan.there.sha != sha
    wait = waiting.StartWaiter(api, plan.name, console, sha=sha, fresh=fresh)
    if not wait.until_running():
        return EXIT_NOT_RUNNING
    info = api.space_info(plan.name)
    if info.host:
        console.say(f"Its page: {info.host}")
    if info.host and not info.private:
        console.say(waiting.health(info.host))
    return EXIT_DONE
