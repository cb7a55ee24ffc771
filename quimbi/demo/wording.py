"""What people write to the shop and what the shop answers, by topic. `{product}` and `{number}` are filled in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A topic's tags, its subjects and first messages (same position, same matter), answers, and what comes back."""

    tags: tuple[str, ...]
    subjects: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    replies: tuple[str, ...]


TROUBLE_WITH_TOOL = Topic(
    tags=("technical", "defect"),
    subjects=("Problem with {product}", "{product} not working", "Broken part: {product}", "{product} will not lock"),
    questions=(
        "The {product} from my last order gave up after a few minutes. I have cleaned it twice. What else can I try?",
        "My {product} stopped working yesterday. Can I fix it myself, or is it faulty?",
        "One part of the {product} arrived cracked. Can you send just the part?",
        "I cannot get the {product} to lock, whatever I do. The sample in your shop was fine.",
    ),
    answers=(
        "Sorry to hear that. Could you send a photo of the underside, and tell me what you use it for?",
        "Thank you, that helps. Please loosen the screw a quarter turn, re-seat it and try on a scrap first.",
        "I have asked our repair bench. They think a part has slipped, so I am sending you a new one today.",
        "That should not happen. A replacement is on its way; keep the old one for now.",
    ),
    replies=(
        "I tried that and it is a little better, but it still slips at the end of the row.",
        "Photo attached. Nothing else has changed on my side.",
        "No change, I am afraid. Could someone call me about it?",
        "That did it for a day. This morning it is back to where it was.",
    ),
)
TROUBLE_WITH_MATERIAL = Topic(
    tags=("technical", "defect"),
    subjects=("Problem with {product}", "{product} keeps breaking", "Flaw in {product}", "Color runs: {product}"),
    questions=(
        "The {product} leaves fluff everywhere and clogs my machine after an hour. Is that normal?",
        "The {product} keeps breaking, at any tension and with a new needle. It did not do that before.",
        "About a yard in, the {product} has a thin spot that I cannot work around. What can we do?",
        "I washed the {product} cold and the color still ran into the white. Was that a bad dye lot?",
    ),
    answers=(
        "Sorry to hear that. Could you tell me the lot number on the label and how you store it?",
        "Thank you. That lot was wound too tight; try a larger needle and half the speed while I look into it.",
        "I have shown your photo to the mill. They agree, so I am sending you new ones today.",
        "That should not happen. A replacement from another lot is on its way.",
    ),
    replies=(
        "It is the newer lot. An older one from spring works fine.",
        "I tried that and it is a little better, but not good enough for a commission.",
        "No change, I am afraid. Could someone call me about it?",
        "The new one does the same after a while.",
    ),
)
TROUBLE_WITH_PATTERN = Topic(
    tags=("technical", "defect"),
    subjects=("Cannot open {product}", "Mistake in {product}?", "Page missing: {product}", "{product} prints too small"),
    questions=(
        "The file of the {product} will not open on my tablet. It says that it is damaged.",
        "Step 6 of the {product} does not add up: the count is off by two. Is there a correction?",
        "Page 3 is missing from my {product}. Could you send it?",
        "The {product} prints at 94 percent, whatever I set, so the pieces do not match.",
    ),
    answers=(
        "Sorry about that. I have sent you a fresh file; which program do you open it with?",
        "You are right, there is a slip in step 6. The corrected page is in this message.",
        "Here is page 3. Sorry for the trouble.",
        "Please switch off 'fit to page' and measure the one-inch square. Does it come out right?",
    ),
    replies=(
        "Still the same on the tablet. On my old laptop it opens.",
        "Thank you, now it works out.",
        "The square measures seven eighths.",
        "One more: the chart on page 5 has no key.",
    ),
)
HOW_TO_TOOL = Topic(
    tags=("how-to", "question"),
    subjects=(
        "How do I use the {product}?",
        "Right size of {product}?",
        "Beginner question about {product}",
        "Caring for {product}",
    ),
    questions=(
        "I am new to this. How do I start with the {product}? The leaflet skips the first step.",
        "Is the {product} the right size for a first project?",
        "Do I need anything else to use the {product}, or can I begin at once?",
        "How do I clean the {product}, and how often?",
    ),
    answers=(
        "Good question! Start slowly with a small sample. There is a short guide on our learning page.",
        "It is a good size to begin with. If you have small hands, one size down is easier.",
        "You can begin at once. A scrap to practise on is all you need.",
        "A dry cloth after use is enough, and a drop of oil twice a year where parts move.",
    ),
    replies=(
        "Thank you! One more thing: does it matter which way I turn it?",
        "Ah, that makes sense. I will try tonight.",
        "I tried and my lines come out slanted. Is that normal at first?",
        "Great, that answers it.",
    ),
)
HOW_TO_MATERIAL = Topic(
    tags=("how-to", "question"),
    subjects=(
        "How do I use {product}?",
        "What goes with {product}?",
        "Beginner question about {product}",
        "How much do I need?",
    ),
    questions=(
        "I am new to this. How do I start with the {product}? I do not want to waste any.",
        "Which needle goes with the {product}?",
        "Is the {product} right for a first project, and do I need to wash it before?",
        "How much of the {product} do I need for a throw of about 50 by 60 inches?",
    ),
    answers=(
        "Good question! Start with a small sample and the middle setting. There is a short guide on our learning page.",
        "A size smaller than the label says works best for beginners. Take your time with the first rows.",
        "Yes, it is a fine first project. Wash it once, cold, and press it while it is damp.",
        "It depends on your pattern. Tell me its name and I will work it out for you.",
    ),
    replies=(
        "Thank you! One more thing: does the direction matter?",
        "Ah, that makes sense. I will try tonight.",
        "I did the sample and it curls at the edge. Is that normal?",
        "Great, that answers it.",
    ),
)
HOW_TO_PATTERN = Topic(
    tags=("how-to", "question"),
    subjects=(
        "How do I read {product}?",
        "Is {product} for beginners?",
        "Question about {product}",
        "How much do I need for {product}?",
    ),
    questions=(
        "I have never followed a chart. How do I read the one in {product}?",
        "Is {product} something for a beginner? I have only made a scarf so far.",
        "What does the little star in {product} mean? I cannot find it in the list.",
        "How much material do I need for {product} in the larger size?",
    ),
    answers=(
        "Good question! Begin at the bottom right and follow each row from right to left. Our learning page has a short film.",
        "It is fine for a second project. Take your time with the first ten rows.",
        "The star means: repeat up to the next star. I have asked for it to be added to the list.",
        "About a third more than for the small size. Tell me which material you like and I will work it out.",
    ),
    replies=(
        "Thank you! And where does row two begin?",
        "Ah, that makes sense. I will try tonight.",
        "I did the sample and mine is wider. Is that bad?",
        "Great, that answers it.",
    ),
)
PRICE = Topic(
    tags=("price-match", "promo"),
    subjects=(
        "Price match for {product}?",
        "Discount code not accepted",
        "Missed the sale",
        "Is {product} going on sale?",
    ),
    questions=(
        "I found the {product} two dollars cheaper elsewhere. Do you match prices?",
        "My discount code was not accepted for order {number}. Could you take it off afterwards?",
        "I ordered the {product} a day before the sale. Can I have the sale price?",
        "Will the {product} be in the next sale? I can wait.",
    ),
    answers=(
        "We match prices of shops that have it in stock. Could you send the link?",
        "The code had run out, but I have put the difference back on your card this once.",
        "You were one day early, so of course: the difference is on its way.",
        "I cannot promise it, but the next sale is on our news page two days ahead.",
    ),
    replies=(
        "Here is the link. They have six left.",
        "Thanks, that was quick.",
        "The difference has not arrived yet. When should I see it?",
        "And does it work together with the free pattern?",
    ),
)
DELIVERY = Topic(
    tags=("shipping", "where-is-my-order"),
    subjects=(
        "Where is my order {number}?",
        "Order {number} has not arrived",
        "Tracking for {number} does not move",
        "Change the address of order {number}",
    ),
    questions=(
        "Order {number} should have been here on Monday. Could you look where it is?",
        "The carrier says delivered, but there is nothing at my door. Order {number}, with the {product}.",
        "The tracking of order {number} has shown the same town for four days. Is it lost?",
        "I moved last week and forgot to change the address on order {number}. Can it still go to the new one?",
    ),
    answers=(
        "Let me check with the carrier. I will write again by tomorrow noon.",
        "It is in your town and due today. Sorry for the wait.",
        "The parcel seems to be lost. I have packed a new one; it leaves this afternoon.",
        "Caught it in time: it goes to the new address.",
    ),
    replies=(
        "Still nothing today. I need it for a class on Saturday.",
        "It came this morning, thank you.",
        "The new tracking number does not work either.",
        "Good to know, I will wait until Thursday.",
    ),
)
RETURN = Topic(
    tags=("return", "refund"),
    subjects=(
        "Return of {product}",
        "Refund for order {number}",
        "Wrong item received",
        "Exchange {product}",
    ),
    questions=(
        "The {product} is not what I expected. How do I send it back?",
        "I sent back part of order {number} a week ago. When will I see the refund?",
        "I ordered something else and got the {product}. I would like to return it.",
        "Could I exchange the {product} for a different one?",
    ),
    answers=(
        "Of course. The label is in this message; drop it off anywhere within 30 days.",
        "It reached us yesterday. The refund is made and takes three to five days to show.",
        "Sorry, that was our mistake. I have made a return for you.",
        "We can do that. Please send it back and I will keep the other one aside.",
    ),
    replies=(
        "The label will not print. Could you send it as a picture?",
        "The refund is there, thank you.",
        "I only see part of the money. The second item is missing.",
        "Sent today. Thanks for making it easy.",
    ),
)
OTHER = Topic(
    tags=("general",),
    subjects=(
        "Saturday workshop",
        "When is {product} back?",
        "Change my email address",
        "Thank you!",
    ),
    questions=(
        "Is there still a place in the Saturday workshop, and do I bring my own {product}?",
        "Your page says the {product} is out of stock. Do you know when it comes back?",
        "I have a new email address. Could you change it in my account?",
        "No question, I only wanted to say that the {product} is lovely to work with.",
    ),
    answers=(
        "There are two places left. Everything is there, just bring yourself.",
        "We expect the next delivery in about three weeks. Shall I keep one for you?",
        "Done! You will get a mail to confirm it.",
        "You have made our day. Thank you for writing.",
    ),
    replies=(
        "Yes please, put me down.",
        "Perfect, thanks.",
        "Any news on this?",
        "Is there a waiting list?",
    ),
)

# By what the product is, in the order MATERIAL, TOOL, PATTERN; then by topic, in the order of `tickets`.
MATERIAL, TOOL, PATTERN = range(3)
TOPICS = (
    (TROUBLE_WITH_MATERIAL, HOW_TO_MATERIAL, PRICE, DELIVERY, RETURN, OTHER),
    (TROUBLE_WITH_TOOL, HOW_TO_TOOL, PRICE, DELIVERY, RETURN, OTHER),
    (TROUBLE_WITH_PATTERN, HOW_TO_PATTERN, PRICE, DELIVERY, RETURN, OTHER),
)
AGENTS = ("Ines", "Teodor", "Maple", "Ravi")
