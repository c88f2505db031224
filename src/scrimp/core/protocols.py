"""One protocol per family of methods, and the protocols of what the agent is handed.

A class fulfils a protocol by having its methods; nothing here is inherited from. Methods receive
a `Context` and reach the world only through its doors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from scrimp.core.messages import Delta, Message, Request
from scrimp.core.task import Answer, Episode, Score, Task
from scrimp.core.tool import Tool, ToolResult
from scrimp.core.usage import Usage

if TYPE_CHECKING:
    from scrimp.core.context import Context

T = TypeVar("T")

Vectors = Any
"""A numpy float32 array of shape (number of texts, dimension), rows of length 1."""


# -- what stands behind the doors ------------------------------------------------------------------


@dataclass(frozen=True)
class Capabilities:
    """What a model's server can do; probed or declared, never guessed per call.

    Attributes:
        tools: it returns native tool calls.
        schema: how a JSON schema is enforced: `grammar` (compact), `response_format`, or not at all.
        logprobs, images: it takes them.
        exact_tokens: `bound` counts with the model's own tokenizer.
        window: context window in tokens.
        local: its tokens are priced at the reference list.
    """

    tools: bool = True
    schema: Literal["grammar", "response_format", "none"] = "response_format"
    logprobs: bool = False
    images: bool = False
    exact_tokens: bool = False
    window: int = 8192
    local: bool = False


@runtime_checkable
class Model(Protocol):
    """A language model. Streaming is the primitive; a completion is its fold."""

    name: str
    capabilities: Capabilities

    def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Yield the answer piece by piece; the last Delta carries finish and usage.

        Raises:
            ModelFailed: the provider could not answer.
        """
        ...

    def bound(self, request: Request) -> Usage:
        """The most this request can use: every input token fresh, output at its cap."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> tuple[Vectors, Usage]:
        """Vectors, one row per text, and the tokens that were read."""
        ...


@runtime_checkable
class Environment(Protocol):
    """A world an agent acts in, one per run. It holds no gold: what its scorer needs is in `state`.

    Its actions are the task's tools that act, as `{"name": TOOL, "arguments": {...}}`.
    """

    name: str

    async def reset(self, task: Task) -> str:
        """Start the task; the first observation, which is shown below the task's text."""
        ...

    async def step(self, action: Mapping[str, Any], ctx: Context) -> ToolResult:
        """Take one action; what is observed. What cannot be done here is a result of status `error`.

        What it does through `ctx` (a simulated user's model) is the harness's, never the agent's.
        """
        ...

    async def redo(self, action: Mapping[str, Any], seen: ToolResult) -> None:
        """Stand where this action led when it was first taken, and `seen` observed; nobody is asked again."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Everything a scorer needs to see, as JSON."""
        ...

    async def clone(self) -> Environment:
        """Another one in the same state, for a search to try things in."""
        ...


@dataclass(frozen=True)
class Look:
    """What is wanted of a white-box model that has read a text.

    Attributes:
        states: hidden states of the last layer, of the `last` token or of `all`.
        top: how many of the best next tokens are told.
        cache: whether keys and values of every layer are wanted; they are large.
    """

    states: Literal["last", "all"] = "last"
    top: int = 0
    cache: bool = False


@runtime_checkable
class Hidden(Protocol):
    """A white-box model: hidden states, logits, keys and values (models/whitebox.py)."""

    name: str

    async def read(self, text: str, look: Look) -> tuple[Mapping[str, Any], Usage]:
        """Read a text in one forward pass, and say how many tokens it had.

        `states` is float32 of shape (tokens, hidden size). With `top`: `tokens` (texts of the best next tokens, best
        first), `logits` (float32, theirs) and `lse` (the log of the sum over all exponentiated logits). With `cache`:
        `cache`, float32 of shape (layers, 2, heads, tokens, head size), keys first.
        """
        ...


class Post(Protocol):
    """Carries messages between the agents of a team."""

    async def deliver(self, sender: str, receiver: str, message: Message) -> None: ...


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...


# -- values that methods exchange -----------------------------------------------------------------


@dataclass(frozen=True)
class Query:
    """A question to a memory or to a tool selector.

    `limit` is the most tokens a recall may take, or the most tools a selection may offer. `role` is that of the agent
    who asks, in a team that has roles.
    """

    text: str
    owner: str = ""
    limit: int = 0
    at: float = 0.0
    role: str = ""


@dataclass(frozen=True)
class Recall:
    """What a memory gave: text within the limit, or a handle on keys and values."""

    text: str = ""
    sources: tuple[str, ...] = ()
    handle: Any = None


@dataclass(frozen=True)
class Scored(Generic[T]):
    """A thing and how well it fits; higher is better."""

    item: T
    score: float


@dataclass(frozen=True)
class Question:
    """What a gate is asked: the task's words and what could be called."""

    text: str
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What a gate says: call tools or answer from what is known, and how sure it is (0 to 1)."""

    call: bool
    confidence: float = 1.0
    answer: str = ""


@dataclass(frozen=True)
class Dataset:
    """What a trainer learns from: rows, or the name of an experiment whose journal holds them."""

    rows: tuple[Mapping[str, Any], ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Artifact:
    """What a training leaves behind; a System names it by path and hash."""

    path: str
    hash: str
    facts: Mapping[str, Any] = field(default_factory=dict)


# -- the families ---------------------------------------------------------------------------------


@runtime_checkable
class Memory(Protocol):
    """Long-term memory: construction, management, access."""

    async def write(self, episode: Episode, ctx: Context) -> None: ...

    async def manage(self, ctx: Context) -> None: ...

    async def read(self, query: Query, ctx: Context) -> Recall: ...


@runtime_checkable
class ContextPolicy(Protocol):
    """Working memory: what stays in the prompt.

    `limit` is the most prompt tokens the model's window and the budget can take.
    """

    async def fit(self, request: Request, limit: int, ctx: Context) -> Request: ...


@runtime_checkable
class ToolSelector(Protocol):
    """Which tools the model is offered."""

    async def index(self, tools: Sequence[Tool], ctx: Context) -> None: ...

    async def select(self, query: Query, ctx: Context) -> Sequence[Scored[Tool]]: ...


@runtime_checkable
class Gate(Protocol):
    """Call a tool, or answer from what is known?"""

    async def decide(self, question: Question, ctx: Context) -> Decision: ...


@runtime_checkable
class Planner(Protocol):
    """The strategy of a whole run."""

    async def solve(self, task: Task, ctx: Context) -> Answer: ...


@runtime_checkable
class Trainer(Protocol):
    """Learns an Artifact that a System can name."""

    async def train(self, data: Dataset, ctx: Context) -> Artifact: ...


@runtime_checkable
class Benchmark(Protocol):
    """A named, versioned set of tasks with its official rule of scoring.

    Gold answers live here, keyed by task id, and nowhere else.
    """

    name: str
    version: str
    default_split: str

    def tasks(self, split: str) -> Iterable[Task]: ...

    async def score(self, task: Task, answer: Answer, ctx: Context) -> Score: ...


FAMILIES: Mapping[str, type] = {
    "memory": Memory,
    "context": ContextPolicy,
    "selector": ToolSelector,
    "gate": Gate,
    "planner": Planner,
    "trainer": Trainer,
}
"""The families of methods by the key a System uses for them."""
