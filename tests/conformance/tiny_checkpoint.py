"""Write a tiny random checkpoint in the released Audio-Interaction layout.

The weights come from a seeded NumPy generator, so any machine rebuilds the same
checkpoint bit for bit; nothing but this script has to be stored.

    python tiny_checkpoint.py OUT_DIR [--seed 7] [--layers 2] [--embd 64] ...

Layout written (that of the released weights):
    model_config.yaml                       LitGPT model configuration
    model.safetensors.index.json + shards   language model, LitGPT tensor names
    qwen25OmniConfig/config.json            Qwen2.5-Omni configuration (audio tower part used)
    audiointeraction_ChunkwisedEncoder.pth  audio tower state dict, `proj` included
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

KEEP_SILENCE, TEXT_BEGIN = 151605, 151644


def lm_tensors(cfg: dict, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """Language-model tensors under LitGPT names, float32."""
    d, v, f = cfg["n_embd"], cfg["padded_vocab_size"], cfg["intermediate_size"]
    head = d // cfg["n_head"]
    qkv = (cfg["n_head"] + 2 * cfg["n_query_groups"]) * head

    def normal(*shape, std):
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32(std))

    out = {"transformer.wte.weight": normal(v, d, std=1.0), "lm_head.weight": normal(v, d, std=0.5)}
    for i in range(cfg["n_layer"]):
        p = f"transformer.h.{i}."
        out[p + "norm_1.weight"] = 1 + normal(d, std=0.1)
        out[p + "attn.qkv.weight"] = normal(qkv, d, std=1.5 / d**0.5)
        out[p + "attn.qkv.bias"] = normal(qkv, std=0.1)
        out[p + "attn.proj.weight"] = normal(d, d, std=1 / d**0.5)
        out[p + "norm_2.weight"] = 1 + normal(d, std=0.1)
        out[p + "mlp.fc_1.weight"] = normal(f, d, std=1 / d**0.5)
        out[p + "mlp.fc_2.weight"] = normal(f, d, std=1 / d**0.5)
        out[p + "mlp.proj.weight"] = normal(d, f, std=1 / f**0.5)
    out["transformer.ln_f.weight"] = 1 + normal(d, std=0.1)
    return out


def audio_config(args) -> dict:
    return dict(
        num_mel_bins=128,
        encoder_layers=args.encoder_layers,
        encoder_attention_heads=args.encoder_heads,
        encoder_ffn_dim=4 * args.encoder_dim,
        d_model=args.encoder_dim,
        output_dim=args.embd,
        n_window=100,
        max_source_positions=1500,
        model_type="qwen2_5_omni_audio_encoder",
    )


def tower_tensors(a: dict, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """Audio-tower tensors under Qwen2.5-Omni names, float32."""
    d, f = a["d_model"], a["encoder_ffn_dim"]

    def normal(*shape, std):
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32(std))

    out = {
        "conv1.weight": normal(d, a["num_mel_bins"], 3, std=1 / (3 * a["num_mel_bins"]) ** 0.5),
        "conv1.bias": normal(d, std=0.1),
        "conv2.weight": normal(d, d, 3, std=1 / (3 * d) ** 0.5),
        "conv2.bias": normal(d, std=0.1),
        "audio_bos_eos_token.weight": normal(2, a["output_dim"], std=1.0),
    }
    for i in range(a["encoder_layers"]):
        p = f"layers.{i}."
        for n in ("q_proj", "v_proj", "out_proj", "k_proj"):
            out[p + f"self_attn.{n}.weight"] = normal(d, d, std=1 / d**0.5)
            if n != "k_proj":
                out[p + f"self_attn.{n}.bias"] = normal(d, std=0.1)
        for n in ("self_attn_layer_norm", "final_layer_norm"):
            out[p + n + ".weight"] = 1 + normal(d, std=0.1)
            out[p + n + ".bias"] = normal(d, std=0.1)
        out[p + "fc1.weight"], out[p + "fc1.bias"] = (
            normal(f, d, std=1 / d**0.5),
            normal(f, std=0.1),
        )
        out[p + "fc2.weight"], out[p + "fc2.bias"] = (
            normal(d, f, std=1 / f**0.5),
            normal(d, std=0.1),
        )
    out["ln_post.weight"], out["ln_post.bias"] = 1 + normal(d, std=0.1), normal(d, std=0.1)
    out["proj.weight"] = normal(a["output_dim"], d, std=1 / d**0.5)
    out["proj.bias"] = normal(a["output_dim"], std=0.1)
    return out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("out", type=Path)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--embd", type=int, default=64)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--groups", type=int, default=2)
    p.add_argument("--ffn", type=int, default=160)
    p.add_argument("--encoder-layers", type=int, default=2)
    p.add_argument("--encoder-dim", type=int, default=48)
    p.add_argument("--encoder-heads", type=int, default=4)
    p.add_argument(
        "--silence-bias",
        type=float,
        default=None,
        help="scale of lm_head rows for the two control tokens, so that both decisions occur",
    )
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(args.seed))

    cfg = dict(
        name="Qwen2.5-tiny",
        block_size=4096,
        vocab_size=151643,
        padding_multiple=512,
        padded_vocab_size=151936,
        n_layer=args.layers,
        n_head=args.heads,
        n_embd=args.embd,
        n_query_groups=args.groups,
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        attn_bias=True,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
        intermediate_size=args.ffn,
        norm_eps=1e-6,
        rope_base=1000000,
    )
    (args.out / "model_config.yaml").write_text(yaml.safe_dump(cfg))
    tensors = lm_tensors(cfg, rng)
    # Random weights almost never pick a control token: give those two rows enough weight that
    # the listening state always decides for one of them, by content.
    if args.silence_bias:
        for t in (KEEP_SILENCE, TEXT_BEGIN):
            tensors["lm_head.weight"][t] *= args.silence_bias
    names = sorted(tensors)
    half = len(names) // 2
    weight_map = {}
    for n, part in enumerate((names[:half], names[half:]), start=1):
        shard = f"model-{n:05d}-of-00002.safetensors"
        save_file({k: tensors[k].contiguous() for k in part}, str(args.out / shard))
        weight_map |= {k: shard for k in part}
    (args.out / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": weight_map})
    )

    a = audio_config(args)
    torch.save(tower_tensors(a, rng), args.out / "audiointeraction_ChunkwisedEncoder.pth")
    omni = args.out / "qwen25OmniConfig"
    omni.mkdir(exist_ok=True)
    (omni / "config.json").write_text(
        json.dumps(
            {
                "model_type": "qwen2_5_omni",
                "thinker_config": {"audio_config": a, "model_type": "qwen2_5_omni_thinker"},
            }
        )
    )


if __name__ == "__main__":
    main()
