"""The image and both compose stacks, built and run by a Docker engine: `make images`.

TEST_BUILD_OPTIONS: more options for `docker build`, such as `--network host`.
TEST_LEFT_OUT: services that cannot be had on this machine, such as `grafana`, separated by blanks.
"""
