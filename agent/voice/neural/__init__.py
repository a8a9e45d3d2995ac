"""Voices that a network makes on this machine: Piper and Kokoro, by ONNX Runtime."""
