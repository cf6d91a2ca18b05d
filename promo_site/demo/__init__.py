"""The demo: a whole stack on this machine, and people who carry one promotion through its pages.

An app that is installed with ``DEMO=true`` only, and that the image of a production leaves out.
The tests start their servers with it too (`servers`).
"""
