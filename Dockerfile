# The demo as an image: docker build -t covid-model . && docker run --read-only --tmpfs /tmp -p 127.0.0.1:8501:8501 covid-model
# assets/DEPLOYMENT.md says what it needs. compose.yaml runs it twice, and the prediction service of the same image once.
# An archive: docker run --read-only --tmpfs /tmp --shm-size 512m -v ARCHIVE:/archive:ro -v RESULTS:/cache covid-model \
#     python -m covid_model score /archive --to /cache/results.parquet

FROM python:3.11-slim AS packages
COPY requirements.txt requirements-cluster.txt /
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    --requirement /requirements.txt --requirement /requirements-cluster.txt


FROM python:3.11-slim
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Compiled here, as the app cannot write beside its own files. The user owns the cache only.
RUN /opt/venv/bin/python -m compileall -q covid_model streamlit_app.py \
    && groupadd --gid 10001 demo \
    && useradd --uid 10001 --gid demo --no-create-home --home-dir /tmp --shell /usr/sbin/nologin demo \
    && install --directory --owner demo --group demo /cache
# Without a volume on /cache, use /tmp for the sample X-rays and VGG-19's weights that the app downloads when asked.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    COVID_MODEL_WORK=/tmp/covid_model \
    KERAS_HOME=/tmp/keras \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8501
# Not `covid_model health`, which loads the network a second time and waits behind the users' X-rays.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.build_opener(web.ProxyHandler({})).open('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.port=8501", "--server.headless=true"]
