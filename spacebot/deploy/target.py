"""A Space on the Hub: its current state, the changes to make, and making them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceInfo, Volume
from huggingface_hub.errors import RepositoryNotFoundError

from spacebot import __version__
from spacebot.deploy import files, hub_errors
from spacebot.deploy.environment import DeployEnvironment
from spacebot.errors import DeployError

MOUNT_PATH = "/data"
REPO_TYPE = "space"
WRITE_ROLES = ("admin", "write", "contributor")


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """The owner's options. None leaves the choice to the Hub, or the Space as it is."""

    private: bool | None = None
    hardware: str | None = None
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class ExistingSpace:
    """The current state. `secrets` are only the names: the Hub never returns a value."""

    names: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    hardware: str | None = None
    stage: str = ""
    private: bool = False
    sha: str | None = None


def check_account(account: Mapping[str, Any], name: str) -> None:
    """Raise `DeployError` if the account may not have a Space with this name."""
    token = account.get("auth", {}).get("accessToken", {})
    if token.get("role") == "read":
        raise DeployError(hub_errors.READ_ONLY)
    owner = name.split("/")[0].lower()
    if owner == str(account["name"]).lower():
        return
    roles = {str(org["name"]).lower(): org.get("roleInOrg") for org in account.get("orgs", ())}
    # A fine-grained token may not list the organizations; the Hub will refuse if need be.
    if owner not in roles and token.get("role") != "fineGrained":
        raise DeployError(
            f"{name} would belong to someone else: you are {account['name']} on Hugging Face. "
            f"Name it {account['name']}/{name.split('/')[1]}."
        )
    if roles.get(owner) not in (None, *WRITE_ROLES):
        raise DeployError(
            f"You can read, but not write, in the organization {name.split('/')[0]}. Ask one of "
            f"its admins, or name it {account['name']}/{name.split('/')[1]}."
        )


def find_space(api: HfApi, name: str) -> ExistingSpace | None:
    """The Space with this name, or None; raises `DeployError` if it must not be changed."""
    try:
        info = api.space_info(name)
    except RepositoryNotFoundError:
        return None
    if info.id.lower() != name.lower():
        raise DeployError(f"{name} was renamed to {info.id} on Hugging Face. Deploy to that name.")
    names = tuple(sibling.rfilename for sibling in info.siblings or ())
    if files.is_another_app(names):
        raise DeployError(
            f"{name} holds another app, which would be lost. Choose another name, or delete that "
            "Space first."
        )
    return _existing_space(api, info, names)


def _existing_space(api: HfApi, info: SpaceInfo, names: tuple[str, ...]) -> ExistingSpace:
    runtime = api.get_space_runtime(info.id)
    variables = api.get_space_variables(info.id)
    return ExistingSpace(
        names=names,
        secrets=frozenset(api.get_space_secrets(info.id)),
        variables={key: variable.value or "" for key, variable in variables.items()},
        volumes=tuple(runtime.volumes or ()),
        hardware=runtime.requested_hardware or runtime.hardware,
        stage=str(runtime.stage),
        private=bool(info.private),
        sha=info.sha,
    )


@dataclass(frozen=True, slots=True)
class DeployPlan:
    """Everything that will be done; `lines` describes it, and `carry_out` does it."""

    name: str
    wishes: DeployOptions
    environment: DeployEnvironment
    files: Mapping[str, Path]
    there: ExistingSpace | None

    @property
    def variables(self) -> dict[str, str]:
        """The variables that the Space should have."""
        storage = {"DATA_DIR": MOUNT_PATH} if self.wishes.bucket else {}
        return {**self.environment.variables, **storage}

    @property
    def stale(self) -> list[str]:
        """The Space's files to delete."""
        return files.stale_files(self.there.names, self.files) if self.there else []

    def lines(self) -> Iterator[str]:
        """The plan in words, with the names of secrets but no values."""
        kind = {None: "", True: ", private", False: ", public"}[self.wishes.private]
        yield f"Space      {self.name} ({'update' if self.there else 'new'}{kind})"
        going = f", {len(self.stale)} removed: {', '.join(self.stale)}" if self.stale else ""
        yield f"Files      {len(self.files)}{going}"
        yield f"Secrets    {', '.join(self.environment.secrets) or 'none'}"
        if self.there and (kept := self.there.secrets - self.environment.secrets.keys()):
            yield f"           as they are: {', '.join(sorted(kept))}"
        yield f"Variables  {', '.join(f'{k}={v}' for k, v in self.variables.items()) or 'none'}"
        if self.wishes.hardware:
            yield f"Hardware   {self.wishes.hardware}"
        if self.wishes.bucket:
            yield f"Storage    the bucket {self.wishes.bucket}, private, at {MOUNT_PATH}"

    def carry_out(self, api: HfApi) -> str:
        """Carry out the plan; returns the sha of the commit that the Space should run."""
        if self.wishes.bucket:
            api.create_bucket(self.wishes.bucket, private=True, exist_ok=True)
        if self.there is None:
            self._create(api)
        else:
            self._update(api, self.there)
        adding = [CommitOperationAdd(name, str(path)) for name, path in self.files.items()]
        removing = [CommitOperationDelete(name) for name in self.stale]
        commit = api.create_commit(
            self.name,
            [*adding, *removing],
            commit_message=f"Spacebot {__version__}",
            repo_type=REPO_TYPE,
        )
        return commit.oid

    def _create(self, api: HfApi) -> None:
        # In one request, so that the Space never starts without its settings.
        api.create_repo(
            self.name,
            repo_type=REPO_TYPE,
            private=self.wishes.private,
            space_sdk="gradio",
            space_hardware=self.wishes.hardware,  # type: ignore[arg-type]
            space_secrets=_pairs(self.environment.secrets) or None,
            space_variables=_pairs(self.variables) or None,
            space_volumes=list(self._volumes(())) or None,
        )

    def _update(self, api: HfApi, there: ExistingSpace) -> None:
        if self.wishes.private not in (None, there.private):
            api.update_repo_settings(self.name, private=self.wishes.private, repo_type=REPO_TYPE)
        for key, value in self.variables.items():
            if there.variables.get(key) != value:
                api.add_space_variable(self.name, key, value)
        for key in sorted(self.environment.unset & there.variables.keys()):
            api.delete_space_variable(self.name, key)
        for key, value in self.environment.secrets.items():
            api.add_space_secret(self.name, key, value)
        volumes = self._volumes(there.volumes)
        if self.wishes.bucket and volumes != there.volumes:
            api.set_space_volumes(self.name, list(volumes))
        if self.wishes.hardware not in (None, there.hardware):
            api.request_space_hardware(self.name, self.wishes.hardware)  # type: ignore[arg-type]

    def _volumes(self, there: tuple[Volume, ...]) -> tuple[Volume, ...]:
        """The volumes with the bucket at its path; the others stay."""
        if not self.wishes.bucket:
            return there
        ours = Volume(type="bucket", source=self.wishes.bucket, mount_path=MOUNT_PATH)
        if any(
            volume.source == ours.source and volume.mount_path == MOUNT_PATH for volume in there
        ):
            return there
        return (*(volume for volume in there if volume.mount_path != MOUNT_PATH), ours)


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
