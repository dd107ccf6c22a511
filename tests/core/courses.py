"""What becomes of a report: courses worked out by hand from the contract, rule by rule."""

from datetime import timedelta

from streams.core.facts import Outcome, Receiver
from streams.core.policy import Asks, Feed
from streams.core.row import Status
from tests.core.telling import (
    HOUR,
    LAST_CALL,
    RECEIPTED,
    TOGETHER,
    TRUSTED,
    VERSION,
    Course,
    decide,
    mark,
    receipt,
    sent,
    stored,
)
from tests.core.world import OSLO, OTHER, at

PENDING, STORED, MISSING, RECOVERED = Status.PENDING, Status.STORED, Status.MISSING, Status.RECOVERED
UNPROVEN, UNDETERMINED, ERASED = Status.UNPROVEN, Status.UNDETERMINED, Status.ERASED
REROUTED, LOST = frozenset({"rerouted"}), frozenset({"evidence_lost"})
FIRST = "missing #1 due 10:00 alarm 10:05"

RULE_10 = (
    Course(
        "what repeats an id and a channel is no attempt, what has a new one of either is",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("08:10", "FIKS_IO", "m1", OSLO),
            sent("08:20", "FIKS_IO", None, OSLO),
            sent("08:30", "FIKS_IO", "m2", OSLO),
            sent("08:40", "CARRIER_PIGEON", "m2", OSLO),
            sent("08:50", "CARRIER_PIGEON", None, OSLO),
            stored("09:00"),
        ],
        [],
        [("09:01", STORED)],
        repeats=(2, 3),
    ),
    Course(
        "the first channel that can be read is filled in and is none that is new",
        [sent("08:00", None, "m1", OSLO), sent("09:00", "PRINT", "m1", OSLO), sent("09:30", "FIKS_IO", None, OSLO)],
        # The default is a day; what went by PRINT first is re-routed by FIKS_IO, to no later time.
        [("2026-03-03T08:05", "missing #1 due 2026-03-03T08:00 alarm 2026-03-03T08:05 no_receipt FIKS_IO [m1]")],
        [("2026-03-03T08:05", PENDING)],
        REROUTED | {"unreadable_channel", "named_later"},
        repeats=(1, 1),
    ),
)

RULE_11 = (
    Course(
        "a letter gives it other terms",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("09:00", "PRINT", None, OSLO)],
        [("2026-03-14T09:05", "missing #1 due 2026-03-14T09:00 alarm 2026-03-14T09:05 no_receipt PRINT [m1]")],
        [("10:06", PENDING), ("2026-03-14T09:05", PENDING), ("2026-03-14T09:06", MISSING)],
        REROUTED,
    ),
    Course(
        "an attempt at the verdict time re-routes it still",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("10:05", "SVARINN", None, OSLO)],
        [("2026-03-03T10:10", "missing #1 due 2026-03-03T10:05 alarm 2026-03-03T10:10 no_receipt SVARINN [m1]")],
        [("10:06", PENDING)],
        REROUTED,
    ),
    Course(
        "who sends it again every hour pushes nothing away",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("09:00", "FIKS_IO", "m2", OSLO),
            sent("10:00", "FIKS_IO", "m3", OSLO),
            sent("10:05", "FIKS_IO", "m4", OSLO),
        ],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1+m2+m3+m4]")],
        [("10:05", PENDING), ("10:06", MISSING)],
        repeats=(3, 0),
    ),
    Course(
        "a channel that the version does not name re-routes nothing",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("09:00", "CARRIER_PIGEON", None, OSLO)],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [],
    ),
    Course(
        "a channel of the window does not re-route it again",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("09:00", "SVARINN", "m2", OSLO),
            sent("2026-03-03T08:59", "FIKS_IO", "m3", OSLO),
        ],
        [("2026-03-03T09:05", "missing #1 due 2026-03-03T09:00 alarm 2026-03-03T09:05 no_receipt SVARINN [m1+m2+m3]")],
        [],
        REROUTED,
    ),
    Course(
        "due and alarm become the later ones, each for itself",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("10:04", "SVARINN", None, OSLO, sent_at="2026-03-01T08:00"),
        ],
        [("10:09", "missing #1 due 10:00 alarm 10:09 no_receipt SVARINN [m1]")],
        [("10:06", PENDING)],
        REROUTED,
    ),
    Course(
        "before due the letter of a receiver that need not prove letters asks nothing more",
        [sent("08:00", "FIKS_IO", "m1"), sent("09:59", "PRINT")],
        [],
        [("10:06", PENDING), ("2026-03-03T10:04", PENDING), ("2026-03-03T10:05", UNPROVEN)],
        REROUTED,
    ),
    Course(
        "after due the same letter asks no less than before",
        [
            sent("08:00", "FIKS_IO", "m1"),
            sent("10:02", "PRINT"),
            mark("2026-03-03T11:00", "2026-03-03T10:30"),
        ],
        [
            (
                "2026-03-03T11:00",
                "missing #1 due 2026-03-03T10:02 alarm 2026-03-03T10:07 no_receipt PRINT [m1]"
                " list until 2026-03-03T10:30",
            )
        ],
        [("10:06", PENDING)],
        REROUTED,
    ),
    Course(
        "what was undetermined is pending again once it is re-routed",
        [sent("08:00", "FIKS_IO", "m1"), sent("17:00", "SVARINN"), stored("2026-03-03T18:00")],
        [],
        [("16:05", PENDING), ("16:06", UNDETERMINED), ("17:01", PENDING), ("2026-03-03T18:01", STORED)],
        REROUTED | {"stored_after_due"},
    ),
    Course(
        "the last call caps the alarm of a first window, but not when it is due",
        [sent("08:00", "FIKS_IO", "m1"), sent("2026-03-22T09:00", "MANUELL_MOTTAK")],
        [
            (
                LAST_CALL,
                f"missing #1 due 2026-03-27T09:00 alarm {LAST_CALL} unwatched MANUELL_MOTTAK [m1] list until never",
            )
        ],
        [("2026-03-22T08:59", UNDETERMINED), (LAST_CALL, PENDING), ("2026-03-25T08:01", MISSING)],
        REROUTED,
    ),
)

RULE_12 = (
    Course(
        "each attempt after an alarm has a window of its own",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("11:00", "FIKS_IO", "m2", OSLO),
            sent("14:00", "FIKS_IO", "m3", OSLO),
            stored("17:00"),
            sent("18:00", "FIKS_IO", "m4", OSLO),
        ],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            ("13:05", "missing #2 due 13:00 alarm 13:05 no_receipt FIKS_IO [m1+m2]"),
            ("16:05", "missing #3 due 16:00 alarm 16:05 no_receipt FIKS_IO [m1+m2+m3]"),
            ("17:00", "recovered #3 due 16:00 stored_late no_receipt FIKS_IO"),
        ],
        [("12:00", MISSING), ("17:01", RECOVERED)],
    ),
    Course(
        "one sent before the first had arrived counts from its arrival",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("11:00", "FIKS_IO", "m2", OSLO, sent_at="07:59:59.999999"),
        ],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            ("13:05", "missing #2 due 13:00 alarm 13:05 no_receipt FIKS_IO [m1+m2]"),
        ],
        [],
    ),
    Course(
        "one sent when the first arrived counts from then",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("11:00", "FIKS_IO", "m2", OSLO, sent_at="08:00")],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            ("11:05", "missing #2 due 10:00 alarm 11:05 no_receipt FIKS_IO [m1+m2]"),
        ],
        [],
    ),
    Course(
        "proof ends a later window, and whether it came late goes by the first",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("11:00", "FIKS_IO", "m2", OSLO), stored("12:00", at_="10:00")],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            ("12:00", "recovered #1 due 10:00 confirmed_late no_receipt FIKS_IO"),
        ],
        [("12:01", RECOVERED)],
    ),
    Course(
        "an attempt that names no channel goes by the last route",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("09:00", "SVARINN", "m2", OSLO),
            sent("2026-03-03T12:00", None, "m3", OSLO),
        ],
        [
            ("2026-03-03T09:05", "missing #1 due 2026-03-03T09:00 alarm 2026-03-03T09:05 no_receipt SVARINN [m1+m2]"),
            (
                "2026-03-04T12:05",
                "missing #2 due 2026-03-04T12:00 alarm 2026-03-04T12:05 no_receipt SVARINN [m1+m2+m3]",
            ),
        ],
        [],
        REROUTED,
    ),
    Course(
        "no last call caps a window after an alarm",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("2026-03-24T09:00", "MANUELL_MOTTAK", None, OSLO)],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            (
                "2026-03-29T09:05",
                "missing #2 due 2026-03-29T09:00 alarm 2026-03-29T09:05 no_receipt MANUELL_MOTTAK [m1]",
            ),
        ],
        [],
    ),
    Course(
        "a window that asks nothing ends without a word, and the next attempt opens another",
        [
            sent("08:00", "FIKS_IO", "m1"),
            mark("10:10", "10:00"),
            sent("11:00", "PRINT"),
            sent("2026-03-03T12:00", "FIKS_IO", "m3"),
            mark("2026-03-03T14:10", "2026-03-03T14:00"),
        ],
        [
            ("10:10", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:00"),
            (
                "2026-03-03T14:10",
                "missing #2 due 2026-03-03T14:00 alarm 2026-03-03T14:05 no_receipt FIKS_IO [m1+m3]"
                " list until 2026-03-03T14:00",
            ),
        ],
        [("2026-03-03T11:06", MISSING)],
    ),
    Course(
        "a later window that is receipted where receipts are asked ends without a word",
        [
            sent("08:00", "FIKS_IO", "m1", RECEIPTED),
            sent("11:00", "FIKS_IO", "m2", RECEIPTED),
            receipt("11:10"),
            receipt("14:00", "FEILET"),
        ],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [("13:06", MISSING), ("14:01", MISSING)],
    ),
    Course(
        "a later window is never undetermined",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:10", "10:00"), sent("11:00", "FIKS_IO", "m2")],
        [
            ("10:10", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:00"),
            (LAST_CALL, "missing #2 due 13:00 alarm 13:05 unwatched FIKS_IO [m1+m2] list until 10:00"),
        ],
        [("2026-03-03T08:00", MISSING)],
    ),
    Course(
        "after the tenth missing event no window opens",
        [sent(f"{hour:02}:00", "FIKS_IO", f"m{hour}", OSLO) for hour in range(0, 24, 2)],
        [
            (
                f"{hour + 1:02}:05",
                f"missing #{hour // 2 + 1} due {hour + 1:02}:00 alarm {hour + 1:02}:05 no_receipt FIKS_IO "
                f"[{'+'.join(f'm{n}' for n in range(0, hour + 1, 2))}]",
            )
            for hour in range(0, 20, 2)
        ],
        [],
        version=VERSION._replace(allowance={"FIKS_IO": timedelta(hours=1)}),
    ),
)

RULE_5 = (
    Course(
        "receipts about attempts before the re-route are no longer asked",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            receipt("08:30", "FEILET"),
            sent("09:00", "SVARINN", "m2", OSLO),
            receipt("09:30", "FEILET", "m1"),
        ],
        [("2026-03-03T09:05", "missing #1 due 2026-03-03T09:00 alarm 2026-03-03T09:05 no_receipt SVARINN [m1+m2]")],
        [],
        REROUTED,
    ),
    Course(
        "a receipt about an unknown message is about the latest attempt",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("09:00", "SVARINN", "m2", OSLO),
            receipt("09:30", "FEILET", "m9"),
        ],
        [
            (
                "2026-03-03T09:05",
                "missing #1 due 2026-03-03T09:00 alarm 2026-03-03T09:05 rejected SVARINN [m1+m2] FEILET 09:30",
            )
        ],
        [],
        REROUTED,
    ),
    Course(
        "a receipt before any sent is about the first",
        [receipt("07:00", "TIDSAVBRUDD", "m9"), sent("08:00", "FIKS_IO", "m1", OSLO)],
        [("10:05", f"{FIRST} transport_failed FIKS_IO [m1] TIDSAVBRUDD 07:00")],
        [],
    ),
    Course(
        "a receipt about an attempt that opened no window of its own counts",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            sent("09:00", "FIKS_IO", "m2", OSLO),
            receipt("09:10", "MOTTATT", "m2"),
            receipt("09:20", "FEILET", "m1"),
        ],
        [("10:05", f"{FIRST} rejected FIKS_IO [m1+m2] FEILET 09:20")],
        [],
    ),
    Course(
        "after an alarm only receipts about the new attempt count",
        [
            sent("08:00", "FIKS_IO", "m1", OSLO),
            receipt("10:30", "MOTTATT"),
            sent("11:00", "FIKS_IO", "m2", OSLO),
            receipt("11:10", "MOTTATT", "m1"),
        ],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            ("13:05", "missing #2 due 13:00 alarm 13:05 no_receipt FIKS_IO [m1+m2]"),
        ],
        [],
    ),
)

RULE_13 = (
    Course(
        "who is asked nothing is unproven at the alarm, and stored once it is proved",
        [sent("08:00", "FIKS_IO", "m1", TRUSTED), stored("12:00")],
        [],
        [("10:05", PENDING), ("10:06", UNPROVEN), ("12:01", STORED)],
        frozenset({"stored_after_due"}),
    ),
    Course(
        "a receipt is enough where receipts are asked",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("10:05")],
        [],
        [("10:05", PENDING), ("10:06", UNPROVEN)],
    ),
    Course(
        "no receipt is not enough",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("10:05:00.000001")],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [("10:06", MISSING)],
    ),
    Course(
        "a refusal is not enough, though it was received before",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("08:10"), receipt("08:20", "SERVERFEIL")],
        [("10:05", f"{FIRST} transport_failed FIKS_IO [m1] SERVERFEIL 08:20")],
        [("10:06", MISSING)],
    ),
    Course(
        "a refusal of what is unproven announces it",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("08:10"), receipt("12:00", "FEILET")],
        [("12:00", f"{FIRST} rejected FIKS_IO [m1] FEILET 12:00")],
        [("11:00", UNPROVEN), ("12:01", MISSING)],
    ),
    Course(
        "what is said in the same moment after such a refusal changes nothing: received",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("08:10"), receipt("12:00", "FEILET"), receipt("12:00")],
        [("12:00", f"{FIRST} rejected FIKS_IO [m1] FEILET 12:00")],
        [("11:00", UNPROVEN), ("12:01", MISSING)],
    ),
    Course(
        "what is said in the same moment after such a refusal changes nothing: failed otherwise",
        [
            sent("08:00", "FIKS_IO", "m1", RECEIPTED),
            receipt("08:10"),
            receipt("12:00", "FEILET"),
            receipt("12:00", "SERVERFEIL"),
        ],
        [("12:00", f"{FIRST} rejected FIKS_IO [m1] FEILET 12:00")],
        [("11:00", UNPROVEN), ("12:01", MISSING)],
    ),
    Course(
        "a proof of the same moment as such a refusal is in time",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("08:10"), receipt("12:00", "FEILET"), stored("12:00")],
        [],
        [("11:00", UNPROVEN), ("12:01", STORED)],
        frozenset({"stored_after_due"}),
    ),
    Course(
        "what was announced by a refusal gets a window with the next attempt",
        [
            sent("08:00", "FIKS_IO", "m1", RECEIPTED),
            receipt("08:10"),
            receipt("12:00", "FEILET"),
            sent("12:30", "FIKS_IO", "m2", RECEIPTED),
        ],
        [
            ("12:00", f"{FIRST} rejected FIKS_IO [m1] FEILET 12:00"),
            ("14:35", "missing #2 due 14:30 alarm 14:35 no_receipt FIKS_IO [m1+m2]"),
        ],
        [],
    ),
    Course(
        "a refusal of what is asked nothing announces nothing",
        [sent("08:00", "FIKS_IO", "m1", TRUSTED), receipt("12:00", "FEILET")],
        [],
        [("12:01", UNPROVEN)],
    ),
    Course(
        "a new attempt makes what is unproven pending again, and its refusals are the former one's no more",
        [
            sent("08:00", "FIKS_IO", "m1", RECEIPTED),
            receipt("08:10"),
            sent("12:00", "FIKS_IO", "m2", RECEIPTED),
            receipt("12:30", "FEILET", "m1"),
            receipt("13:00", "MOTTATT"),
        ],
        [],
        [("11:00", UNPROVEN), ("12:01", PENDING), ("14:05", PENDING), ("14:06", UNPROVEN)],
    ),
    Course(
        "the last call caps a window after what was unproven",
        [
            sent("08:00", "FIKS_IO", "m1", RECEIPTED),
            receipt("08:10"),
            sent("2026-03-24T09:00", "MANUELL_MOTTAK", "m2", RECEIPTED),
        ],
        [
            (
                LAST_CALL,
                f"missing #1 due 2026-03-29T09:00 alarm {LAST_CALL} no_receipt MANUELL_MOTTAK [m1+m2]",
            )
        ],
        [("2026-03-24T09:01", PENDING)],
    ),
    Course(
        "an override that says nothing of proof keeps the version's",
        [sent("08:00", "FIKS_IO", "m1", OSLO, system="UNHEARD"), receipt("08:10")],
        [],
        [("09:05", PENDING), ("09:06", UNPROVEN)],
        version=VERSION._replace(proof=Asks.RECEIPT),
    ),
)

RULE_14 = (
    Course(
        "a word before the alarm lets it be judged at the alarm",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:02", "10:00")],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:00")],
        [("10:05", PENDING), ("10:06", MISSING)],
    ),
    Course(
        "a feed that falls silent and speaks",
        [
            sent("08:00", "FIKS_IO", "m1"),
            mark("10:00", "09:59:59.999999"),
            mark("18:00", "17:00"),
        ],
        [("18:00", f"{FIRST} no_receipt FIKS_IO [m1] list until 17:00")],
        [("10:06", PENDING), ("16:05", PENDING), ("16:06", UNDETERMINED), ("18:00", UNDETERMINED), ("18:01", MISSING)],
    ),
    Course(
        "a proof before the feed speaks is in time",
        [sent("08:00", "FIKS_IO", "m1"), stored("18:00"), mark("18:00", "17:00")],
        [],
        [("17:00", UNDETERMINED), ("18:01", STORED)],
        frozenset({"stored_after_due"}),
    ),
    Course(
        "a feed that is silent to the last call",
        [sent("08:00", "FIKS_IO", "m1")],
        [(LAST_CALL, f"{FIRST} unwatched FIKS_IO [m1] list until never")],
        [(LAST_CALL, UNDETERMINED), ("2026-03-25T08:01", MISSING)],
    ),
    Course(
        "a feed whose silence is announced after three hours",
        [sent("08:00", "FIKS_IO", "m1", TOGETHER), stored("09:00", Receiver("0301"))],
        [("13:05", f"{FIRST} unwatched FIKS_IO [m1] query until never")],
        [("11:05", PENDING), ("11:06", UNDETERMINED), ("13:05", UNDETERMINED), ("13:06", MISSING)],
    ),
    Course(
        "a refusal is announced when patience ends",
        [sent("08:00", "FIKS_IO", "m1"), receipt("16:05", "FEILET")],
        [("16:05", f"{FIRST} rejected FIKS_IO [m1] FEILET 16:05 list until never")],
        [("16:05", PENDING), ("16:06", MISSING)],
    ),
    Course(
        "a refusal after patience waits for the feed or the limit",
        [sent("08:00", "FIKS_IO", "m1", TOGETHER), receipt("11:06", "FEILET")],
        [("13:05", f"{FIRST} rejected FIKS_IO [m1] FEILET 11:06 query until never")],
        [("11:07", UNDETERMINED)],
    ),
    Course(
        "what was stored elsewhere is told when the feed has spoken",
        [sent("08:00", "FIKS_IO", "m1"), stored("09:00", Receiver("0301")), mark("11:00", "10:30")],
        [("11:00", f"{FIRST} stored_elsewhere FIKS_IO [m1] list until 10:30")],
        [("10:30", PENDING)],
    ),
    Course(
        "a mark that counts more proofs than came vouches for nothing",
        [
            sent("08:00", "FIKS_IO", "m1"),
            stored("08:30", feed="list", report=OTHER),
            mark("09:00", "08:30", proofs=1),
            stored("09:30", feed="list", report=OTHER),
            mark("10:10", "10:05", proofs=2),
            mark("11:00", "10:30", proofs=0),
        ],
        [("11:00", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:30")],
        [("10:30", PENDING)],
    ),
    Course(
        "a mark from over five minutes ahead vouches for nothing",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:10", "10:15:00.000001"), mark("10:20", "10:25")],
        [("10:20", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:20")],
        [],
    ),
    Course(
        "a feed takes no word back",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:01", "10:01"), mark("10:02", "09:00")],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:01")],
        [],
    ),
    Course(
        "a successor's word counts",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:20", "10:10", "query")],
        [("10:20", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:10")],
        [],
    ),
    Course(
        "a successor of a successor counts, too",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:20", "10:10", "new")],
        [("10:20", f"{FIRST} no_receipt FIKS_IO [m1] list until 10:10")],
        [],
        version=VERSION._replace(
            feeds=(Feed("list", HOUR, successor="query"), Feed("query", HOUR, successor="new"), Feed("new", HOUR)),
        ),
    ),
    Course(
        "a predecessor's word does not count, nor that of a feed that nobody knows",
        [sent("08:00", "FIKS_IO", "m1", TOGETHER), mark("10:20", "10:10", "list"), mark("10:30", "10:10", "other")],
        [("13:05", f"{FIRST} unwatched FIKS_IO [m1] query until never")],
        [],
    ),
    Course(
        "a re-route asks for a word beyond the new due",
        [
            sent("08:00", "FIKS_IO", "m1"),
            sent("09:00", "SVARINN", "m2"),
            mark("12:00", "11:00"),
            mark("2026-03-03T09:10", "2026-03-03T09:00"),
        ],
        [
            (
                "2026-03-03T09:10",
                "missing #1 due 2026-03-03T09:00 alarm 2026-03-03T09:05 no_receipt SVARINN [m1+m2]"
                " list until 2026-03-03T09:00",
            )
        ],
        [("12:01", PENDING)],
        REROUTED,
    ),
    Course(
        "the last call comes before a patience that is longer",
        [sent("08:00", "FIKS_IO", "m1"), receipt("08:10", "FEILET")],
        [(LAST_CALL, f"{FIRST} rejected FIKS_IO [m1] FEILET 08:10 list until never")],
        [(LAST_CALL, PENDING)],
        version=VERSION._replace(feeds=(Feed("list", timedelta(days=30)),)),
    ),
)

DAY_AFTER = "2026-03-03T10:05"
RULE_15 = (
    Course(
        "what may have been lost is undetermined for a day",
        [sent("08:00", "FIKS_IO", "m1", OSLO), receipt("08:10", "FEILET")],
        [(DAY_AFTER, f"{FIRST} unwatched FIKS_IO [m1] FEILET 08:10")],
        [("10:05", PENDING), ("10:06", UNDETERMINED), (DAY_AFTER, UNDETERMINED), ("2026-03-03T10:06", MISSING)],
        LOST,
        lost=(("stored", at("09:00"), at("09:30")),),
    ),
    Course(
        "what may have been lost may be proved again until then",
        [sent("08:00", "FIKS_IO", "m1", OSLO), stored(DAY_AFTER)],
        [],
        [("2026-03-03T10:06", STORED)],
        LOST | {"stored_after_due"},
        lost=(("stored", at("10:05"), None),),
    ),
    Course(
        "a loss that ended over 24 hours before is none",
        [sent("08:00", "FIKS_IO", "m1", OSLO)],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [],
        lost=(("stored", at("2026-03-01T07:00"), at("2026-03-01T07:59:59.999999")),),
    ),
    Course(
        "lost receipts take nothing from who is asked for proof",
        [sent("08:00", "FIKS_IO", "m1", OSLO)],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [],
        lost=(("receipt", at("09:00"), at("09:30")),),
    ),
    Course(
        "lost receipts make blind who is asked for receipts",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED)],
        [(DAY_AFTER, f"{FIRST} unwatched FIKS_IO [m1]")],
        [("10:06", UNDETERMINED)],
        LOST,
        lost=(("receipt", at("09:00"), at("09:30")),),
    ),
    Course(
        "who was receipted is unproven, whatever receipts were lost",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("08:10")],
        [],
        [("10:06", UNPROVEN)],
        lost=(("receipt", at("09:00"), at("09:30")),),
    ),
    Course(
        "who is receipted before the blind window closes is unproven then",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED), receipt("12:00")],
        [],
        [("10:06", UNDETERMINED), (DAY_AFTER, UNDETERMINED), ("2026-03-03T10:06", UNPROVEN)],
        LOST,
        lost=(("receipt", at("09:00"), at("09:30")),),
    ),
    Course(
        "a later window may be blind, too",
        [sent("08:00", "FIKS_IO", "m1", OSLO), sent("2026-03-03T12:00", "FIKS_IO", "m2", OSLO)],
        [
            ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]"),
            (
                "2026-03-04T14:05",
                "missing #2 due 2026-03-03T14:00 alarm 2026-03-03T14:05 unwatched FIKS_IO [m1+m2]",
            ),
        ],
        [("2026-03-03T14:06", MISSING)],
        LOST,
        lost=(("stored", at("2026-03-03T13:00"), None),),
    ),
    Course(
        "lost proofs take nothing from who is asked for receipts",
        [sent("08:00", "FIKS_IO", "m1", RECEIPTED)],
        [("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")],
        [],
        lost=(("stored", at("09:00"), at("09:30")),),
    ),
    Course(
        "a feed's word does not help a window that is blind",
        [sent("08:00", "FIKS_IO", "m1"), mark("10:10", "10:10")],
        [(DAY_AFTER, f"{FIRST} unwatched FIKS_IO [m1] list until 10:10")],
        [("10:06", UNDETERMINED), ("10:11", UNDETERMINED)],
        LOST,
        lost=(("stored", at("09:00"), at("09:30")),),
    ),
    Course(
        "a loss after the alarm touches what waits for its feed",
        [sent("08:00", "FIKS_IO", "m1"), mark("13:00", "13:00")],
        [(DAY_AFTER, f"{FIRST} unwatched FIKS_IO [m1] list until 13:00")],
        [("13:00", PENDING), ("13:01", UNDETERMINED)],
        LOST,
        lost=(("stored", at("12:00"), at("12:30")),),
    ),
    Course(
        "a loss after the verdict takes nothing back",
        [sent("08:00", "FIKS_IO", "m1"), mark("11:59", "11:59")],
        [("11:59", f"{FIRST} no_receipt FIKS_IO [m1] list until 11:59")],
        [],
        lost=(("stored", at("12:00"), at("12:30")),),
    ),
    Course(
        "who is asked nothing is not blind",
        [sent("08:00", "FIKS_IO", "m1", TRUSTED)],
        [],
        [("10:06", UNPROVEN)],
        lost=(("stored", at("09:00"), None), ("receipt", at("09:00"), None)),
    ),
    Course(
        "what was sent before the beginning is announced at the last call",
        [sent("08:00", "FIKS_IO", "m1", OSLO)],
        [(LAST_CALL, f"{FIRST} unwatched FIKS_IO [m1]")],
        [("10:06", UNDETERMINED), (LAST_CALL, UNDETERMINED)],
        frozenset({"before_the_beginning"}),
        beginning=at("2026-03-01T08:00:00.000001"),
        first_complete=at("2026-03-25T07:59"),
    ),
    Course(
        "and never, where the first look came after it",
        [sent("08:00", "FIKS_IO", "m1", OSLO)],
        [],
        [("10:06", UNDETERMINED), ("2026-04-20T08:00", UNDETERMINED)],
        frozenset({"before_the_beginning"}),
        beginning=at("2026-03-01T08:00:00.000001"),
        first_complete=at(LAST_CALL),
    ),
)

CONTRADICTED = frozenset({"contradicts_outcome"})
LATE = ("10:05", f"{FIRST} no_receipt FIKS_IO [m1]")
SENT = sent("08:00", "FIKS_IO", "m1", OSLO)
RULE_16 = (
    Course(
        "closed, reopened, closed again",
        [
            SENT,
            decide("11:00", "close", "10:05", "found"),
            decide("12:00", "reopen", "10:05", name="d2"),
            decide("13:00", "close", "10:05", "handled", name="d3"),
            decide("14:00", "close", "10:05", "withdrawn", name="d4"),
        ],
        [
            LATE,
            ("11:00", "closed #1 due 10:00 found no_receipt"),
            ("12:00", "reopened #1 due 10:00 no_receipt"),
            ("13:00", "closed #1 due 10:00 handled no_receipt"),
            ("14:00", "closed #1 due 10:00 withdrawn no_receipt"),
        ],
        [("14:01", MISSING)],
        outcome=Outcome.WITHDRAWN,
    ),
    Course(
        "reopened stays open",
        [SENT, decide("11:00", "close", "10:05", "lost"), decide("12:00", "reopen", "10:05", name="d2")],
        [LATE, ("11:00", "closed #1 due 10:00 lost no_receipt"), ("12:00", "reopened #1 due 10:00 no_receipt")],
        [("12:01", MISSING)],
    ),
    Course(
        "a decision that it has had changes nothing",
        [
            SENT,
            decide("11:00", "close", "10:05", "found"),
            decide("11:30", "reopen", "10:05", name="d2"),
            decide("12:00", "close", "10:05", "found"),
        ],
        [LATE, ("11:00", "closed #1 due 10:00 found no_receipt"), ("11:30", "reopened #1 due 10:00 no_receipt")],
        [("12:01", MISSING)],
    ),
    Course(
        "what does not fit changes nothing",
        [
            SENT,
            decide("10:05", "close", "10:05", "found"),  # not after the verdict
            decide("11:00", "reopen", "10:05", name="d2"),  # it is open
            decide("11:10", "close", "10:06", "found", name="d3"),  # another alarm
            decide("11:20", "close", None, "found", name="d4"),
            decide("11:30", "close", "10:05", name="d5"),  # without an outcome
            decide("11:40", "close", "10:05", "found", name="d6", by=Receiver("4601")),
            decide("11:50", "acknowledge", "10:05", name="d7"),
            decide("11:55", "erase", name="d8"),
            decide("11:56", "erase", "10:05", name="d9"),
        ],
        [LATE],
        [("12:00", MISSING)],
    ),
    Course(
        "what came too soon may be said again",
        [SENT, decide("10:05", "close", "10:05", "found"), decide("11:00", "close", "10:05", "found")],
        [LATE, ("11:00", "closed #1 due 10:00 found no_receipt")],
        [],
        outcome=Outcome.FOUND,
    ),
    Course(
        "a proof contradicts who gave it up as lost",
        [SENT, decide("11:00", "close", "10:05", "lost"), stored("12:00")],
        [
            LATE,
            ("11:00", "closed #1 due 10:00 lost no_receipt"),
            ("12:00", "recovered #1 due 10:00 stored_late no_receipt FIKS_IO"),
        ],
        [("12:01", RECOVERED)],
        CONTRADICTED,
        Outcome.LOST,
    ),
    Course(
        "a proof bears out who found it",
        [
            SENT,
            decide("11:00", "close", "10:05", "found"),
            stored("12:00"),
            decide("12:00", "reopen", "10:05", name="d2"),
        ],
        [
            LATE,
            ("11:00", "closed #1 due 10:00 found no_receipt"),
            ("12:00", "recovered #1 due 10:00 stored_late no_receipt FIKS_IO"),
        ],
        [("12:01", RECOVERED)],
        outcome=Outcome.FOUND,
    ),
    Course(
        "each missing event opens the alarm anew",
        [
            SENT,
            decide("11:00", "close", "10:05", "lost"),
            sent("12:00", "FIKS_IO", "m2", OSLO),
            decide("15:00", "reopen", "10:05", name="d2"),  # that of before
            stored("16:00"),
        ],
        [
            LATE,
            ("11:00", "closed #1 due 10:00 lost no_receipt"),
            ("14:05", "missing #2 due 14:00 alarm 14:05 no_receipt FIKS_IO [m1+m2]"),
            ("16:00", "recovered #2 due 14:00 stored_late no_receipt FIKS_IO"),
        ],
        [("15:01", MISSING)],
    ),
    Course(
        "closed while a window is open",
        [SENT, sent("11:00", "FIKS_IO", "m2", OSLO), decide("12:00", "close", "10:05", "found")],
        [
            LATE,
            ("12:00", "closed #1 due 10:00 found no_receipt"),
            ("13:05", "missing #2 due 13:00 alarm 13:05 no_receipt FIKS_IO [m1+m2]"),
        ],
        [],
    ),
    Course(
        "what is closed may be erased, and what comes later repeats it",
        [
            SENT,
            decide("11:00", "close", "10:05", "handled"),
            decide("12:00", "erase", "10:05", name="d2"),
            sent("13:00", "FIKS_IO", "m2", OSLO),
            receipt("13:00"),
            stored("14:00"),
        ],
        [LATE, ("11:00", "closed #1 due 10:00 handled no_receipt")],
        [("12:00", ERASED), ("14:01", ERASED)],
        repeats=(0, 1),
    ),
    Course(
        "what is stored may be erased, by its own receiver",
        [
            SENT,
            stored("09:00"),
            decide("09:10", "erase", by=Receiver("4601")),
            decide("09:20", "erase", name="d2", by=OSLO),
        ],
        [],
        [("09:10", STORED), ("09:20", ERASED)],
    ),
    Course(
        "what is pending is not erased, nor what is not sent",
        [decide("07:00", "erase", name="d0"), SENT, decide("09:00", "erase")],
        [LATE],
        [("09:01", PENDING)],
    ),
    Course(
        "what is closed is not erased while a window is open",
        [
            SENT,
            decide("11:00", "close", "10:05", "found"),
            sent("12:00", "FIKS_IO", "m2", OSLO),
            decide("13:00", "erase", name="d2"),
        ],
        [
            LATE,
            ("11:00", "closed #1 due 10:00 found no_receipt"),
            ("14:05", "missing #2 due 14:00 alarm 14:05 no_receipt FIKS_IO [m1+m2]"),
        ],
        [("13:01", MISSING)],
    ),
)

COUNTS = (
    Course(
        "what one of a service stored counts for all of it",
        [sent("08:00", "FIKS_IO", "m1", TOGETHER), stored("09:00", Receiver("4651", "01"))],
        [],
        [("09:01", STORED)],
    ),
    Course(
        "what another district of its neighbour stored does not",
        [
            sent("08:00", "FIKS_IO", "m1", TOGETHER),
            stored("09:00", Receiver("4651", "02")),
            mark("10:05", "10:00", "query"),
        ],
        [("10:05", f"{FIRST} stored_elsewhere FIKS_IO [m1] query until 10:00")],
        [],
    ),
    Course(
        "an allowance in working time",
        [sent("2026-03-06T14:00", "ALTINN", "m1", OSLO)],  # Friday at 15:00 in Oslo
        [
            (
                # Monday at 15:00 and two hours more of work: Tuesday at 09:00.
                "2026-03-10T08:05",
                "missing #1 due 2026-03-10T08:00 alarm 2026-03-10T08:05 no_receipt ALTINN [m1]",
            )
        ],
        [],
    ),
)

COURSES = (*RULE_5, *RULE_10, *RULE_11, *RULE_12, *RULE_13, *RULE_14, *RULE_15, *RULE_16, *COUNTS)
