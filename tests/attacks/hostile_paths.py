"""Command lines with every path that a command takes: `{file}` is what is read, `{odd}` what is written to."""

from __future__ import annotations

from segrec.importers.registry import DATASETS

READING = [
    "app --control {file}",
    "app --model {file}",
    "app --segmenter {file}",
    "edit {file} --erase --output {folder}/out.png",
    "edit {picture} --copy-to {file} --output {folder}/out.png",
    "edit {picture} --erase --polygons {file} --output {folder}/out.png",
    "edit {picture} --erase --segmenter {file} --output {folder}/out.png",
    "eval --data w={file}",
    "eval --data w={words} --lexicon {file}",
    "eval --data w={words} --masks w={file} --mask predicted",
    "eval --data w={words} --mask predicted --segmenter {file}",
    "eval --data w={words} --model {file}",
    "eval --data w={words} --model {file} --format html --output {folder}/page.html",
    "eval-segmenter --data coco-text:val={file}",
    "eval-segmenter --data words={words} --segmenter {file}",
    "export crnn-slim-predicted --segmenter {file} --output {folder}/out.onnx",
    "export mgnet-slim --int8 --calibrate {file} --output {folder}/out.onnx",
    "export {file} --output {folder}/out.onnx",
    "finetune crnn --data {file} --mask zero --output {folder}/run",
    "finetune crnn --data {words} --mask zero --pretrained {file} --output {folder}/run",
    "finetune crnn --data {words} --mask zero --resume {file} --output {folder}/run",
    "finetune crnn --data {words} --mask zero --valid {file} --output {folder}/run",
    "finetune crnn --data {words} --mask zero --valid {words} --valid-masks {file} --output {folder}/run",
    "finetune crnn --data {words} --masks {file} --output {folder}/run",
    "finetune crnn --data {words} --segmenter {file} --output {folder}/run",
    *(f"import {name} {{file}} --output {{folder}}/imported" for name in DATASETS),
    "import tsv {picture} --names {file} --output {folder}/imported",
    "info {file}",
    "label-masks --data {file} --output {folder}/masks",
    "label-masks --data {words} --verifier {file} --output {folder}/masks",
    "precompute-masks --data {file} --output {folder}/masks",
    "precompute-masks --data {words} --segmenter {file} --output {folder}/masks",
    "read {file}",
    "read {picture} --lexicon {file}",
    "read {picture} --model {file}",
    "read {picture} --onnx {file}",
    "read {picture} --polygons {file}",
    "read {picture} --segmenter {file}",
    "render corrupt --data {file} --output {folder}/corrupted",
    *(
        f"render {kind} --count 1 --output {{folder}}/rendered --{option} {{file}}"
        for kind in ("words", "scenes")
        for option in ("backgrounds", "fonts", "lexicon")
    ),
    "render warp-icdar13 --source {file} --output {folder}/warped",
    "segment {file} --output {folder}/out",
    "segment {picture} --segmenter {file} --output {folder}/out",
    *(
        f"train {kind} {options} --steps 1 --output {{folder}}/run"
        for kind in ("aster", "crnn")
        for options in ("--data {file}", "--data {words} --pretrained {file}", "--data {words} --valid {file}")
    ),
    "train segmenter --scenes {file} --output {folder}/run",
    "train segmenter --words {file} --output {folder}/run",
    "train segmenter --words {words} --pretrained {file} --output {folder}/run",
    "train segmenter --words {words} --reader {file} --reading {words} --output {folder}/run",
    "train segmenter --words {words} --reader crnn-slim-predicted --reading {file} --output {folder}/run",
    "train segmenter --words {words} --valid {file} --steps 1 --output {folder}/run",
]
SUFFIXED = ["info {file}.pth", "info {file}.safetensors", "convert {file}.pth --output {folder}/out.safetensors"]
RECIPES = ["finetune crnn --config {file}", "read {picture} --config {file}"]
"""Every command takes --config by the same function."""

FILES = [
    "convert {state} --output {odd}.safetensors",
    "edit {picture} --erase --output {folder}/out.png --compare {odd}.png",
    "edit {picture} --erase --output {odd}.png",
    "eval --data w={words} --mask zero --format html --output {odd}.html",
    "eval --data w={words} --mask zero --gains {odd}.csv",
    "eval --data w={words} --mask zero --output {odd}.md",
    "eval --data w={words} --mask zero --predictions {odd}.jsonl",
    "eval-segmenter --data words={words} --curves {odd}.png",
    "eval-segmenter --data words={words} --rows {odd}.csv",
    "export crnn-slim-predicted --output {odd}.onnx",
]
FOLDERS = [
    "demo --output {odd}",
    "finetune crnn --data {words} --mask zero --steps 1 --output {odd}",
    "import tsv {list} --output {odd}",
    "label-masks --data {words} --output {odd}",
    "precompute-masks --data {words} --output {odd}",
    "read {picture} --draw {odd}",
    "read {picture} --overlays {odd}",
    "render corrupt --data {words} --output {odd}",
    "render scenes --count 1 --output {odd}",
    "render warp-icdar13 --source {folder} --output {odd}",
    "render words --count 1 --output {odd}",
    "segment {picture} --output {odd}",
    "train aster --data {words} --steps 1 --output {odd}",
    "train crnn --data {words} --steps 1 --output {odd}",
    "train segmenter --words {words} --steps 1 --output {odd}",
]
NO_PATHS = {"--charset", "--device", "--host", "--kind", "--level", "--mask", "--ray-address", "--recolor"}
NO_PATHS |= {"--over", "--shard", "--split", "--subset", "--turns"}
"""Options that take a text which names no file, or one that another option names."""
