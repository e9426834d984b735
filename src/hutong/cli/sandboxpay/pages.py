"""The pay page: what the payer's phone shows. One file of HTML, no scripts, nothing loaded from elsewhere."""

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

from hutong.cli.sandboxpay.store import Row
from hutong.kit.money import Amount

SIGNS = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}
NOTES = {
    "captured": ("✓", "支付成功", "Paid", "good"),
    "closed": ("×", "订单已关闭", "This payment is closed", "bad"),
}

STYLE = """
:root { color-scheme: light dark; --ink: #16241d; --soft: #5d6b64; --paper: #fff; --ground: #eef3f0;
        --line: #dde5e1; --brand: #0b6b46; --bad: #a3312a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edf3f0; --soft: #a3b1aa; --paper: #18211d; --ground: #0e1512; --line: #2c3832;
          --brand: #3fb684; --bad: #ef8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1.25rem;
       background: var(--ground); color: var(--ink);
       font: 1rem/1.5 system-ui, "PingFang SC", "Noto Sans SC", "Microsoft YaHei", sans-serif; }
main { width: 100%; max-width: 24rem; background: var(--paper); border: 1px solid var(--line);
       border-radius: 1rem; padding: 1.5rem 1.25rem; }
header { display: flex; justify-content: space-between; align-items: baseline; color: var(--soft); }
header b { color: var(--brand); letter-spacing: .02em; }
h1 { font-size: 2.75rem; line-height: 1.1; margin: 1.5rem 0 .25rem; text-align: center;
     font-variant-numeric: tabular-nums; }
h1 small { font-size: 1.25rem; font-weight: 500; margin-right: .15em; }
.what { text-align: center; margin: 0 0 1.5rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1rem; margin: 0 0 1.5rem; padding: 1rem 0 0;
     border-top: 1px solid var(--line); font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
button, a.button { display: block; width: 100%; min-height: 3.25rem; border-radius: .75rem; border: 0;
       font: inherit; font-weight: 600; cursor: pointer; text-align: center; text-decoration: none;
       padding: .85rem 1rem; margin-top: .75rem; }
.pay { background: var(--brand); color: var(--paper); }
.cancel { background: none; color: var(--soft); border: 1px solid var(--line) !important; }
button:focus-visible, a:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
.note { text-align: center; } .mark { font-size: 3rem; line-height: 1; margin: 1.5rem 0 .5rem; }
.good .mark { color: var(--brand); } .bad .mark { color: var(--bad); }
footer { margin-top: 1.25rem; text-align: center; color: var(--soft); font-size: .8rem; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def policy(return_url: str) -> str:
    """The page's Content-Security-Policy. The form may end at the merchant, where the redirect leads."""
    parts = urlsplit(return_url)
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {parts.scheme}://{parts.netloc}"
    )


def pay_page(payment: Row, payee: str) -> str:
    """The page for a payment in any state."""
    body = _form(payment) if payment["state"] == "unpaid" else _note(payment)
    shown = payment["captured"] if payment["state"] == "captured" else payment["amount"]
    amount = Amount(shown, payment["asset"])
    sign = escape(SIGNS.get(amount.asset, amount.asset))
    return _frame(
        f"""<h1><small>{sign}</small>{amount.decimal()}</h1>
<p class="what">{escape(payment["description"])}</p>
<dl><dt>收款方 Payee</dt><dd>{escape(payee)}</dd>
<dt>订单号 Reference</dt><dd>{escape(payment["out_no"])}</dd></dl>
{body}"""
    )


def not_found_page() -> str:
    """For a link that leads nowhere."""
    return _frame(
        '<div class="note bad"><p class="mark" aria-hidden="true">?</p>'
        "<p>没有找到这笔支付。<br><span lang='en'>There is no such payment.</span></p></div>"
    )


def _form(payment: Row) -> str:
    return """<form method="post">
<button class="pay" name="choice" value="pay">确认支付 · <span lang="en">Pay</span></button>
<button class="cancel" name="choice" value="cancel">取消 · <span lang="en">Cancel</span></button>
</form>"""


def _note(payment: Row) -> str:
    mark, zh, en, kind = NOTES[payment["state"]]
    back = escape(payment["return_url"])
    return f"""<div class="note {kind}" role="status"><p class="mark" aria-hidden="true">{mark}</p>
<p><strong>{zh}</strong><br><span lang="en">{en}</span></p>
<a class="button pay" href="{back}">返回商家 · <span lang="en">Back to the shop</span></a></div>"""


def _frame(body: str) -> str:
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><link rel="icon" href="data:,">
<title>SandboxPay 收银台 · Checkout</title>
<style>{STYLE}</style></head>
<body><main><header><b>SandboxPay</b><span>收银台 · <span lang="en">Checkout</span></span></header>
{body}
<footer>测试环境，不会真实扣款<br><span lang="en">Sandbox: no real money moves</span></footer>
</main></body></html>"""
