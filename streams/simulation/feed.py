"""The feed that brings the proofs of one case system, and once falls silent for a day."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from streams.simulation.paces import iso_duration
from streams.simulation.steps import StoryStep, mark_step
from streams.simulation.story import FeedPace, Story


class ProofFeed(NamedTuple):
    """A case system's proofs as a job beside it brings them; all times are seconds after the beginning."""

    id: str
    case_system: str
    silent_from: float
    pace: FeedPace

    @property
    def speaks_again(self) -> float:
        """When it brings what it has held back; its word on that follows."""
        return self.silent_from + self.pace.silence

    @property
    def policy_toml(self) -> str:
        """What a version of the policy says of it."""
        return (
            f'[[version.feed]]\nid = "{self.id}"\npatience = "{iso_duration(self.pace.patience)}"\n'
            f'[[version.override]]\ncase_system = "{self.case_system}"\nfeed = "{self.id}"'
        )

    def marks(self, until: float) -> Iterator[StoryStep]:
        """Its word, again and again; none while it is silent, nor until all that it brings then has surely arrived."""
        every = self.pace.every
        first = self.silent_from - self.silent_from // every * every
        for number in count():
            at = first + number * every
            if at > until:
                return
            if at <= self.silent_from or at > self.speaks_again + self.pace.margin:
                yield mark_step(self.id, at, self.pace.lag)

    def deliver(self, story: Story, offset: float) -> Story:
        """The story of a report handed over at `offset`, its proof as this feed brings it.

        What would be undetermined only just, or just not, was looked up by hand: the truth hangs on no boundary.
        """
        proof, late = story.proof_seconds, offset + story.alarm_seconds + self.pace.patience - self.speaks_again
        if proof is None:
            return story
        by_hand = abs(late) < self.pace.margin
        steps = tuple(self._brought(step, offset, by_hand) if step.topic == "stored" else step for step in story.steps)
        if by_hand or not self._silent_at(offset + proof):
            return story._replace(steps=steps)
        course = "silent_feed" if late < 0 else story.course
        return story._replace(steps=steps, proof_seconds=self._comes_at(offset + proof) - offset, course=course)

    def _silent_at(self, at: float) -> bool:
        return self.silent_from < at < self.speaks_again

    def _comes_at(self, at: float) -> float:
        """When it brings what it would have brought at a time; in the same order, well before its next word."""
        if not self._silent_at(at):
            return at
        return self.speaks_again + 0.5 * self.pace.margin * (at - self.silent_from) / self.pace.silence

    def _brought(self, step: StoryStep, offset: float, by_hand: bool) -> StoryStep:
        at, back = offset + step.offset_seconds, min(step.back_seconds, self.pace.lag)
        if by_hand:
            return step._replace(body={**step.body, "evidence": "MANUAL"})
        moved = self._comes_at(at) - at
        return step._replace(offset_seconds=step.offset_seconds + moved, back_seconds=back + moved)
