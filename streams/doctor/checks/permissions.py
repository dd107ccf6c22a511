"""What this client may do with each topic, the group and the transactional ids, against what the worker needs."""

from collections.abc import Iterator

from streams.doctor.facts import Facts, TopicSeen, Unread
from streams.doctor.findings import BOOTSTRAP, Finding, fault, is_forbidden, ok, unknown, warning
from streams.kafka.permissions import worker_rights

CHECK = "permissions"


def needed(facts: Facts) -> dict[str, frozenset[str]]:
    """What the worker does with each topic."""
    return {right.name: right.holding() for right in worker_rights(facts.settings) if right.kind == "topic"}


def permissions(facts: Facts) -> Iterator[Finding]:
    """Is everything allowed that the worker does?"""
    problems = [
        *(finding for name, wanted in needed(facts).items() for finding in _topic(facts, facts.topics[name], wanted)),
        *_group(facts),
        *_transactional_ids(facts),
    ]
    yield from problems or _all(facts)


def _all(facts: Facts) -> Iterator[Finding]:
    authorizers = facts.broker_setting("authorizer.class.name")
    if authorizers and not any(authorizers.values()):
        yield warning(
            CHECK,
            "no authoriser: everybody who reaches the brokers may do everything, also write proofs and change offsets",
            "set `authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer` and super.users in "
            "each server.properties; this command then names what to allow",
        )
    else:
        yield ok(CHECK, f"all that the worker needs on topics, the group {facts.settings.app_id} and transactional ids")


def _topic(facts: Facts, topic: TopicSeen, wanted: frozenset[str]) -> Iterator[Finding]:
    if topic.missing:
        return
    lacking = wanted - topic.operations
    if lacking:
        yield fault(
            CHECK,
            f"{facts.principal} may not {_listed(lacking)} {topic.name}",
            allow(facts, *lacking, f"--topic {topic.name}"),
        )


def _group(facts: Facts) -> Iterator[Finding]:
    name = facts.settings.app_id
    command = allow(facts, "Read", f"--group {name}")
    if isinstance(facts.group, Unread):
        if is_forbidden(facts.group.why):
            yield fault(CHECK, f"{facts.principal} may not Read the group {name}", command)
        else:
            yield unknown(CHECK, f"the group {name}: {facts.group.why}", command)
    elif facts.group.operations and "Read" not in facts.group.operations:
        yield fault(CHECK, f"{facts.principal} may not Read the group {name}", command)


def _transactional_ids(facts: Facts) -> Iterator[Finding]:
    name = f"{facts.settings.app_id}-"
    command = allow(facts, "Write", "Describe", f"--transactional-id {name} --resource-pattern-type prefixed")
    if isinstance(facts.may_transact, Unread):
        if any(facts.broker_setting("authorizer.class.name").values()) or not facts.broker_setting(
            "authorizer.class.name"
        ):
            yield unknown(CHECK, f"the transactional ids {name}*: {facts.may_transact.why}", command)
    elif not facts.may_transact:
        yield fault(CHECK, f"{facts.principal} may not Write by the transactional ids {name}*", command)


def allow(facts: Facts, *operations_and_resource: str) -> str:
    """The command that allows this client some operations on a resource, which comes last."""
    *operations, resource = operations_and_resource
    each = " ".join(f"--operation {operation}" for operation in sorted(operations))
    return f'`kafka-acls {BOOTSTRAP} --add --allow-principal "{facts.principal}" {each} {resource}`'


def _listed(operations: frozenset[str]) -> str:
    return ", ".join(sorted(operations))
