"""The third, small dev account: awkward names, a very large profile, secrets where they hurt."""

from partnerapi.simulator import seed_xml as x
from partnerapi.simulator.seed_tools import Planter

AWKWARD_FOLDER = 'R&D "Lab" ~ <Tests> 🚚'
AWKWARD_NAME = 'Pick & Pack "express" ~ v/2 <fast> 🚚'
LONG_NAME = (
    "A name that somebody kept on making longer " * 5 + "until it had more than 200 characters"
)
CATALOGUE_FIELDS = 9000


def plant(p: Planter) -> None:
    plant_awkward_names(p)
    plant_catalogue(p)
    plant_hidden_secrets(p)
    plant_route(p)


def plant_awkward_names(p: Planter) -> None:
    p.component(
        "long-profile",
        LONG_NAME,
        "profile.json",
        x.json_profile(('field "one"', "field & two", "feld_größe", "字段")),
        folder=AWKWARD_FOLDER,
        description="Zeile eins\nline two & <three>",
    )
    p.component(
        "awkward",
        AWKWARD_NAME,
        "process",
        x.process(
            (
                x.start(),
                x.note('It\'s > 5 & < 7 — "quoted" 🚚'),
                x.decision(p.id("long-profile"), "a 'b' \"c\"\nd"),
                x.stop(),
            )
        ),
        folder=AWKWARD_FOLDER,
    )
    p.package("awkward", '1.0~rc/2 & "final" 🚚', "Notes with <tags> & 'quotes' ~ 🚚")


def plant_catalogue(p: Planter) -> None:
    """A profile of about two megabytes."""
    p.component(
        "catalogue",
        "Full Product Catalogue",
        "profile.xml",
        x.xml_profile("Catalogue", [f"attribute{n:05d}OfProduct" for n in range(CATALOGUE_FIELDS)]),
        folder="Logistics/Catalogue",
    )
    p.component(
        "catalogue-import",
        "Catalogue Import",
        "process",
        x.process((x.start(), x.decision(p.id("catalogue"), "Known?"), x.stop())),
        folder="Logistics/Catalogue",
    )
    p.package("catalogue-import", "1.0", "With the 2 MB profile")


def plant_hidden_secrets(p: Planter) -> None:
    """Secrets outside every known place: these have to stop a promotion."""
    p.component(
        "label-script",
        "Print Labels",
        "script.processing",
        x.processing_script(
            "// old call, remove: conn.setRequestProperty("
            '"Authorization", "Bearer c2FtcGxlLnRva2VuLm9ubHk5OTg4Nzc2NjU1")\n'
            'def url = "https://labels:crooked-pine-9@carrier-dev.example.net/print"\n'
            'def tokenizer = new StringTokenizer("a,b", ",")\n'
        ),
        folder="Logistics/Carriers",
    )
    p.component(
        "carrier-labels",
        "Carrier Labels",
        "process",
        x.process((x.start(), x.script_shape(p.id("label-script")), x.stop())),
        folder="Logistics/Carriers",
    )
    p.package("carrier-labels", "1.0", "Has a token in a script")


def plant_route(p: Planter) -> None:
    """A process route: packaged on its own, and never in a pack."""
    p.component(
        "regional",
        "Regional Delivery",
        "process",
        x.process((x.start(), x.note("Regional"), x.stop())),
        folder="Logistics/Routing",
    )
    p.component(
        "delivery-route",
        "Delivery Route",
        "processroute",
        f'<ProcessRoute xmlns=""><processEntries><processEntry{x.attrs(processId=p.id("regional"))}'
        ' routeKey="north"/></processEntries></ProcessRoute>',
        folder="Logistics/Routing",
    )
    p.component(
        "dispatch",
        "Dispatch",
        "process",
        x.process((x.start(), x.route_shape(p.id("delivery-route")), x.stop())),
        folder="Logistics/Routing",
    )
    p.package("dispatch", "1.0", "Uses a process route")
