"""Reading inputs tolerantly: what is unknown is dropped and counted by name, what cannot be read gets a reason.

No reason, name or error quotes what stood in a record.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from schemas.common import canonical_report_id
from schemas.inputs import Receiver, ReportReceipt, ReportSent, ReportStored

FRAME_BYTES = 5  # a schema registry's framing: a zero byte and a 4-byte schema id
_EXTRA_NAME = re.compile(r"^[a-z_]{1,40}$")

Model = TypeVar("Model", bound=BaseModel)


class Unreadable(Exception):
    """A record cannot be read. `stage` is encoding, json or schema; `reason` names the field, never its content."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


class Salvaged(NamedTuple):
    """What of an unreadable sent could be read, field by field; `unreadable` names the rest."""

    report_id: str
    fields: dict[str, Any]
    unreadable: tuple[str, ...]


class Reader(Generic[Model]):
    """Reads the values of one input topic."""

    def __init__(self, model: type[Model]) -> None:
        self._model = _tolerant(model)
        self._fields = {
            name: TypeAdapter(_tolerant_type(field.annotation, field.metadata))
            for name, field in model.model_fields.items()
        }
        self._required = {name for name, field in model.model_fields.items() if field.is_required()}

    def read(self, value: bytes) -> tuple[Model, list[str]]:
        """The event, and the names of the properties that were dropped. Raises Unreadable, and nothing else."""
        try:
            event = self._model.model_validate_json(_unframed(value))
        except ValidationError as error:
            raise _unreadable(value, error) from None
        return event, [_countable(name) for name in _extras(event)]

    def salvage(self, value: bytes) -> Salvaged | None:
        """Read each field on its own. None when not even the report id can be read."""
        try:
            given = orjson.loads(_unframed(value))
        except ValueError:
            return None
        if not isinstance(given, dict):
            return None
        fields: dict[str, Any] = {}
        unreadable: list[str] = []
        for name, adapter in self._fields.items():
            if given.get(name) is None:
                fields[name] = None
                if name in self._required:
                    unreadable.append(name)
                continue
            fields[name], bad = _salvaged(adapter, given[name])
            unreadable += [f"{name}.{leaf}" if leaf else name for leaf in bad]
        report_id = fields.pop("report_id")
        return Salvaged(report_id, fields, tuple(unreadable)) if report_id else None


def report_id_of(key: bytes | None) -> str | None:
    """The report id that a record's key holds; None if it is none."""
    if key is None or len(key) > 64:
        return None
    try:
        return canonical_report_id(key.decode())
    except UnicodeDecodeError:
        return None


def _salvaged(adapter: "TypeAdapter[Any]", given: object) -> tuple[Any, list[str]]:
    """One field's value, None if it cannot be read; and the leaves inside it (or "" for itself) that cannot."""
    try:
        return adapter.validate_python(given), []
    except ValidationError as error:
        leaves = sorted({str(item["loc"][-1]) for item in error.errors(include_input=False) if item["loc"]})
    leaves = [leaf for leaf in leaves if leaf in Receiver.model_fields]
    if not isinstance(given, dict) or not leaves or "municipality" in leaves:
        return None, [""]
    readable = {name: value for name, value in given.items() if name not in leaves}
    try:
        return adapter.validate_python(readable), leaves
    except ValidationError:
        return None, [""]


def _tolerant(model: type[Model]) -> type[Model]:
    """The same model, nested ones included, that keeps unknown properties apart instead of refusing them."""
    fields: dict[str, Any] = {
        name: (_tolerant_type(field.annotation, ()), field) for name, field in model.model_fields.items()
    }
    base = create_model(model.__name__, __base__=_Open, **fields)
    return base  # type: ignore[return-value]  # the same fields under another base


def _tolerant_type(annotation: Any, metadata: Any) -> Any:
    if annotation is Receiver:
        return _TolerantReceiver
    if annotation == Receiver | None:
        return _TolerantReceiver | None
    return Annotated[annotation, *metadata] if metadata else annotation


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


_TolerantReceiver: Any = create_model(
    "Receiver",
    __base__=_Open,
    **{name: (field.annotation, field) for name, field in Receiver.model_fields.items()},  # type: ignore[call-overload]
)


def _extras(event: BaseModel) -> Iterator[str]:
    # Past pydantic's property, which costs more than all the rest of this function.
    yield from event.__pydantic_extra__ or ()
    receiver = event.__dict__.get("receiver")
    if receiver is not None:
        yield from receiver.__pydantic_extra__ or ()


def _countable(name: str) -> str:
    # A producer could put anything into a name, too.
    return name if _EXTRA_NAME.match(name) else "other"


def _unframed(value: bytes) -> bytes:
    return value[FRAME_BYTES:] if value[:1] == b"\0" and len(value) > FRAME_BYTES else value


def _unreadable(value: bytes, error: ValidationError) -> Unreadable:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        try:
            _unframed(value).decode()
        except UnicodeDecodeError:
            return Unreadable("encoding", "not_utf8")
        return Unreadable("json", "not_json")
    if not first["loc"]:
        return Unreadable("json", "not_an_object")
    where = ".".join(str(part) for part in first["loc"])
    if kind == "missing":
        return Unreadable("schema", f"missing_field:{where}")
    return Unreadable("schema", f"{'wrong_type' if kind.endswith('_type') else 'bad_value'}:{where}")


SENT = Reader(ReportSent)
RECEIPT = Reader(ReportReceipt)
STORED = Reader(ReportStored)
