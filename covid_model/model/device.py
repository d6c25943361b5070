"""Find the device that TensorFlow computes on, and the precision for it."""

from __future__ import annotations

from pathlib import Path

FLOAT32, BFLOAT16 = "float32", "mixed_bfloat16"
NATIVE_BFLOAT16 = ("amx_bf16", "avx512_bf16")  # flags of processors that multiply bfloat16 natively


def gpu_name() -> str | None:
    """Return the name of the GPU that TensorFlow uses, None if it computes on the CPU or is not installed."""
    try:
        import tensorflow as tf
    except ImportError:  # where Keras trains on another backend
        return None

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return None
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name") or gpus[0].name


def fast_precision() -> str:
    """Return "mixed_bfloat16" on a CPU that multiplies it natively, else "float32".

    Every recipe trains in it, and the app predicts in it with the networks whose scores it hardly moves. Records and
    stored predictions are computed in float32, and so is everything on a GPU: what bfloat16 does to the scores has been
    measured on CPUs only.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return FLOAT32
    native = any(flag in flags for flag in NATIVE_BFLOAT16)
    return BFLOAT16 if native and gpu_name() is None else FLOAT32


def set_threads(count: int) -> None:
    """Compute with `count` threads, in TensorFlow and in OpenCV. Call it before the first network is loaded.

    Raises RuntimeError if TensorFlow has started with another number.
    """
    import cv2
    import tensorflow as tf

    cv2.setNumThreads(count)
    if tf.config.threading.get_intra_op_parallelism_threads() != count:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1)  # the network is one chain of operations
