"""What the project is made of: a bill of materials of what runs, and under which licences it may be handed on.

`make sbom` writes `dist/sbom.cdx.json` (CycloneDX): every distribution that runs, with the hashes of requirements.lock,
what the page brings along, and the jars of the embedded broker. `licences.toml` says what is allowed and what a
package's own metadata does not say clearly. `make licences` prints the licence of each.
"""
