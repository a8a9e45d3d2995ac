#!/bin/sh
# Runs the numerical tests with plainer instructions than this processor's best: those of others.
# usage: numerics.sh PYTHON
set -eu
python=$1
capability=$("$python" -c 'import torch; print(torch.backends.cpu.get_cpu_capability())')
case $capability in
    AVX*) plainer="default avx2" ;;
    *) plainer="default" ;;
esac
# oneDNN asks the processor by itself: a PyTorch that was told of less would pack for AMX, and fail.
ONEDNN_MAX_CPU_ISA=AVX2
export ONEDNN_MAX_CPU_ISA
for instructions in $plainer; do
    echo "numerical tests with ATEN_CPU_CAPABILITY=$instructions (this processor: $capability)"
    ATEN_CPU_CAPABILITY=$instructions "$python" -m pytest -m numerics --quiet -n logical --maxprocesses 4 --dist loadfile
done
