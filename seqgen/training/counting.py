"""What a checkpoint keeps besides its weights: counts of the training documents, where they help with others.

At the end of a run the training documents are counted, and the gate that mixes counts and network is fitted on what is
held out. Counts are kept only where they help by HELPS: by a gate that was fitted on the other half of it.
"""

from seqgen.checkpoint import Checkpoint
from seqgen.errors import CheckpointError
from seqgen.evaluation.experts import fit_experts
from seqgen.experts.corpus import CorpusCounts
from seqgen.experts.gate import Gate
from seqgen.experts.mixing import Experts
from seqgen.models.network import RecurrentLM
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.data import Spans
from seqgen.training.duplicates import held_out
from seqgen.training.splitting import FIRST, SPLIT
from seqgen.training.validation import Ids, Validation, own_tokens

COUNTED, MOST = 2_000_000, 8_000_000  # training tokens: of a short run, and of one longer than LONG
LONG = 600.0  # seconds
HELPS = 0.005  # nats per token


def counted(
    network: RecurrentLM,
    ids: Ids,
    spans: Spans,
    validation: Validation,
    best: Checkpoint,
    kilobytes: int,
) -> Experts | None:
    """The counts to keep; None where there are to be none, or they do not help.

    Args:
        network: The best of the run, on its device.
        ids, spans: The training documents.
        validation: What is held out.
        best: The same as a checkpoint.
        kilobytes: How large the counts may be.
    """
    if not kilobytes:
        return None
    tokenizer, long = best.tokenizer, best.metrics.get("seconds", 0.0) > LONG
    size = tokenizer.measured_size
    documents = own_tokens(ids, spans, size, MOST if long else COUNTED)
    counts = CorpusCounts.fit(*documents, size, kilobytes * 1000)
    device = network.embedding.weight.device
    bare = unfitted(counts, tokenizer)
    experts, gain = fit_experts(network, bare, validation.ids, validation.starts, device)
    return experts if gain > HELPS else None


def unfitted(counts: CorpusCounts, tokenizer: Tokenizer) -> Experts:
    """Counts with a gate that hears the network alone, for `fit_experts`."""
    return Experts(counts, Gate.unfitted(), tokenizer.document_id, tokenizer.lines())


def as_trained(stream: TokenStream, checkpoint: Checkpoint) -> tuple[Spans, Spans]:
    """(training, held out) of a stream, as the run of a checkpoint without its folder split it.

    Raises:
        CheckpointError: It was trained on another corpus, or the corpus cannot be split as its run did.
    """
    about = checkpoint.provenance
    if stream.fingerprint != about["corpus"]:
        raise CheckpointError(f"{stream.path}: is not the corpus that the checkpoint was trained on")
    share, head = checkpoint.training["train"]["validation"], 1 if stream.labels[0] < 0 else 2
    for version in range(SPLIT, FIRST - 1, -1):
        train, held = held_out(stream, head, share, about["seed"], version)
        if (train.tokens, held.tokens) == (about["train_tokens"], about["validation_tokens"]):
            return train, held
    raise CheckpointError(f"{stream.path}: cannot be split as the checkpoint's run did")
