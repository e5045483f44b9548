"""How one vocabulary spells the pieces of another."""

from __future__ import annotations

from fastbert_tokenizers.joint_vocabulary import JOINER
from fastbert_tokenizers.vocabulary import Vocabulary


def spell(piece: str, vocabulary: Vocabulary) -> list[int]:
    """Cuts a piece of another vocabulary into pieces of this one, longest first, as WordPiece cuts words.

    Args:
      piece: a whole word or its beginning, the inside of a word (`##ing`), or a special token.
      vocabulary: what it is spelled with.

    Returns:
      Ids, at least one; `[UNK]` alone where a part cannot be spelled.
    """
    if piece in vocabulary:
        return [vocabulary.id_of(piece)]
    inside = piece.startswith(JOINER) and piece != JOINER
    spelled: list[int] = []
    rest = piece.removeprefix(JOINER) if inside else piece
    while rest:
        joiner = JOINER if inside or spelled else ""
        end = next((end for end in range(len(rest), 0, -1) if joiner + rest[:end] in vocabulary), None)
        if end is None:
            return [vocabulary.unknown_id]
        spelled.append(vocabulary.id_of(joiner + rest[:end]))
        rest = rest[end:]
    return spelled
