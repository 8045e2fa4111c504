"""What the FHIR door can do, as a CapabilityStatement: no more than what is tested.

Source: https://hl7.org/fhir/R4/capabilitystatement.html
"""

from functools import cache
from typing import Final

from services.fhir.outcome import Resource
from services.fhir.parsing import SUPPORTED

VERSION: Final = "4.0.1"
_INTERACTIONS: Final = ("read", "create", "search-type")
_TYPES: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"


@cache
def statement() -> Resource:
    """The same for everybody, and until another release."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-25",
        "publisher": "Whoever runs the installation",
        "kind": "instance",
        "software": {"name": "Resonance"},
        "implementation": {"description": "Takes FHIR resources in the place of native events, and keeps the events."},
        "fhirVersion": VERSION,
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "Create-only: a resource becomes one or more events. Its identifier (system and value) is its"
                    " identity; what is sent again is answered with 200. Only what the events hold is kept and shown."
                ),
                "security": {
                    "service": [{"coding": [{"system": _TYPES, "code": "SMART-on-FHIR"}]}],
                    "description": "An API key or an OAuth 2 access token, as a bearer token.",
                },
                "resource": [_resource(kind) for kind in sorted(SUPPORTED)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(kind: str) -> Resource:
    return {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "no-version",
        "conditionalCreate": True,
        "searchParam": [{"name": "identifier", "type": "token"}],
    }


def configuration(issuer: str) -> Resource:
    """Where tokens come from, for whoever looks in SMART's place for it; there is no token endpoint of ours."""
    return {
        "issuer": issuer,
        "grant_types_supported": ["client_credentials"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
