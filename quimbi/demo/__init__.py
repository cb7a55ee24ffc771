"""Heddle & Hem, an invented craft-supplies shop of any size, made from a seed.

In reading order: `catalogue` (what it sells), `temperaments` (how people differ), `rhythms` (when they buy), `baskets` (what
they buy), `people` (who they are), `tickets` and `wording` (what they ask), `showcase` (two people who are always there),
`shop` (all of it, put into the database by `writing`). One `numpy` Generator makes every choice, in a fixed order.
"""

LOAD, REMOVE = "load-demo", "remove-demo"  # kinds of jobs
SOURCE = "demo"  # where invented customers and orders say they come from
ONLY_ONE_OF = "import"  # customers come from one side at a time
MOST_CUSTOMERS = 2_000_000  # of a shop that we invent
