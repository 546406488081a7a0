"""What the demo shop's customers and staff wrote: tickets, messages, reviews and notes."""

from customer_export.demo.catalogue import Catalogue
from customer_export.demo.clock import DAY, NOW, offset_time, plain_time
from customer_export.demo.dice import Dice
from customer_export.demo.hostile import CELLS
from customer_export.demo.people import Person
from customer_export.demo.rows import Rows

STAFF = ("Ms Abiola", "Herr Petersen", "M. Lambert", "佐藤さん")
REMARKS = (
    ("Phone call", "Called about a delivery. Friendly; wants parcels in the afternoon only."),
    ("Good will", "Sent a voucher because the last parcel came late."),
    (None, "Buys tea every autumn. Tell them about the new harvest."),
    ("Address", "Address checked by phone, the door is around the corner."),
)


def add_tickets(rows: Rows, dice: Dice, person: Person) -> None:
    """Add up to two tickets, each with a question, mostly an answer, and sometimes a word of thanks."""
    tickets = person.region.tickets[: 2 if person.busy else dice.below(3)]
    moments = sorted(person.since + dice.below(NOW - 3 * DAY - person.since) for _ in tickets)
    for opened, (subject, question, answer) in zip(moments, tickets, strict=True):
        ticket_id = rows.next_id("tickets")
        answered = person.busy or dice.chance(85)
        closed = opened + DAY + dice.below(DAY) if answered else None
        rows.add(
            "tickets",
            ticket_id,
            person.id,
            subject,
            "closed" if answered else "open",
            dice.pick(("low", "normal", "normal", "high")),
            plain_time(opened),
            plain_time(closed) if closed else None,
        )
        conversation = [("customer", question)]
        if answered:
            conversation.append((dice.pick(STAFF), answer))
        if answered and dice.chance(30):
            conversation.append(("customer", "👍"))
        for number, (author, body) in enumerate(conversation):
            # A third of a day apart: the last message comes before the ticket is closed.
            sent = opened + number * DAY // 3
            rows.add("ticket_messages", None, ticket_id, author, body, offset_time(sent, dice.below(1_000_000)))


def add_reviews(rows: Rows, dice: Dice, catalogue: Catalogue, person: Person) -> None:
    """Add up to two reviews of products."""
    for body in person.region.reviews[: 2 if person.busy else dice.below(3)]:
        rows.add(
            "reviews",
            None,
            person.id,
            dice.pick(catalogue.products).id,
            3 + dice.below(3),
            body,
            int(dice.chance(90)),
            plain_time(person.since + dice.below(NOW - person.since)),
        )


def add_notes(rows: Rows, dice: Dice, person: Person) -> None:
    """Add a remark of the staff about some; about the hostile one, a note for every hostile cell."""
    remarks = CELLS.items() if person.hostile else (dice.pick(REMARKS),) * (person.busy or dice.chance(25))
    for number, (subject, body) in enumerate(remarks):
        moment = person.since + dice.below(DAY) + number * DAY // 2
        rows.add("notes", None, person.id, dice.pick(STAFF), subject, body, plain_time(moment))
