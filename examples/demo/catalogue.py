"""Which versions of model, prompt and index exist, good and bad, and how each is made.

Decides how a release named by a flag becomes something that answers; parts are built on first use
and kept. An unknown name or version is refused, never replaced by another.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from examples.demo.answerer import Answerer, Parameters
from examples.demo.corpus import articles, training_questions
from examples.demo.embedding import Embedding, NgramLsa, WordProjection
from examples.demo.index import VectorIndex
from examples.demo.model import AnswerModel, Library
from examples.demo.overlap import ExactOverlap, SoftOverlap, rarity
from examples.demo.prompts import parse_prompt, prompt_versions

MODEL, PROMPT, INDEX = "extractor", "support", "faq"
# Version of each trained model and the title weight of the index it was trained on.
TRAINED_MODELS = {"2026-11-02": 1, "2026-11-09": 2}
SLOW_MODEL = "2026-11-16-slow"
# Version of each index: the embedding it was built with, and the weight of the title. Every model
# encodes queries with ngram-lsa, which is what the last index got wrong.
INDICES = {
    "2026-10-05": ("ngram-lsa", 1),
    "2026-11-20": ("ngram-lsa", 2),
    "2026-11-27-otherembed": ("word-projection", 2),
}


class UnknownVersion(LookupError):
    """The release names a model, prompt or index this application does not have."""


class Part(BaseModel):
    """Name and version of one part of a release."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: str


class Tuning(BaseModel):
    """The parameters of a release this application understands; numbers may be strings."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    top_k: int = Field(default=6, ge=1, le=20, alias="topK")
    min_confidence: float = Field(default=0.2, ge=0, le=1, alias="minConfidence")


class Release(BaseModel):
    """The parts of the release that a flag carries."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: Part
    prompt: Part
    index: Part
    parameters: Tuning = Tuning()


class Catalogue:
    """All versions; loads each once, on first use."""

    def __init__(self) -> None:
        self._models: dict[str, AnswerModel] = {}
        self._indices: dict[str, VectorIndex] = {}
        self._answerers: dict[Release, Answerer] = {}

    def answerer(self, release: Release) -> Answerer:
        """The loaded release; `UnknownVersion` if a part of it does not exist."""
        known = self._answerers.get(release)
        if known is None:
            known = self._answerers[release] = self._load(release)
        return known

    def warm(self) -> None:
        """Train the models now, so that no customer waits for it."""
        for version in TRAINED_MODELS:
            self.model(version)

    def _load(self, release: Release) -> Answerer:
        names = (release.model.name, release.prompt.name, release.index.name)
        if names != (MODEL, PROMPT, INDEX):
            raise UnknownVersion(f"no such parts: {', '.join(names)}")
        text = prompt_versions().get(release.prompt.version)
        if text is None:
            raise UnknownVersion(f"prompt {release.prompt.version}")
        tuning = release.parameters
        return Answerer(
            model=self.model(release.model.version),
            prompt=parse_prompt(text),
            index=self.index(release.index.version),
            parameters=Parameters(top=tuning.top_k, min_confidence=tuning.min_confidence),
        )

    def model(self, version: str) -> AnswerModel:
        """The trained model of a version."""
        if version not in self._models:
            self._models[version] = self._make_model(version)
        return self._models[version]

    def index(self, version: str) -> VectorIndex:
        """The index of a version."""
        if version not in self._indices:
            self._indices[version] = self._make_index(version)
        return self._indices[version]

    @cached_property
    def _encoder(self) -> NgramLsa:
        """The query encoder of every model."""
        return NgramLsa.fit([text for a in articles() for text in (a.title, *a.sentences)])

    @cached_property
    def _library(self) -> Library:
        return Library(articles(), self._encoder)

    @cached_property
    def _rarity(self) -> dict[str, float]:
        return rarity(self._library.bodies)

    def _make_model(self, version: str) -> AnswerModel:
        if version in TRAINED_MODELS:
            return self._trained(title_weight=TRAINED_MODELS[version])
        if version == SLOW_MODEL:
            slow = AnswerModel(self._library, SoftOverlap(self._rarity), exhaustive=True)
            slow.adopt(self.model("2026-11-09"))
            return slow
        raise UnknownVersion(f"model {version}")

    def _trained(self, *, title_weight: int) -> AnswerModel:
        index = VectorIndex.build(articles(), self._encoder, title_weight=title_weight)
        model = AnswerModel(self._library, ExactOverlap(self._rarity), exhaustive=False)
        model.train(training_questions(), index)
        return model

    def _make_index(self, version: str) -> VectorIndex:
        if version not in INDICES:
            raise UnknownVersion(f"index {version}")
        embedding, title_weight = INDICES[version]
        builder: Embedding = self._encoder if embedding == "ngram-lsa" else WordProjection()
        return VectorIndex.build(articles(), builder, title_weight=title_weight)
