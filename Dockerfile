# Spacebot on any host with containers:
#   docker build -t spacebot .
#   docker run -d --env-file .env -p 7860:7860 -v spacebot:/data --restart unless-stopped spacebot
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GRADIO_ANALYTICS_ENABLED=False

# The same user id as on Hugging Face.
RUN useradd --create-home --uid 1000 user \
    && install -d -o user -g user /data
WORKDIR /app

# Written by `make lock`: the very files that were tested, by their hashes.
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

COPY app.py README.md LICENSE ./
COPY spacebot/ spacebot/

USER user
VOLUME /data
EXPOSE 7860
# env gives its place, process 1, to what it starts: Docker's SIGTERM reaches the program.
# Set here, these stand above those of an --env-file made for another machine.
ENTRYPOINT ["env", "GRADIO_SERVER_NAME=0.0.0.0", "GRADIO_SERVER_PORT=7860", "DATA_DIR=/data"]
CMD ["python", "app.py"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
