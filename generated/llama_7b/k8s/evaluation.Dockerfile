# What stages run in: evaluation. Build it where the project is, and name it by the digest that the registry gives it:
#   docker build -f evaluation.Dockerfile -t ... .
FROM registry.example/cuda-python@sha256:2a4c6e8f0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a1f3a5c7e9b0d

ARG EXTRAS=data,eval,quantize,serve,telemetry,tracking
WORKDIR /project
COPY constraints.txt pyproject.toml README.md LICENSE pdsl-policy.yam[l] ./
COPY pipeline_dsl ./pipeline_dsl
# torch first and by its pin alone: whichever build of it is at hand is taken. Bases that guard their own Python are told that it is ours.
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore
RUN if [ -n "$EXTRAS" ]; then grep '^torch==' constraints.txt > /tmp/torch.txt \
        && python3 -m pip install --no-cache-dir -r /tmp/torch.txt; fi \
    && python3 -m pip install --no-cache-dir -c constraints.txt ".${EXTRAS:+[$EXTRAS]}"
COPY pipelines ./pipelines

# The gate checks signatures of overrides by it.
# hadolint ignore=DL3008
RUN command -v ssh-keygen > /dev/null || { apt-get update \
        && apt-get install -y --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*; }

# A name and a home for the user that pods run as.
RUN getent passwd 1000 > /dev/null || useradd --uid 1000 --create-home pdsl
USER 1000
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT []
CMD ["pdsl", "--help"]
