"""The files of docker/: what can be held without a Docker engine. `make images` builds and runs them.

schema/compose-1.29.2.json is the file compose_spec.json of docker-compose 1.29.2, unchanged (Copyright Docker, Inc.,
Apache License 2.0).
"""
