"""A model folder: everything needed to run a recogniser, nothing executable, every byte checked before use.

model.onnx          the network, front end included: samples and lengths in; logits, embedding and, where the
                    system has it, attention out
model.safetensors   its weights, for fine-tuning
config.json         `affekt.config.ModelConfig`
golden/             one to four short clips and `scores.json`: what the network must say of them
README.md           the model card
MANIFEST.json       size and SHA-256 of every file
"""

from affekt.model_folder.attention import attention_grid
from affekt.model_folder.folder import ModelFolder, load_weights, open_folder, read_weights, write
from affekt.model_folder.scoring import Output, Scorer, default_threads, probabilities

__all__ = [
    "ModelFolder",
    "Output",
    "Scorer",
    "attention_grid",
    "default_threads",
    "load_weights",
    "open_folder",
    "probabilities",
    "read_weights",
    "write",
]
