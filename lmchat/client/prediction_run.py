"""What a prediction stream knows while it runs: the fold of its events, and the callbacks that they fire.

No waiting happens here, so the asynchronous and the synchronous stream share it, and callbacks run on whichever thread
iterates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lmchat.client.callbacks import tell
from lmchat.values.chat import AssistantResponse, TextData
from lmchat.values.errors import LMStudioError, LMStudioRuntimeError
from lmchat.values.model import LlmInfo
from lmchat.values.prediction import (
    LlmPredictionFragment,
    LlmPredictionStats,
    Prediction,
    PredictionEvent,
    PredictionFinished,
    PredictionResult,
    PromptProcessingDetails,
    PromptProcessingProgress,
    PromptProgress,
)


@dataclass(frozen=True, slots=True)
class PredictionCallbacks:
    """What a caller wants to hear of."""

    on_message: Callable[[AssistantResponse], Any] | None = None
    """The whole answer, once; also that of a prediction that was cancelled."""
    on_first_token: Callable[[], Any] | None = None
    on_prediction_fragment: Callable[[LlmPredictionFragment], Any] | None = None
    on_prompt_processing_progress: Callable[[PromptProcessingProgress], Any] | None = None
    """Strictly increasing from 0.0 to 1.0, both always included."""


class PredictionRun:
    """The state of one stream."""

    def __init__(self, callbacks: PredictionCallbacks, *, structured: bool = False) -> None:
        self._callbacks = callbacks
        self._structured = structured
        self._prediction = Prediction()
        self._progress = -1.0
        self._begun = False
        self._cancelled = False
        self._result: PredictionResult | None = None
        self._error: LMStudioError | None = None

    def feed(self, event: PredictionEvent) -> LlmPredictionFragment | None:
        """Take the next event; gives the fragment that the caller is to see, if there is one."""
        match event:
            case PromptProgress(progress, details) if not self._cancelled:
                self._report_progress(progress, details)
            case LlmPredictionFragment() if not self._cancelled:
                return self._feed_fragment(event)
            case PredictionFinished():
                self._finish(event)
            case _ if not self._cancelled:
                self._prediction.feed(event)
        return None

    def cancel(self) -> None:
        """Hide what still comes, but for the result."""
        self._cancelled = True

    def fail(self, error: LMStudioError) -> None:
        """Keep the error that ended the stream, for whoever asks for the result."""
        self._error = error

    @property
    def done(self) -> bool:
        """Whether the stream has ended, well or not."""
        return self._result is not None or self._error is not None

    def result(self) -> PredictionResult:
        """The finished answer.

        Raises:
            LMStudioError: the stream failed, was abandoned, or is not finished.
        """
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise LMStudioRuntimeError("The prediction is not finished. Iterate the stream to its end first.")
        return self._result

    @property
    def stats(self) -> LlmPredictionStats | None:
        """How it went; None until the stream has ended."""
        return self._result.stats if self._result else None

    @property
    def model_info(self) -> LlmInfo | None:
        """Which model answered; None until the stream has ended."""
        return self._result.model_info if self._result else None

    def _feed_fragment(self, fragment: LlmPredictionFragment) -> LlmPredictionFragment:
        if not self._begun:
            self._begun = True
            self._report_progress(1.0)
            tell(self._callbacks.on_first_token)
        self._prediction.feed(fragment)
        tell(self._callbacks.on_prediction_fragment, fragment)
        return fragment

    def _report_progress(self, progress: float, details: PromptProcessingDetails | None = None) -> None:
        if self._progress < 0.0 < progress:
            self._report_progress(0.0)
        if self._progress < progress <= 1.0:
            self._progress = progress
            tell(self._callbacks.on_prompt_processing_progress, PromptProcessingProgress(progress, details))

    def _finish(self, event: PredictionFinished) -> None:
        self._prediction.feed(event)
        self._result = self._prediction.result(structured=self._structured)
        if self._callbacks.on_message is not None:
            self._callbacks.on_message(AssistantResponse((TextData(self._prediction.content),)))
