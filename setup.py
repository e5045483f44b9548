"""Package definition: what is shipped, what it needs, and the `fastbert` command."""

from pathlib import Path

from setuptools import setup

# Listed by hand: a namespace search would also ship the folders `tokenizers` and `serving`, and a top-level package
# `tokenizers` shadows Hugging Face's. tests/test_wheel.py fails when a new folder is missing here.
PACKAGES = [
    "fastbert_tf",
    "fastbert_tf.calibration",
    "fastbert_tf.checkpoints",
    "fastbert_tf.cli",
    "fastbert_tf.config",
    "fastbert_tf.data",
    "fastbert_tf.device",
    "fastbert_tf.evaluation",
    "fastbert_tf.export",
    "fastbert_tf.inference",
    "fastbert_tf.inference.packed",
    "fastbert_tf.inference.policies",
    "fastbert_tf.layers",
    "fastbert_tf.losses",
    "fastbert_tf.models",
    "fastbert_tf.recipes",
    "fastbert_tf.report",
    "fastbert_tf.report.sections",
    "fastbert_tf.training",
    "fastbert_serving",
    "fastbert_serving.batching",
    "fastbert_serving.control",
    "fastbert_serving.doctor",
    "fastbert_serving.doors",
    "fastbert_serving.gateway",
    "fastbert_serving.models",
    "fastbert_serving.watch",
    "fastbert_tokenizers",
]

setup(
    name="fastbert_tf",
    version="0.1.0",
    description="Small, early-exiting BERT classifiers with a measured cost/accuracy curve, for TensorFlow Serving",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.14",
    packages=PACKAGES,
    package_dir={
        "fastbert_tokenizers": "tokenizers/fastbert_tokenizers",
        "fastbert_serving": "serving/fastbert_serving",
    },
    package_data={
        "fastbert_tf": ["py.typed", "builtin/*"],
        "fastbert_tokenizers": ["py.typed"],
        "fastbert_serving": ["py.typed", "*.json"],
        "fastbert_serving.doctor": ["op_lists/*.txt"],
        "fastbert_serving.doors": ["page/*.html"],
    },
    install_requires=[
        # One minor for all three: TensorFlow Serving embeds TensorFlow Text's ops; they only load together.
        "tensorflow~=2.20.0",
        "tensorflow-text~=2.20.0",
        "tensorflow-serving-api~=2.20.0",
        "keras>=3.10,<4",
        "absl-py",
        "grpcio",
        "grpcio-health-checking",
        "h5py",
        "jsonschema",
        "matplotlib",
        "numpy",
        "prometheus_client",
        "protobuf",
        "safetensors>=0.8",  # older ones cannot read bfloat16
        "waitress~=3.0",
        "werkzeug>=3",
    ],
    extras_require={
        "model-garden": ["tf-models-official~=2.20.0"],  # brings Keras 2 beside Keras 3, and 900 MB
        "jax": ["jax[cpu]"],
        "litert": ["ai-edge-litert>=2.1"],  # reads LiteRT files; TensorFlow's own interpreter is going
        "beam": ["apache-beam>=2.77", "protobuf<7"],  # Beam's own bound, told to pip at once: else it tries every Beam
        # The engines that benchmarks/performance.py measures against; PyTorch alone takes gigabytes where pip finds no
        # build for CPUs only. `make bench` puts them into an environment of their own. docs/performance.md is measured
        # with these versions.
        "bench": [
            "fastbert==0.2.2",
            "onnx==1.23.2",
            "onnxruntime==1.31.1",
            "openvino==2026.4.1",
            "tokenizers==0.23.3",
            "torch==2.15.0",
        ],
        "dev": [
            "kubernetes-validate",
            "mypy~=2.4.0",
            "promql-parser",
            "pytest",
            "pytest-xdist>=3.7",
            "pyyaml",
            "ruff~=0.17.0",  # formatting differs between minors
            "scikit-learn",
            "scipy",
            "selenium",  # the tests of the page; they also need Debian's chromium and chromium-driver
            "setuptools>=77",
            "tokenizers",
            "wheel",
        ],
    },
    entry_points={"console_scripts": ["fastbert = fastbert_tf.cli.main:main"]},
)
