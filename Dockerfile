# segrec on the CPU:
#   docker build --tag segrec .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" segrec read photo.jpg
FROM python:3.12-slim-bookworm

# opencv-python needs libGL and GLib, which this image lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

# PyTorch first: it is the largest part and changes least. Both packages have to come from one index; that of PyTorch's
# CPU wheels carries no CUDA: --build-arg TORCH_INDEX=URL.
ARG TORCH_INDEX=
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch>=2.10" "torchvision>=0.25"

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY recognizers recognizers
COPY segmenter segmenter
COPY segrec segrec
RUN pip install --no-cache-dir ".[datasets,onnx,hub]"

RUN useradd --create-home --uid 1000 segrec
ENV HOME=/home/segrec HF_HOME=/tmp/huggingface PYTHONUNBUFFERED=1
USER segrec
WORKDIR /work
ENTRYPOINT ["segrec"]
CMD ["--help"]
