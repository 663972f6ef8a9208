"""What the agent needs of the world, named by role."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.chassis.manifest import ModelManifest
from services.chassis.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class RunningCage:
    """A sandbox whose model server listens."""

    directory: int
    """O_PATH descriptor of the folder of its socket. MUST be closed by whoever received it from `start`."""
    secret: SecretBytes
    """Opens the model server's control calls."""


class Cage(Protocol):
    """The launcher's side of the sandbox."""

    async def start(self) -> RunningCage:
        """Start the sandbox. MUST raise CageError unless it is closed as tightly as configured."""

    async def stop(self) -> None:
        """Stop it. MUST return only when none of its processes is left."""

    async def inside(self, pid: int) -> bool:
        """Whether `pid` is a confined process of the running sandbox; False for anything doubtful."""

    async def end(self, pid: int) -> None:
        """Kill a model process. MUST do nothing to the model server or to anything outside the sandbox."""

    async def ended(self) -> None:
        """Return when the sandbox that was started last has ended by itself."""


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """One sealed file in memory."""

    path: str
    descriptor: int
    """A completely sealed memfd."""
    size: int


class SealedFiles(Protocol):
    """The object store's sealed files."""

    async def fetch(self, manifest: ModelManifest) -> Sequence[Ciphertext]:
        """Fetch every file of a model.

        MUST raise WeightsError, leaving no descriptor open, unless size and hash of each sealed file are the
        manifest's. The caller closes the descriptors.
        """


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """The data key of a model's weights."""

    plaintext: SecretBytes
    key_name: str
    """The provider's key that it was sealed under, as the key service calls it."""


class ModelKeys(Protocol):
    """The key service."""

    async def open(self, manifest: ModelManifest) -> OpenedKey | None:
        """Open a model's data key; None for a model without files. Raises KeyRefusedError."""

    async def refusals(self, uses: Sequence[tuple[ModelManifest, str]]) -> Sequence[str]:
        """Say for each model, with the name of its key, why its weights may not be used now; "" if they may.

        MUST return within 5 s. Raises KeyServiceAwayError when nothing can be said.
        """


@dataclass(frozen=True, slots=True)
class Instance:
    """One loaded model."""

    model_id: str
    server_model: str
    instance_id: str
    public_key: bytes


@dataclass(slots=True)
class Material:
    """What one load of a model hands over, once."""

    manifest: ModelManifest
    server_model: str
    files: Sequence[Ciphertext] = ()
    data_key: SecretBytes = field(default_factory=lambda: SecretBytes(b""))
    taken_by: int | None = None
    """The process that has it, in the agent's pid namespace; None while nobody does."""


class Arrival(Protocol):
    """A model process that took its material and announced itself."""

    instance: Instance
    pid: int
    """The process, in the agent's pid namespace."""

    async def gone(self) -> None:
        """Return when the process has ended."""

    def close(self) -> None:
        """End the connection to it."""


class Handovers(Protocol):
    """The socket on which model processes ask for their material."""

    def expect(self, material: Material) -> Awaitable[Arrival]:
        """Hand `material` to the next confined process that asks for its model, and to no second one."""

    def forget(self, server_model: str) -> None:
        """Expect it no longer."""


class ModelServer(Protocol):
    """The model server of one sandbox."""

    async def ready(self) -> bool:
        """Whether it answers and is ready."""

    async def load(self, server_model: str, timeout_s: float) -> None:
        """Load a model. Raises ModelServerError."""

    async def unload(self, server_model: str, timeout_s: float) -> None:
        """Unload a model and its process; fine when it is not loaded. Raises ModelServerError."""

    async def infer(self, manifest: ModelManifest, instance: Instance, timeout_s: float) -> None:
        """Make one sealed inference. Raises ModelServerError unless a whole, well-formed answer came."""

    async def close(self) -> None:
        """Close the channel."""


Connect = Callable[[RunningCage], ModelServer]
"""Opens the channel to the model server of a sandbox."""


class Repository(Protocol):
    """The folder that the model server reads its models from."""

    def write(self, manifest: ModelManifest, server_model: str) -> None:
        """Write a model's configuration and shim. MUST replace what was there."""

    def clear(self) -> None:
        """Remove everything."""


class Shelf(Protocol):
    """The catalogue's manifests of this pool's provider."""

    def read(self) -> Sequence[ModelManifest]:
        """Return the verified manifests. Manifests that do not verify MUST NOT be among them."""


class Door(Protocol):
    """Where the runtime gets the folder of the model server's socket."""

    def open(self, directory: int) -> None:
        """Hand out `directory` from now on; it stays the caller's."""

    def shut(self) -> None:
        """Hand out nothing."""
