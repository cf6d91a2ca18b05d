"""How long promotions take against what the platform allows: `make bench`, `make bench QUICK=1`.

Three lanes run against simulators of their own, which answer after 300 ms and refuse callers that
are faster than allowed: the *yardstick* (somebody who carries out the guide's steps by hand, one
after the other) and Promotion Desk's own stack in each of the two dialects. The *floor* is what
nobody can go below: the calls that change something, divided by the calls a second allowed.
"""
