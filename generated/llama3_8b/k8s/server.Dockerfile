# What serves: TensorRT-LLM's release, as a user who is not root. The model is no part of it: it comes from the store, past the gate.
FROM registry.example/tensorrt-llm-release@sha256:9b0d2f4a6c8e0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a1f3a5c7e

USER 0
# A name for the user that pods run as; some bases have one already.
RUN getent passwd 1000 > /dev/null || useradd --uid 1000 --create-home pdsl
USER 1000
ENV HOME=/tmp
EXPOSE 8000
