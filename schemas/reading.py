"""Reading inputs tolerantly, field by field: what cannot be read is named, what is unknown is dropped and counted.

No reason, name or error quotes what stood in a record.
"""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, create_model

from schemas.common import canonical_report_id
from schemas.content import Unreadable, content_of
from schemas.inputs import Actor, FeedMark, Receiver, ReportDecision, ReportReceipt, ReportSent, ReportStored

MOST_COUNTED = 100  # unknown properties of one record: whoever sends more is noticed all the same
# Numbers in place of text, and how many digits they have as text: zeros that they begin with are all that they lost.
_NUMBERS = {
    "municipality": (range(100, 10_000), 4),
    "district": (range(100), 2),
    "org_number": (range(10**8, 10**9), 9),
}
_KS_RECEIPT = re.compile(
    r"no\.ks\.fiks\.(?:bekymringsmelding|kvittering)\.(mottatt|feilet|tidsavbrudd|serverfeil)(?:\.v[0-9]{1,3})?"
)


class Told(NamedTuple):
    """What a record says. `fields` by name: None where nothing was given, or nothing that could be read.

    `unreadable` names the latter, and levels of a receiver as `receiver.district`; `refused` says why of the first.
    `extras` counts unknown properties, up to MOST_COUNTED.
    """

    report_id: str
    fields: dict[str, Any]
    unreadable: tuple[str, ...] = ()
    refused: Unreadable | None = None
    extras: int = 0


class Reader:
    """Reads the values of one input topic. `needed`: the field without which a record says nothing.

    `said`: text that must be there, whether or not it can be read: without it the record is of another kind.
    """

    def __init__(self, model: type[BaseModel], *, needed: str | None = None, said: str | None = None) -> None:
        kinds = {name: _kind(name, field) for name, field in model.model_fields.items()}
        self._required = {name for name, field in model.model_fields.items() if field.is_required()}
        self._model = _open(model, kinds)
        self._fields: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in kinds.items()}
        self.fields = tuple(name for name in self._fields if name != "report_id")
        self._needed, self._said = needed, said

    def read(self, value: bytes, key_id: str | None = None) -> Told:
        """Each field on its own. `key_id`: the report, where the value itself does not tell.

        Raises Unreadable, and nothing else, where there is no report or a field that is needed cannot be read.
        """
        return self.read_content(content_of(value), key_id)

    def read_content(self, given: dict[str, Any], key_id: str | None = None) -> Told:
        """The same of a value that has been read as JSON. Raises Unreadable."""
        extras = self._extras(given)
        try:
            fields = dict(self._model.model_validate(given))
        except ValidationError as error:
            return self._piece_by_piece(given, error, key_id)._replace(extras=extras)
        return Told(fields.pop("report_id"), fields, extras=extras)

    def read_fields(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """These fields alone, by their names; None where one of them cannot be read."""
        read = {name: self._field(name, self._fields[name], value) for name, value in given.items()}
        return None if any(lost for _, lost in read.values()) else {name: value for name, (value, _) in read.items()}

    def _piece_by_piece(self, given: dict[str, Any], error: ValidationError, key_id: str | None) -> Told:
        fields: dict[str, Any] = {}
        unreadable: list[str] = []
        for name, adapter in self._fields.items():
            fields[name], lost = self._field(name, adapter, given.get(name))
            unreadable += lost
        report_id = fields.pop("report_id") or key_id
        if report_id is None:
            raise _reason(error, "report_id")
        if self._needed in unreadable:
            raise _reason(error, self._needed)
        if self._said in unreadable and not (isinstance(given.get(self._said), str) and given[self._said]):
            raise _reason(error, self._said)
        unreadable = [name for name in unreadable if name != "report_id"]
        return Told(report_id, fields, tuple(unreadable), _reason(error))

    def _field(self, name: str, adapter: "TypeAdapter[Any]", given: object) -> tuple[Any, list[str]]:
        """One field's value, None if it cannot be read; and what of it cannot."""
        if given is None:
            return None, [name] if name in self._required else []
        value, lost = _salvaged(adapter, given)
        return value, [f"{name}.{leaf}" if leaf else name for leaf in lost]

    def _extras(self, given: dict[str, Any]) -> int:
        receiver = given.get("receiver")
        extras = len(given) - sum(name in given for name in self._fields)
        if isinstance(receiver, dict) and "receiver" in self._fields:
            extras += len(receiver) - sum(name in receiver for name in Receiver.model_fields)
        return min(extras, MOST_COUNTED)


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


def _reason(error: ValidationError, name: str | None = None) -> Unreadable:
    """Why a field could not be read, the first one unless it is named."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    first = next(item for item in found if name is None or item["loc"][0] == name)
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return Unreadable("schema", f"missing_field:{where}")
    return Unreadable("schema", f"{'wrong_type' if first['type'].endswith('_type') else 'bad_value'}:{where}")


def _from_number(known: range, digits: int) -> BeforeValidator:
    def text(given: object) -> object:
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        is_one = isinstance(given, int) and not isinstance(given, bool) and given in known
        return f"{given:0{digits}}" if is_one else given

    return BeforeValidator(text)


def _receipt(given: object) -> object:
    """KS's own names of receipts are the codes of ours."""
    found = _KS_RECEIPT.fullmatch(given) if isinstance(given, str) else None
    return found[1].upper() if found else given


def _nobody(given: object) -> object:
    """A receiver of which no level is given names nobody."""
    empty = isinstance(given, dict) and all(given.get(name) is None for name in Receiver.model_fields)
    return None if empty else given


def _kind(name: str, field: Any) -> Any:
    """A field's type as it is read."""
    if field.annotation is Receiver:
        return _OpenReceiver
    if field.annotation is Actor:
        return _OpenActor
    if field.annotation == Receiver | None:
        return Annotated[_OpenReceiver | None, BeforeValidator(_nobody)]
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    if name in _NUMBERS:
        return Annotated[kind, _from_number(*_NUMBERS[name])]
    return Annotated[kind, BeforeValidator(_receipt)] if name == "receipt" else kind


def _open(model: type[BaseModel], kinds: dict[str, Any]) -> type[BaseModel]:
    """The same model with other types, which drops what it does not know."""
    fields: dict[str, Any] = {
        name: (kind, ... if model.model_fields[name].is_required() else None) for name, kind in kinds.items()
    }
    return create_model(model.__name__, __base__=_Open, **fields)


class _Open(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


_OpenReceiver: Any = _open(Receiver, {name: _kind(name, field) for name, field in Receiver.model_fields.items()})
_OpenActor: Any = _open(Actor, {name: _kind(name, field) for name, field in Actor.model_fields.items()})

SENT = Reader(ReportSent)
RECEIPT = Reader(ReportReceipt, needed="receipt")
STORED = Reader(ReportStored, needed="receiver", said="evidence")
DECISION = Reader(ReportDecision)
_OpenMark: Any = _open(FeedMark, {name: _kind(name, field) for name, field in FeedMark.model_fields.items()})


def read_mark(value: bytes, feed: str) -> FeedMark:
    """A feed's mark. Raises Unreadable where a field is: to overlook one would make it vouch for more than it says.

    `feed`: whose it is by its header; the value may leave that out.
    """
    try:
        mark = _OpenMark.model_validate({"feed": feed} | content_of(value))
    except ValidationError as error:
        raise _reason(error) from None
    if mark.feed != feed:
        raise Unreadable("schema", "bad_value:feed")
    return FeedMark.model_construct(**dict(mark))
