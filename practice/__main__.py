"""``python -m practice``"""

from practice.cli import main

main()
