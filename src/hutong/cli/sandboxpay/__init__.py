"""SandboxPay: another company's payment service, small enough to run beside ours.

Nothing here is imported by the rest of the house, and nothing of the house but the clock, `Amount` and the
language helper is imported here: the two meet over HTTP only, as they would with a real provider.
"""
