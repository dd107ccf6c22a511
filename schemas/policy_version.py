"""One version of the policy file: terms, feeds, services and overrides that fit together."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, LiteralString, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.common import ClosedModel, Code, District, Municipality, Proof, Token
from schemas.durations import Duration, DurationOrNone, Length, LengthOrNone, Working

NO_DISTRICT = "00"


def refused(sentence: LiteralString, **said: str) -> PydanticCustomError:
    """What is wrong, and what to do about it; `said` are the values of its places."""
    return PydanticCustomError("policy", sentence, said)


def _a_district(given: str) -> str:
    if given == NO_DISTRICT:
        raise refused("00 says that there is no district: leave it out")
    return given


OneDistrict = Annotated[District, AfterValidator(_a_district)]


class PolicyFeed(ClosedModel):
    """A source of proofs: a vendor's job, a nightly list, a query beside a case system."""

    id: Token = Field(description="As its marks and proofs name it.")
    patience: Duration = Field(description="So long after an alarm its silence makes a report undetermined.")
    announce_after: Duration | None = Field(
        None,
        description="So long after its alarm a report is announced though the feed is silent; else at the last call.",
    )
    successor: Token | None = Field(None, description="A feed whose marks count for this one, too.")

    @model_validator(mode="after")
    def _waits_before_it_announces(self) -> Self:
        if self.announce_after is not None and self.announce_after < self.patience:
            raise refused("announce_after is shorter than patience: make it at least as long")
        return self


class PolicyReceiver(ClosedModel):
    """A member of a service."""

    municipality: Municipality = Field(description="Its number; those that it had before are meant, too.")
    district: OneDistrict | None = Field(None, description="Where only this district belongs to the service.")


class PolicyService(ClosedModel):
    """Receivers that work as one: what one of them stored counts for all."""

    id: Token = Field(description="As overrides name it.")
    receivers: tuple[PolicyReceiver, ...] = Field(description="Its members, two or more.")

    @model_validator(mode="after")
    def _has_members(self) -> Self:
        if len(self.receivers) < 2:
            raise refused("a service needs at least two receivers: list the others, or remove the service")
        return self


class PolicyEscalation(ClosedModel):
    """One step of the ladder by which an alarm that nobody has acknowledged is told to others."""

    after: Length = Field(description="So long without acknowledgement: a duration, or working time.")


class PolicyOverride(ClosedModel):
    """Other terms for some receivers. The first override that matches a report wins."""

    municipality: Municipality | None = Field(None, description="Only this municipality.")
    district: OneDistrict | None = Field(None, description="Only this district of the municipality or service.")
    unit_id: Token | None = Field(None, description="Only this unit.")
    service: Token | None = Field(None, description="Only members of this service of the version.")
    case_system: Code | None = Field(None, description="Only this case system.")
    channel: Code | None = Field(None, description="Only this channel.")
    allowance: LengthOrNone | None = Field(None, description="Time to prove storage: a duration, or working time.")
    grace: DurationOrNone | None = Field(None, description="Grace on top of it.")
    proof: Proof | None = Field(None, description="What is asked, where it is something else than the version's.")
    feed: Token | None = Field(None, description="The feed of the version that would prove it.")

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not (self.municipality or self.service or self.unit_id or self.case_system or self.channel):
            if self.district:
                raise refused("a district needs its municipality: add it")
            raise refused("needs at least one of municipality, service, unit_id, case_system and channel")
        return self


class PolicyVersion(ClosedModel):
    """One version: in force for every report whose first sent arrived from `valid_from` on."""

    id: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$", description="A name for it, in events.")
    valid_from: AwareDatetime | None = Field(None, description="Since when; only the first version may leave it out.")
    grace: DurationOrNone = Field(timedelta(minutes=5), description="Grace on top of every allowance.")
    default: LengthOrNone = Field(timedelta(days=1), description="Allowance for channels unknown or unreadable.")
    proof: Proof = Field(
        "stored",
        description='What is asked where no override says anything else: "stored", proof; "receipt", the receiving '
        'side\'s word; "none", nothing.',
    )
    allowance: dict[Code, LengthOrNone] = Field(
        default_factory=dict, description="Allowance by channel: a duration, or working time."
    )
    feed: tuple[PolicyFeed, ...] = Field((), description="The sources of proofs that overrides name.")
    service: tuple[PolicyService, ...] = Field((), description="Receivers that work as one.")
    override: tuple[PolicyOverride, ...] = Field((), description="Exceptions, in the order in which they are tried.")
    escalation: tuple[PolicyEscalation, ...] = Field((), description="Who else is told of an alarm, in this order.")
    portal_retention: Duration | None = Field(None, description="Where it is another than the file's.")
    last_call: DurationOrNone | None = Field(None, description="Where it is another than the file's.")
    loss_patience: Duration | None = Field(None, description="Where it is another than the file's.")

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        _feeds_fit_together(self.feed)
        _services_fit_together(self.service)
        feeds, services = {feed.id for feed in self.feed}, {service.id for service in self.service}
        for number, override in enumerate(self.override, start=1):
            _override_fits(f"override {number}", override, self.proof, feeds, services)
        named = {override.feed for override in self.override} | {feed.successor for feed in self.feed}
        for feed in self.feed:
            if feed.id not in named:
                raise refused("nothing names the feed {feed}: name it in an override, or remove it", feed=feed.id)
        return self


def works_by_calendar(version: PolicyVersion, *others: timedelta | Working) -> bool:
    """True if an allowance of the version, or one of the others, is working time."""
    allowances = (version.default, *version.allowance.values(), *(one.allowance for one in version.override))
    return any(isinstance(length, Working) for length in (*allowances, *others))


def _feeds_fit_together(feeds: tuple[PolicyFeed, ...]) -> None:
    for name in _twice(feed.id for feed in feeds):
        raise refused("two feeds have the id {feed}: give each its own", feed=name)
    successors = {feed.id: feed.successor for feed in feeds}
    for feed, successor in successors.items():
        if successor is not None and successor not in successors:
            raise refused(
                "the feed {feed} names the successor {successor}, which the version lacks: add it, or correct its name",
                successor=successor,
                feed=feed,
            )
    for feed in successors:
        if feed in _after(feed, successors):
            raise refused("the successors of the feed {feed} lead back to it: leave one of them out", feed=feed)


def _after(feed: str, successors: dict[str, str | None]) -> set[str]:
    """Every feed that comes after one, itself where they go in a circle."""
    found: set[str] = set()
    following = successors[feed]
    while following is not None and following not in found:
        found.add(following)
        following = successors[following]
    return found


def _services_fit_together(services: tuple[PolicyService, ...]) -> None:
    for name in _twice(service.id for service in services):
        raise refused("two services have the id {service}: give each its own", service=name)
    members = [(service.id, member) for service in services for member in service.receivers]
    for number, (service, member) in enumerate(members):
        for other_service, other in members[:number]:
            if _overlap(member, other):
                raise _doubly_served(member.municipality, other_service, service)


def _overlap(one: PolicyReceiver, other: PolicyReceiver) -> bool:
    if one.municipality != other.municipality:
        return False
    return one.district is None or other.district is None or one.district == other.district


def _doubly_served(municipality: str, one: str, other: str) -> PydanticCustomError:
    """What is wrong where a receiver belongs to two services, or to one of them twice."""
    sentence: LiteralString
    if one == other:
        sentence = "the service {one} lists the receiver {municipality} twice: leave it in one place"
    else:
        sentence = "the receiver {municipality} is in two services, {one} and {other}: leave it in one of them"
    return refused(sentence, municipality=municipality, one=one, other=other)


def _override_fits(name: str, override: PolicyOverride, proof: Proof, feeds: set[str], services: set[str]) -> None:
    if override.service is not None and override.service not in services:
        raise refused(
            "{name} names the service {service}, which the version lacks: add it, or correct its name",
            name=name,
            service=override.service,
        )
    if override.feed is None:
        return
    if override.feed not in feeds:
        raise refused(
            "{name} names the feed {feed}, which the version lacks: add it, or correct its name",
            name=name,
            feed=override.feed,
        )
    if (override.proof or proof) != "stored":
        raise refused('{name} names a feed, but asks for no proof: add proof = "stored", or remove the feed', name=name)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
