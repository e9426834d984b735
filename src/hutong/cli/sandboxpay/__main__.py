"""`python -m hutong.cli.sandboxpay --port 8011 --keys keys --state sandboxpay.sqlite`"""

from hutong.cli.sandboxpay.command import main

main()
