# syntax=docker/dockerfile:1
# d2k as an image: docker build -t d2k:0.1.0 .
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY d2k ./d2k
RUN python -m venv /opt/d2k \
 && /opt/d2k/bin/pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/d2k/bin/pip uninstall --yes --quiet pip

# Only what was installed goes on: no sources, no pip, no compiler.
FROM ${BASE_IMAGE}
COPY --from=build /opt/d2k /opt/d2k
ENV PATH=/opt/d2k/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 2375
ENTRYPOINT ["d2k"]
