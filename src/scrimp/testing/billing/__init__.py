"""A server that bills: it speaks the OpenAI and Anthropic formats, in a process of its own, and can fail in many ways.

Every token is billed at the moment it is written to the socket, by real cache rules, in exact decimals; the client
computes nothing of that bill. `python -m scrimp.testing.billing` runs it, `BillingServer` starts it from a test, and
`python -m scrimp.testing.billing.matrix` compares the ledger with its bill for every fault.

The server's own files (all but `client`, `matrix` and what they import) use nothing of scrimp and nothing beyond the
standard library, so that both sides of the comparison share no code.
"""
