"""How does FHIR say it? Resources of FHIR R4 become the events that the native API takes."""
